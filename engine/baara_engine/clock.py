"""Time, passed in wherever it matters, so that tests own it.

There are three readings. What people share is `now`: it may be set. What work is measured by is `monotonic`: it stands
still while the computer sleeps. What tells the two apart is `boot`: it goes on while the computer sleeps, and nobody
sets it. So a sleep is `boot` gaining on `monotonic`, and a clock that was set is `now` leaving `boot`.
"""

import ctypes
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

Millis = int  # milliseconds; as a point in time: since 1970-01-01 UTC

MS_PER_S = 1000
NOTICED_MS = 1000  # less than this between two looks is the time that the looking takes, or a clock being trimmed


AT_ONCE_S = 0.1  # seconds between readings that count as taken together: a tenth of what is noticed


class Clock(Protocol):
    """Three readings of time: one that people share and may be set, and two that only go forward."""

    def now(self) -> Millis:
        """Give the wall clock, in ms since 1970 UTC. It may jump."""
        ...

    def monotonic(self) -> float:
        """Give seconds from an arbitrary start, sleep not counted. Compare readings of one process only."""
        ...

    def boot(self) -> float:
        """Give seconds from an arbitrary start, sleep counted. Compare readings of one process only."""
        ...


# What each system calls these two was read in its documentation. Only Linux has been run.
if sys.platform == "win32":

    def _working() -> float:
        """QueryUnbiasedInterruptTime, in units of 100 ns, leaves out sleep; `time.monotonic` does not."""
        ticks = ctypes.c_ulonglong()
        ctypes.windll.kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))
        return ticks.value / 10_000_000

    def _since_boot() -> float:
        return time.monotonic()

elif sys.platform == "darwin":

    def _working() -> float:
        """CLOCK_UPTIME_RAW leaves out sleep, as `time.monotonic` does there, and CLOCK_MONOTONIC does not."""
        return time.clock_gettime(time.CLOCK_UPTIME_RAW)

    def _since_boot() -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC)

else:

    def _working() -> float:
        return time.monotonic()

    def _since_boot() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class SystemClock:
    """The computer's own clock."""

    def now(self) -> Millis:
        """Give the wall clock, in ms since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Give seconds since some start, sleep not counted."""
        return _working()

    def boot(self) -> float:
        """Give seconds since some start, sleep counted."""
        return _since_boot()


@dataclass(frozen=True, slots=True)
class Break:
    """What happened to time between two looks."""

    slept_ms: int  #: how long the computer was asleep, 0 if it was not
    jumped_ms: int  #: how far the wall clock was set, below 0 for backwards, 0 if it was not


class Watch:
    """Notices, at each look, that the computer slept or that its clock was set since the last one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = self._read()

    def look(self) -> Break | None:
        """Say what happened since the last look, None if time just went by. Costs about a microsecond."""
        before, after = self._last, self._read()
        self._last = after
        wall, working, boot = (late - early for early, late in zip(before, after, strict=True))
        slept, jumped = boot - working, wall - boot
        if max(slept, abs(jumped)) <= NOTICED_MS:
            return None
        return Break(slept if slept > NOTICED_MS else 0, jumped if abs(jumped) > NOTICED_MS else 0)

    def _read(self) -> tuple[int, int, int]:
        """Read all three at one moment: between two readings, this process may be stopped or the computer sleep."""
        while True:
            boot = self._clock.boot()
            wall, working = self._clock.now(), self._clock.monotonic()
            if self._clock.boot() - boot < AT_ONCE_S:
                return wall, _ms(working), _ms(boot)


def _ms(seconds: float) -> int:
    return round(seconds * MS_PER_S)


def iso(at: Millis | None) -> str | None:
    """Write a point in time as ISO 8601 in UTC, with milliseconds and `Z`."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def minute(at: Millis) -> str:
    """Write a point in time for people of this computer, to the minute, rounded up: until then at least."""
    minutes = -(-at // (60 * MS_PER_S))
    return datetime.fromtimestamp(minutes * 60, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
