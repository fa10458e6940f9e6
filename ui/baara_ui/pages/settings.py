"""Settings: the key, what agents may read, what is allowed, and what is in force."""

import asyncio
from typing import Any

from baara_engine import errors, words
from baara_engine.agent.prices import Price
from baara_engine.settings import Settings as Setting
from baara_ui.house import House
from baara_ui.page import BY, Fields, Page

TEXTS = ("default_model", "base_url", "context_tokens", "quiet_from", "quiet_until")  # settings that are typed
SWITCHES = ("keep_awake", "notify")
VARIABLES = {  # of the environment, which come before what is set here
    "default_model": "BAARA_MODEL", "base_url": "ANTHROPIC_BASE_URL", "context_tokens": "BAARA_CONTEXT_TOKENS",
    "keep_awake": "BAARA_KEEP_AWAKE",
}  # fmt: skip
PER_MILLION = 1000  # thousandths of a microdollar for a token: dollars for a million tokens


class Settings(Page):
    """All that a person sets for the whole of Baara."""

    title = "Settings"
    here = "settings"

    def __init__(self, house: House) -> None:
        """Ask the keyring once, and again when it is changed from here: it may be slow."""
        self.key = house.keys.state()
        self.key_told = ""
        self.at_login = _at_login(house)
        super().__init__(house)

    def build(self) -> None:
        """Show them."""
        self.part("settings.html", self._values)
        for name, do in {
            "keep-key": self._keep, "check-key": self._check, "forget-key": self._forget, "allow-host": self._allow,
            "forbid-host": self._forbid, "revoke": self._revoke, "set": self._set, "login": self._login,
            "shut-out": self._shut_out,
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

    async def _set(self, fields: Fields) -> None:
        said: dict[str, Any] = {name: fields[name].strip() or None for name in TEXTS if name in fields}
        said |= {name: fields.get(name) == "yes" for name in SWITCHES if name in fields}
        await asyncio.to_thread(self.engine.change_settings, said, by=BY)
        self.say("Kept, and in force.")

    async def _login(self, fields: Fields) -> None:
        self.say(await asyncio.to_thread(self.house.desk.start_at_login, on=fields.get("on") == "yes"))
        self.at_login = await asyncio.to_thread(_at_login, self.house)

    async def _revoke(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.revoke, fields["id"], by=BY)
        self.say("Taken back. What has run has run.")

    async def _shut_out(self, _fields: Fields) -> None:
        gone = self.house.access.revoke_others(self.cookies())
        self.say(f"Shut out: {words.count(gone, 'window or browser', 'windows or browsers')}. This one stays.")

    def _values(self) -> dict[str, Any]:
        return {
            "key": self.key, "key_told": self.key_told, "hosts": self.engine.fetch_hosts(),
            "servers": self.engine.mcp_servers(), "grants": self.engine.grants(),
            "said": self.engine.settings(), "now": self.engine.config, "fixed": self.engine.config.fixed,
            "about": {name: field.description for name, field in Setting.model_fields.items()},
            "variables": VARIABLES, "windows": self.house.access.windows(),
            "screens": self.house.desk.screens_here(), "at_login": self.at_login,
            "prices": [_price(model, price, own) for model, (price, own) in self.engine.prices().items()],
        }  # fmt: skip


def _at_login(house: House) -> tuple[bool, str]:
    """Say whether Baara starts at login, and why that cannot be said."""
    try:
        return house.desk.starts_at_login(), ""
    except errors.BaaraError as error:
        return False, error.message


def _price(model: str, price: Price, own: bool) -> tuple[str, str, str, bool]:  # noqa: FBT001 - a fact, not a switch
    return model, f"{price.input / PER_MILLION:g}", f"{price.output / PER_MILLION:g}", own
