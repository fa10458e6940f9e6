"""The short form of the state machine; README.md says how to run the long one."""

import traceback

import hypothesis.errors
import pytest
from tests.crash import machine

from baara_engine.store import executions
from baara_engine.store.transaction import Tx

EXAMPLES = 150
SEED = 20261124


@pytest.mark.expects_log("could not be settled")
def test_states_queues_and_leases_are_as_a_model_says_after_every_step() -> None:
    """Whatever is done in whatever order, each row stands where a model of a hundred lines says."""
    machine.drive(EXAMPLES, SEED)


@pytest.mark.expects_log("could not be settled")
def test_the_machine_sees_a_store_that_forgets_the_concurrency(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that takes one too many is found, and the steps are told."""
    claim = executions.claim

    def one_too_many(tx: Tx, queue: str, concurrency: int, owner: str, lease_until: int) -> object:
        return claim(tx, queue, concurrency + 1, owner, lease_until)

    monkeypatch.setattr(executions, "claim", one_too_many)
    # Ids are drawn anew each time, so it may be found in another way when it is tried again, and is told as both then.
    with pytest.raises((AssertionError, hypothesis.errors.FlakyFailure)) as found:
        machine.drive(EXAMPLES, SEED, shrink=False)
    assert "claim" in "".join(traceback.format_exception(found.value))
