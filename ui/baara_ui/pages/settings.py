"""Settings: the key, what agents may read, what is allowed, and what is in force."""

import asyncio
from typing import Any

from baara_engine import config
from baara_engine.agent.prices import Price
from baara_ui.house import House
from baara_ui.page import BY, Fields, Page

PER_MILLION = 1000  # thousandths of a microdollar for a token: dollars for a million tokens


class Settings(Page):
    """All that a person sets for the whole of Baara."""

    title = "Settings"
    here = "settings"

    def __init__(self, house: House) -> None:
        """Ask the keyring once, and again when it is changed from here: it may be slow."""
        self.key = house.keys.state()
        self.key_told = ""
        super().__init__(house)

    def build(self) -> None:
        """Show them."""
        self.part("settings.html", self._values)
        for name, do in {
            "keep-key": self._keep, "check-key": self._check, "forget-key": self._forget, "allow-host": self._allow,
            "forbid-host": self._forbid, "revoke": self._revoke,
        }.items():  # fmt: skip
            self.on(name, do)

    async def _keep(self, fields: Fields) -> None:
        self.key_told = await asyncio.to_thread(self.house.keys.keep, fields.get("key", "").strip())
        await self._ask_keyring()

    async def _check(self, _fields: Fields) -> None:
        self.key_told = await asyncio.to_thread(self.house.keys.check)

    async def _forget(self, _fields: Fields) -> None:
        self.key_told = await asyncio.to_thread(self.house.keys.forget)
        await self._ask_keyring()

    async def _ask_keyring(self) -> None:
        self.key = await asyncio.to_thread(self.house.keys.state)

    async def _allow(self, fields: Fields) -> None:
        host = await asyncio.to_thread(self.engine.allow_fetch, fields.get("host", ""))
        self.say(f"Agents may read pages of {host}.")

    async def _forbid(self, fields: Fields) -> None:
        host = await asyncio.to_thread(self.engine.forbid_fetch, fields.get("host", ""))
        self.say(f"Agents may not read pages of {host} any more.")

    async def _revoke(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.revoke, fields["id"], by=BY)
        self.say("Taken back. What has run has run.")

    def _values(self) -> dict[str, Any]:
        return {
            "key": self.key, "key_told": self.key_told, "hosts": self.engine.fetch_hosts(),
            "servers": self.engine.mcp_servers(), "grants": self.engine.grants(),
            "settings": _in_force(self.engine.config),
            "prices": [_price(model, price, own) for model, (price, own) in self.engine.prices().items()],
        }  # fmt: skip


def _in_force(now: config.Config) -> list[tuple[str, str, str]]:
    return [
        ("Model", now.default_model, "BAARA_MODEL"),
        ("Service", now.base_url or "the Anthropic API", "ANTHROPIC_BASE_URL"),
        ("Tokens of a conversation", f"{now.context_tokens:,}" if now.context_tokens else "what the model takes",
         "BAARA_CONTEXT_TOKENS"),
        ("Awake while at work", "yes" if now.keep_awake else "no", "BAARA_KEEP_AWAKE"),
        ("Claude's skills", str(now.claude or "none"), "CLAUDE_CONFIG_DIR"),
    ]  # fmt: skip


def _price(model: str, price: Price, own: bool) -> tuple[str, str, str, bool]:  # noqa: FBT001 - a fact, not a switch
    return model, f"{price.input / PER_MILLION:g}", f"{price.output / PER_MILLION:g}", own
