"""A clock that tests set."""

from baara_engine.clock import Millis

MS_PER_S = 1000


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: Millis = 1_800_000_000_000) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> Millis:
        """Give the time that was set."""
        return self._now

    def monotonic(self) -> float:
        """Give the seconds that were advanced so far."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._now += round(seconds * MS_PER_S)
        self._monotonic += seconds

    def set(self, now: Millis) -> None:
        """Set the wall clock alone, as a person or a time server does."""
        self._now = now
