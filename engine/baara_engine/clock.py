"""Time, passed in wherever it matters, so that tests own it."""

import time
from datetime import UTC, datetime
from typing import Protocol

Millis = int  # milliseconds; as a point in time: since 1970-01-01 UTC


class Clock(Protocol):
    """Two readings of time: one that people share and may be set, one that only goes forward."""

    def now(self) -> Millis:
        """Give the wall clock, in ms since 1970 UTC. It may jump."""
        ...

    def monotonic(self) -> float:
        """Give seconds from an arbitrary start. It never jumps; compare readings of one process only."""
        ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> Millis:
        """Give the wall clock, in ms since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Give seconds since some start, not counting backwards steps of the wall clock."""
        return time.monotonic()


def iso(at: Millis | None) -> str | None:
    """Write a point in time as ISO 8601 in UTC, with milliseconds and `Z`."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
