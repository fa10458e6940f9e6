"""What every page is given."""

from dataclasses import dataclass
from typing import Protocol

from baara_engine.engine import Engine
from baara_ui.hub import Hub


@dataclass(frozen=True, slots=True)
class KeyState:
    """Where the key of the model service comes from."""

    source: str | None  #: "keyring", "environment", or None for nowhere
    keyring: str | None  #: its name
    problem: str | None  #: why the keyring cannot be used


class Keys(Protocol):
    """The keeping of keys, which is the app's: no key is ever in a page. All of it may take as long as a keyring."""

    def state(self) -> KeyState:
        """Say where the key comes from."""
        ...

    def keep(self, key: str) -> str:
        """Keep a key, and say in a sentence where. Raises `errors.BaaraError`."""
        ...

    def forget(self) -> str:
        """Delete the key that is kept, and say so in a sentence. Raises `errors.BaaraError`."""
        ...

    def check(self) -> str:
        """Ask the service one cheap question with the key, and say in a sentence what came of it."""
        ...


class NoKeys:
    """The keeping of keys where there is none."""

    def state(self) -> KeyState:
        """Know of no key."""
        return KeyState(None, None, "Keys cannot be kept from here.")

    keep = forget = check = lambda *_: "Keys cannot be kept from here."


@dataclass(frozen=True, slots=True)
class House:
    """The engine, what tells of changes, and who keeps keys."""

    engine: Engine
    hub: Hub
    keys: Keys
