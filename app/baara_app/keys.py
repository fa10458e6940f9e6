"""Keys, as the pages ask for them (see `baara_ui.house.Keys`)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from baara_app import credentials
from baara_engine import errors
from baara_engine.agent import models
from baara_engine.agent.model import Request
from baara_engine.engine import Engine
from baara_ui.house import KeyState

PATIENCE_S = 60.0  # a keyring may ask the person for its password
ASKED = "Answer with the one word: yes"
WORKS = "It works"  #: begins what is said of a key that does
MOST_TOKENS = 8  # of the answer: it costs a fraction of a cent


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of this computer's keyring."""

    engine: Engine
    make_models: Callable[[], models.Models]

    def state(self) -> KeyState:
        """Say where the key comes from."""
        found = credentials.whereabouts()
        return KeyState(found.source, found.keyring, found.problem or found.passed_over)

    def keep(self, key: str) -> str:
        """Keep a key, and say where. What waits for one goes on. Raises `errors.BaaraError`."""
        keyring = credentials.keep(credentials.require_plausible(key), limit_s=PATIENCE_S)
        woken = self.engine.key_changed()
        return f"The key is kept in the keyring ({keyring}).{f' {woken} executions go on.' if woken else ''}"

    def forget(self) -> str:
        """Delete the key that is kept. Raises `errors.BaaraError`."""
        return f"The key is deleted from the keyring ({credentials.forget(limit_s=PATIENCE_S)})."

    def check(self) -> str:
        """Ask the service one cheap question with the key, and say what came of it."""
        return asyncio.run(self._check())

    async def _check(self) -> str:
        made, name = self.make_models(), self.engine.config.default_model
        try:
            model = await made.get(name)
            question = {"role": "user", "content": [{"type": "text", "text": ASKED}]}
            await model.answer(Request(name, "", [question], [], MOST_TOKENS))
        except errors.BaaraError as error:
            return f"It does not work: {error.message}"
        finally:
            await made.close()
        return f"{WORKS}: {name} answered."
