import asyncio

import pytest

from baara_engine.testing.virtual import MS_PER_S, VirtualClock, VirtualLoop

DAY_S = 24 * 3600.0


def test_a_month_of_sleep_takes_no_time_and_shows_on_both_clocks() -> None:
    """What sleeps is woken at its time, in the order of the times."""
    clock = VirtualClock()
    loop, before, woken = VirtualLoop(clock), clock.now(), []

    async def sleep(days: int) -> None:
        await asyncio.sleep(days * DAY_S)
        woken.append((days, clock.now() - before))

    async def all_of_them() -> None:
        await asyncio.gather(sleep(30), sleep(2), sleep(7))

    loop.run_until_complete(all_of_them())
    loop.close()
    assert woken == [(days, days * DAY_S * MS_PER_S) for days in (2, 7, 30)]
    assert clock.monotonic() == pytest.approx(30 * DAY_S)


def test_a_sleeping_computer_and_a_wrong_clock_move_the_wall_clock_only() -> None:
    """Timers of the loop do not see either; the time since boot sees the sleep alone."""
    clock = VirtualClock()
    before = clock.now()
    clock.suspend(60)
    clock.shift(-3_600_000)
    assert (clock.monotonic(), clock.boot(), clock.now() - before) == (0.0, 60.0, 60_000 - 3_600_000)


def test_a_loop_in_which_nothing_can_happen_says_so() -> None:
    """Waiting for what nobody will do is an error, not a hang."""
    loop = VirtualLoop(VirtualClock())
    with pytest.raises(RuntimeError, match="for ever"):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_what_is_abandoned_gets_no_chance_to_tidy_up_later() -> None:
    """Tasks of an abandoned loop are closed in silence, also one that refuses to end."""
    loop = VirtualLoop(VirtualClock())

    async def stubborn() -> None:
        try:
            await asyncio.sleep(DAY_S)
        finally:
            await asyncio.sleep(DAY_S)

    task = loop.create_task(stubborn())
    loop.run_until(1.0)
    loop.abandon()
    assert not task.done()
    assert loop.is_closed()
