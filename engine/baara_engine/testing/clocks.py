"""A clock that tests set."""

from baara_engine.clock import Millis

MS_PER_S = 1000


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: Millis = 1_800_000_000_000) -> None:
        self._now = now
        self._monotonic = 0.0
        self._boot = 0.0

    def now(self) -> Millis:
        """Give the time that was set."""
        return self._now

    def monotonic(self) -> float:
        """Give the seconds that were advanced so far."""
        return self._monotonic

    def boot(self) -> float:
        """Give the seconds that were advanced or slept through so far."""
        return self._boot

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._monotonic += seconds
        self.suspend(seconds)

    def suspend(self, seconds: float) -> None:
        """Let the computer sleep: everything goes on but the time in which it works."""
        self._now += round(seconds * MS_PER_S)
        self._boot += seconds

    def set_wall(self, now: Millis) -> None:
        """Set the wall clock alone, as a person or a time server does."""
        self._now = now
