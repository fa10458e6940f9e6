"""What every page is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from baara_engine.engine import Engine
from baara_ui.hub import Hub


@dataclass(frozen=True, slots=True)
class KeyState:
    """Where the key of the model service comes from."""

    source: str | None  #: "keyring", "environment", or None for nowhere
    keyring: str | None  #: its name
    problem: str | None  #: why the keyring cannot be used, or why another one is not


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


class Desk(Protocol):
    """The program around the pages: its window and tray, its start at login, its end."""

    @property
    def finishing(self) -> bool:
        """Say whether it quits when what is at work has ended."""
        ...

    @property
    def at_work(self) -> int:
        """Give how many executions are at work."""
        ...

    def quit(self, *, finish: bool | None) -> None:
        """End the program: when what is at work has ended, or at once. Raises `errors.Refused`."""
        ...

    def stay(self) -> None:
        """Do not quit after all."""
        ...

    def screens_here(self) -> list[tuple[str, str]]:
        """Say of window, tray and notifications whether they can be had here, and why not."""
        ...

    def starts_at_login(self) -> bool:
        """Say whether it does. Raises `errors.Unavailable`."""
        ...

    def start_at_login(self, *, on: bool) -> str:
        """Have it start at login, or no more, and say in a sentence what holds. Raises `errors.Unavailable`."""
        ...


class NoDesk:
    """The program where there is none: pages by themselves, as in tests."""

    finishing = False
    at_work = 0

    def quit(self, *, finish: bool | None) -> None:
        """Stay."""

    def stay(self) -> None:
        """Stay."""

    def screens_here(self) -> list[tuple[str, str]]:
        """Know of none."""
        return []

    def starts_at_login(self) -> bool:
        """Know of no login."""
        return False

    def start_at_login(self, *, on: bool) -> str:
        """Do nothing."""
        return f"It cannot be {'switched on' if on else 'switched off'} from here."


class Access(Protocol):
    """Who is let in, by the cookie of a window or browser. To be used in the loop that serves."""

    def windows(self) -> int:
        """Give how many hold a cookie that lets them in."""
        ...

    def revoke_others(self, cookies: Mapping[str, str]) -> int:
        """Shut all out but the one with these cookies, and give how many it were."""
        ...


class NoAccess:
    """Who is let in where there is no guard."""

    def windows(self) -> int:
        """Know of none."""
        return 0

    def revoke_others(self, cookies: Mapping[str, str]) -> int:  # noqa: ARG002 - as the protocol says
        """Shut nobody out."""
        return 0


class Line(Protocol):
    """A line of the log."""

    @property
    def at(self) -> str:
        """Give when, as ISO 8601 in UTC."""
        ...

    @property
    def level(self) -> str:
        """Give how grave it is."""
        ...

    @property
    def logger(self) -> str:
        """Give the part of the program that says it."""
        ...

    @property
    def message(self) -> str:
        """Give what it says."""
        ...


class Report(Protocol):
    """A crash report."""

    @property
    def at(self) -> str:
        """Give when, as ISO 8601 in UTC."""
        ...

    @property
    def what(self) -> str:
        """Give what fell over."""
        ...

    @property
    def trace(self) -> str:
        """Give the lines of code that led to it."""
        ...


class Logbook(Protocol):
    """What the program has written down about itself."""

    def lines(self, count: int, level: str) -> Sequence[Line]:
        """Give the last lines of the log of this level or above, oldest first. Raises `errors.Unavailable`."""
        ...

    def crashes(self) -> Sequence[Report]:
        """Give the crash reports, newest first."""
        ...


class NoLogbook:
    """What is written down where nothing is."""

    def lines(self, count: int, level: str) -> Sequence[Line]:  # noqa: ARG002 - as the protocol says
        """Know of none."""
        return ()

    def crashes(self) -> Sequence[Report]:
        """Know of none."""
        return ()


@dataclass(frozen=True, slots=True)
class House:
    """The engine, what tells of changes, and the program around the pages: its keys, its desk, its guard, its log."""

    engine: Engine
    hub: Hub
    keys: Keys
    desk: Desk
    access: Access
    logbook: Logbook
