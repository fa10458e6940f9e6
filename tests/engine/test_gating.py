import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_engine import config, gating, sandboxes
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, Kind
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Outcome, Status
from baara_engine.store import gates
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels, calls, says

LONG = 30.0  # seconds that no wait here takes unless something is wrong


@pytest.fixture
def start(engine: Engine) -> Iterator[Callable[..., ScriptedModel]]:
    """Give a function that lets the engine work, with a model that follows a script."""

    def begin(*script: Line) -> ScriptedModel:
        model = ScriptedModel(script)
        engine.start(ScriptedModels(model))
        return model

    yield begin
    engine.stop()


def until(engine: Engine, execution: Execution, *wanted: Status) -> Execution:
    deadline = time.monotonic() + LONG
    while (found := engine.execution(execution.id)).status not in (wanted or ENDED):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("kind", Kind)
def test_a_closed_gate_ends_it_quietly(engine: Engine, start: Callable[..., ScriptedModel], kind: Kind) -> None:
    """Nothing to do is an outcome of its own: no model is asked, no command run, and the thread is not unread."""
    model = start(says("never"))
    submitted = engine.submit(Submission(prompt="echo never", kind=kind, gate="echo quiet here; exit 77"))
    ended = until(engine, submitted)
    assert (ended.status, ended.outcome, ended.output) == (Status.COMPLETED, Outcome.NOTHING_TO_DO, "quiet here\n")
    assert (ended.turn, ended.input_tokens, model.requests) == (0, 0, [])
    thread, messages = engine.thread(ended.thread_id)
    assert not thread.unread
    assert messages[-1].body == "Nothing to do. quiet here"


@pytest.mark.parametrize("kind", Kind)
def test_an_open_gate_lets_it_go_on(engine: Engine, start: Callable[..., ScriptedModel], kind: Kind) -> None:
    """With status 0 it runs as if there were no gate, in the same folder."""
    start(says("done"))
    ended = until(engine, engine.submit(Submission(prompt="cat seen", kind=kind, gate="echo open > seen")))
    assert (ended.outcome, (Path(ended.workspace) / "seen").read_text()) == (Outcome.RAN, "open\n")
    assert ended.output == ("done" if kind is Kind.AGENT else "open\n")


def test_a_gate_that_fails_is_a_failure(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """Any other status ends the attempt, with what the gate has said and what its statuses mean."""
    start()
    ended = until(engine, engine.submit(Submission(prompt="true", kind=Kind.COMMAND, gate="echo broken; exit 3")))
    assert (ended.status, ended.error_cause, ended.output) == (Status.DEAD_LETTERED, FailureKind.COMMAND, "broken\n")
    assert "exit status 3; 0 means go on, 77" in (ended.error_message or "")


def test_a_gate_is_asked_once_for_an_attempt(engine: Engine, home: Path) -> None:
    """After a stop the receipt is used; only the next attempt asks again."""
    script = [calls(("bash", {"command": "sleep 0.3"}), turn=turn) for turn in range(1, 4)]
    engine.start(ScriptedModels(ScriptedModel([*script, says("done")])))
    submitted = engine.submit(Submission(prompt="Work.", gate="echo asked >> times"))
    until(engine, submitted, Status.RUNNING)
    while engine.store.read(lambda view: gates.of(view, submitted.id, 1)) is None:
        time.sleep(0.02)
    engine.stop()
    engine.start(ScriptedModels(ScriptedModel([*script, says("done")])))
    ended = until(engine, submitted)
    engine.stop()
    assert (ended.outcome, (Path(ended.workspace) / "times").read_text()) == (Outcome.RAN, "asked\n")


@pytest.mark.parametrize("was_run", [True, False])
async def test_what_a_crash_has_hidden_is_asked_of_the_sandbox(engine: Engine, home: Path, *, was_run: bool) -> None:
    """A gate that had ended when the engine died is not run again, and one that had not begun is."""
    command = "echo ran >> times; exit 77"
    known = engine.submit(Submission(prompt="true", kind=Kind.COMMAND, gate=command))
    key = f"{known.id}/1/gate-lost"
    engine.store.write(lambda tx: gates.begin(tx, known.id, 1, key))
    if was_run:
        private = home / config.EXECUTIONS / known.id
        private.mkdir(parents=True, mode=0o700)
        sandbox = sandboxes.make(known.sandbox)
        session = await sandbox.open(Path(known.workspace), private, sandboxes.Limits())
        await session.run(command, key=key)
        await session.close()
        await sandbox.close()
    engine.start(ScriptedModels(ScriptedModel([])))
    ended = until(engine, known)
    engine.stop()
    assert (ended.outcome, (Path(ended.workspace) / "times").read_text()) == (Outcome.NOTHING_TO_DO, "ran\n")


def test_a_gate_has_a_time_limit(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """A gate that takes longer than the attempt may is ended, and that is what the failure says."""
    start()
    submitted = engine.submit(Submission(prompt="true", kind=Kind.COMMAND, gate="sleep 4250", timeout_s=0.3))
    ended = until(engine, submitted)
    assert (ended.error_cause, "Its gate used up its time" in (ended.error_message or "")) == ("timed_out", True)
    assert gating.LONGEST_S < 24 * 3600
