"""The pause of all work: what runs stops at a step and keeps it, nothing begins, and all of it goes on."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.waits import until

from baara_engine import errors, events
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

SLOW = "until [ -e go ]; do sleep 0.02; done; echo went"


@pytest.fixture
def working(engine: Engine) -> Iterator[Engine]:
    """Let the engine work."""
    script = [
        calls(("bash", {"command": SLOW}), turn=1),
        calls(("bash", {"command": "echo two"}), turn=2),
        says("done"),
    ]
    engine.start(ScriptedModels(ScriptedModel(script)))
    yield engine
    engine.stop()


def command(engine: Engine) -> Execution:
    return engine.submit(Submission(prompt="echo done", kind=Kind.COMMAND))


def is_done(execution: Execution) -> bool:
    return execution.status is Status.COMPLETED


def test_nothing_begins_until_work_goes_on(working: Engine) -> None:
    """What is submitted meanwhile is taken, waits in its queue, and runs when the pause is lifted."""
    pause = working.pause(by="a person")
    assert working.paused() == pause
    waiting = command(working)
    time.sleep(0.5)
    assert working.execution(waiting.id).status is Status.QUEUED
    assert working.unpause(by="a person")
    until(working, waiting.id, is_done)
    assert not working.unpause(by="a person")
    assert working.paused() is None
    told = [event.kind for event in working.events()]
    assert (told.count(events.Kind.PAUSED), told.count(events.Kind.UNPAUSED)) == (1, 1)


def test_what_runs_leaves_at_its_step_and_goes_on_there(working: Engine, tmp_path: Path) -> None:
    """The command at work ends by itself and counts; it is not run again, and no attempt is burned."""
    asked = working.submit(Submission(prompt="Work.", workspace=str(tmp_path)))
    until(working, asked.id, lambda one: one.turn == 1)
    working.pause(by="a person")
    (tmp_path / "go").touch()
    left = until(working, asked.id, lambda one: one.status is Status.QUEUED)
    assert (left.turn, len(working.journal(asked.id)[1])) == (1, 1)
    working.unpause(by="a person")
    ended = until(working, asked.id, is_done)
    results = [call.result[0]["text"] for call in working.journal(asked.id)[1] if call.result]
    assert (ended.attempt, results) == (1, ["went", "two"])


def test_a_pause_ends_by_itself(working: Engine) -> None:
    """At its moment work goes on without anybody's word."""
    working.pause(working.store.clock.now() + 700, by="a person")
    waiting = command(working)
    until(working, waiting.id, is_done)
    assert working.paused() is None


def test_a_pause_outlives_the_engine(home: Path) -> None:
    """It is kept in the home: the next engine holds to it."""
    first = Engine(home)
    first.pause(by="a person")
    waiting = command(first)
    first.close()
    second = Engine(home)
    second.start(ScriptedModels(ScriptedModel([])))
    time.sleep(0.5)
    assert second.execution(waiting.id).status is Status.QUEUED
    second.unpause(by="a person")
    until(second, waiting.id, is_done)
    second.close()


def test_a_moment_that_has_gone_is_refused(engine: Engine) -> None:
    """It is said, and nothing is paused."""
    with pytest.raises(errors.InvalidInput, match="has gone"):
        engine.pause(engine.store.clock.now() - 1, by="a person")
    assert engine.paused() is None
