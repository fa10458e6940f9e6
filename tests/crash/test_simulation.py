"""The short form of the simulation; README.md says how to run the long one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.crash import simulation

from baara_engine.checks.verdict import UNCHECKED, Verdict
from baara_engine.records import Execution
from baara_engine.settle import Settler

ROOT = Path(__file__).parents[2]


class Forgetful(Settler):
    """Forgets to end the lease of whatever answers well."""

    async def completed(self, execution: Execution, output: str, verdict: Verdict = UNCHECKED) -> None:
        """Do nothing."""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_week_of_accidents_leaves_nothing_undone_and_nothing_done_twice(seed: int) -> None:
    """Everything in `simulated/watching.py` holds throughout, and in the end everything comes to its end."""
    history = simulation.simulate(seed, 7)
    assert history.broken is None, simulation.told(history)
    assert history.counts["to completed"] > 50
    assert history.counts["deaths"] > 5


def test_the_same_seed_gives_the_same_history_in_any_process() -> None:
    """The digest of all events is equal, also where Python's own hashes differ."""
    history = simulation.simulate(4, 2)
    command = [sys.executable, "-m", "tests.crash.simulation", "--seed", "4", "--days", "2"]
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert simulation.told(history) in done.stdout.splitlines()
    assert simulation.simulate(5, 2).digest != history.digest


@pytest.mark.expects_log("could not be settled")
def test_a_planted_defect_is_found_and_found_again() -> None:
    """A settler that forgets to end a lease breaks an invariant, and the same seed breaks it at the same moment."""
    first, again = (simulation.simulate(6, 3, make_settler=Forgetful) for _ in range(2))
    assert first.broken is not None
    assert "its lease was left without being settled" in first.broken
    assert simulation.told(first) == simulation.told(again)
