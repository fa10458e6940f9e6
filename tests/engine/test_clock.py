import time

import pytest

from baara_engine import clock
from baara_engine.clock import Break
from baara_engine.testing.clocks import FakeClock

HOUR = 3600.0
HOUR_MS = 3_600_000
YEARS_MS = 10 * 365 * 24 * HOUR_MS


def test_time_that_goes_by_is_no_break() -> None:
    """However long it is between two looks, nothing is noticed while all three readings go together."""
    time_ = FakeClock()
    watch = clock.Watch(time_)
    for seconds in (0.0, 0.5, 1.5, HOUR):
        time_.advance(seconds)
        assert watch.look() is None


def test_a_sleep_is_noticed_once_with_its_length() -> None:
    """Sleep is what the time since boot gains on the working time; the next look finds nothing any more."""
    time_ = FakeClock()
    watch = clock.Watch(time_)
    time_.advance(3.0)
    time_.suspend(6 * HOUR)
    assert watch.look() == Break(slept_ms=6 * HOUR_MS, jumped_ms=0)
    assert watch.look() is None


@pytest.mark.parametrize("jump", [-YEARS_MS, -2000, 2000, YEARS_MS])
def test_a_clock_that_is_set_is_noticed_with_its_direction(jump: int) -> None:
    """A jump is what the wall clock leaves the time since boot by, forwards or backwards."""
    time_ = FakeClock()
    watch = clock.Watch(time_)
    time_.advance(1.0)
    time_.set_wall(time_.now() + jump)
    assert watch.look() == Break(slept_ms=0, jumped_ms=jump)


def test_a_sleep_and_a_jump_are_told_apart() -> None:
    """A clock that a time server sets after the wake does not count as sleep, nor the sleep as a jump."""
    time_ = FakeClock()
    watch = clock.Watch(time_)
    time_.suspend(HOUR)
    time_.set_wall(time_.now() - 5000)
    assert watch.look() == Break(slept_ms=HOUR_MS, jumped_ms=-5000)


@pytest.mark.parametrize("trimmed", [-900, 900])
def test_a_clock_that_is_trimmed_is_no_break(trimmed: int) -> None:
    """Less than a second is what a time server does all the time."""
    time_ = FakeClock()
    watch = clock.Watch(time_)
    time_.set_wall(time_.now() + trimmed)
    time_.suspend(0.5)
    assert watch.look() is None


class Halting(FakeClock):
    """Lets the process be stopped for ten seconds between two of its readings, once."""

    halts = 0

    def monotonic(self) -> float:
        if self.halts:
            self.halts -= 1
            self.advance(10.0)
        return super().monotonic()


def test_a_process_that_is_stopped_between_two_readings_notices_nothing() -> None:
    """The three readings are taken again if they were not taken together."""
    time_ = Halting()
    watch = clock.Watch(time_)
    time_.halts = 1
    assert watch.look() is None


def test_the_clocks_of_this_computer_go_together() -> None:
    """While the computer is awake, the three real readings advance alike."""
    time_ = clock.SystemClock()
    watch = clock.Watch(time_)
    before = time_.now(), time_.monotonic(), time_.boot()
    time.sleep(0.05)
    assert all(late > early for early, late in zip(before, (time_.now(), time_.monotonic(), time_.boot()), strict=True))
    assert watch.look() is None
