"""The short form of the months of schedules; README.md says how to run the long one."""

import os
import subprocess

import pytest
from tests.crash import slots

from baara_engine.clock import Millis
from baara_engine.scheduling.scheduler import Scheduler

# Seeds of two hundred schedules, from 1 on. They take minutes, so a person's run has some, and the project's own all.
LARGE_HOUSES = 500 if os.environ.get("CI") == "true" else 8
SEEDS = (1, 2, 3, 5, 20261135)  # in the last, a clock that is ten years ahead queues what is made up for


class Careless(Scheduler):
    """Does not account for a clock that was set."""

    def clock_was_set(self, ms: Millis) -> None:
        """Take no notice."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_month_of_schedules_is_in_the_ledger_as_the_policies_say(seed: int) -> None:
    """Each due time is a slot once, ended by its policy, whatever sleeps, clocks, restarts and kills come between."""
    history = slots.simulate(seed)
    assert history.broken is None, slots.told(history)
    assert history.counts["kills"] + history.counts["jumps"] > 0


def test_a_due_time_that_a_person_called_off_may_come_again() -> None:
    """Asked about, called off, and then the clock is put back: it is asked about once more, and nothing breaks."""
    history = slots.simulate(3266, schedules=slots.MANY)
    assert history.broken is None, slots.told(history)


@pytest.mark.timeout(3000)
@pytest.mark.beside(
    "tests.crash.slots", "--seed", 1, "--seeds", LARGE_HOUSES, "--schedules", slots.MANY, "--jobs", os.cpu_count() or 1
)
def test_months_of_two_hundred_schedules_are_in_the_ledger_as_the_policies_say(
    beside: subprocess.CompletedProcess[str],
) -> None:
    """So it is with two hundred schedules, seed after seed."""
    print(beside.stdout)
    assert beside.returncode == 0, beside.stdout
    assert f"{LARGE_HOUSES} × 30 days" in beside.stdout


def test_a_month_happens_again_as_it_was() -> None:
    """The same seed gives the same history."""
    assert slots.told(slots.simulate(7, days=10)) == slots.told(slots.simulate(7, days=10))


def test_a_planted_defect_is_found() -> None:
    """A scheduler that takes no notice of a clock that was set is told from one that does."""
    histories = [slots.simulate(seed, make_scheduler=Careless) for seed in SEEDS]
    assert any(history.broken is not None for history in histories)
