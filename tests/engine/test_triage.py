import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_engine import errors, queues, retry, states, triage
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, Kind
from baara_engine.requests import Edits, Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels, calls, says

REFUSAL = errors.ModelFailure(FailureKind.REQUEST, "No.")


@pytest.fixture
def run(engine: Engine) -> Iterator[Callable[..., tuple[Execution, ScriptedModel]]]:
    """Give a function that lets an execution run to an end by a script; it submits one unless it is given one."""

    def to_its_end(
        *script: Line, execution: Execution | None = None, **options: object
    ) -> tuple[Execution, ScriptedModel]:
        model = ScriptedModel(script)
        known = execution or engine.submit(Submission.model_validate({"prompt": "Work.", **options}))
        engine.start(ScriptedModels(model))
        deadline = time.monotonic() + 30
        while engine.execution(known.id).status not in states.ENDED and time.monotonic() < deadline:
            time.sleep(0.02)
        engine.stop()
        return engine.execution(known.id), model

    yield to_its_end
    engine.stop()


def texts(model: ScriptedModel) -> list[str]:
    return [block.get("text", "") for message in model.requests[-1].messages for block in message["content"]]


def test_a_dead_letter_says_what_to_try(engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]) -> None:
    """Its cause, its attempts with their errors, its last turn, and advice."""
    dead, _ = run(calls(("glob", {"pattern": "*"}), turn=1), REFUSAL)
    [letter] = engine.dead_letters()
    assert (letter.execution.id, letter.execution.turn, letter.execution.error_cause) == (dead.id, 1, "request")
    assert [(attempt.ended_by, attempt.error) for attempt in letter.attempts] == [("failed", "No.")]
    assert letter.advice == triage.ADVICE[FailureKind.REQUEST]
    assert engine.dead_letters("command") == []
    assert engine.dead_letter(dead.id) == letter


def test_there_is_advice_for_every_cause_that_ends_work() -> None:
    """Whatever can become a dead letter has its sentence; what only waits has none."""
    assert set(FailureKind) - set(triage.ADVICE) == set(retry.PARK_S)


def test_resuming_goes_on_at_the_last_turn(engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]) -> None:
    """What was done stays done, the allowance is fresh, and it runs in the dead letters' own queue."""
    first = calls(("bash", {"command": "echo x >> f"}), turn=1)
    dead, _ = run(first, REFUSAL)
    assert engine.resume(dead.id).queue == queues.DLQ
    done, _ = run(first, says("done"), execution=dead)
    assert (done.status, done.attempt, done.turn) == (Status.COMPLETED, 2, 2)
    assert (Path(done.workspace) / "f").read_text() == "x\n"
    assert engine.dead_letters() == []


def test_something_can_be_said_first(engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]) -> None:
    """A person's words stand at the end of the conversation when it goes on."""
    first = calls(("glob", {"pattern": "*"}), turn=1)
    dead, _ = run(first, REFUSAL)
    engine.resume(dead.id, "Try the other door.")
    _, model = run(first, says("done"), execution=dead)
    assert texts(model)[-1] == "Try the other door."


def test_a_refusal_with_open_calls_can_be_gone_on_from(
    engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]
) -> None:
    """Calls of an answer that was refused are answered, not run, before the person's words."""
    answer = calls(("bash", {"command": "echo never >> f"}), turn=1)
    refused = type(answer)(answer.content, "refusal", answer.usage, answer.model, 0)
    dead, _ = run(refused)
    assert dead.error_cause == "refusal"
    engine.resume(dead.id, "It is my own folder.")
    done, model = run(refused, says("done"), execution=dead)
    assert done.status is Status.COMPLETED
    assert model.requests[-1].messages[-1]["content"][0]["is_error"] is True
    assert not (Path(done.workspace) / "f").exists()


def test_turns_are_given_anew(engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]) -> None:
    """What ran out of turns gets as many again."""
    script = [calls(("glob", {"pattern": "*"}), turn=turn) for turn in range(1, 6)]
    dead, _ = run(*script, max_turns=3)
    engine.resume(dead.id)
    again, _ = run(*script[:5], says("done"), execution=dead)
    assert (again.status, again.turn, again.max_turns) == (Status.COMPLETED, 6, 3)


def test_restarting_begins_anew_in_the_same_thread(
    engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]
) -> None:
    """Another execution with the same options stands in the same thread, and the old one is put aside."""
    dead, _ = run(REFUSAL, max_turns=7, priority=1)
    fresh = engine.restart(dead.id)
    assert (fresh.thread_id, fresh.prompt, fresh.max_turns, fresh.priority) == (dead.thread_id, "Work.", 7, 1)
    assert (fresh.id != dead.id, fresh.turn, fresh.status) == (True, 0, Status.QUEUED)
    assert engine.dead_letters() == []


def test_dismissing_puts_aside_and_loses_nothing(
    engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]
) -> None:
    """A dismissed dead letter is in no list of dead letters, and can still be read."""
    dead, _ = run(REFUSAL)
    engine.dismiss(dead.id)
    assert engine.dead_letters() == []
    assert engine.execution(dead.id).status is Status.DEAD_LETTERED


def test_the_verbs_are_for_dead_letters_only(engine: Engine) -> None:
    """Whatever has not failed for good is refused, in a sentence."""
    execution = engine.submit(Submission(prompt="Work."))
    for act in (engine.resume, engine.restart, engine.dismiss, engine.retry):
        with pytest.raises(errors.Refused):
            act(execution.id)


def test_a_command_cannot_be_told_anything(engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]) -> None:
    """There is nobody to listen."""
    dead, _ = run(prompt="exit 1", kind=Kind.COMMAND)
    with pytest.raises(errors.InvalidInput, match="Only an agent"):
        engine.resume(dead.id, "Please.")


def test_a_command_is_resumed_with_another_text(
    engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]
) -> None:
    """Edited, it runs as it is now; what it was before stands in its journal."""
    dead, _ = run(prompt="exit 1", kind=Kind.COMMAND)
    engine.resume(dead.id, edits=Edits(command="echo better", timeout_s=7.5))
    done, _ = run(execution=dead)
    assert (done.status, done.output, done.timeout_s) == (Status.COMPLETED, "better\n", 7.5)
    assert [call.input["command"] for call in engine.journal(dead.id)[1]] == ["exit 1", "echo better"]


def test_an_agent_is_resumed_with_another_model_and_more_turns(
    engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]
) -> None:
    """The changes hold from its next turn on."""
    dead, _ = run(REFUSAL)
    engine.resume(dead.id, edits=Edits(model="another", max_turns=9, max_retries=0))
    done, model = run(says("done"), execution=dead)
    assert (done.status, done.max_turns, done.max_retries) == (Status.COMPLETED, 9, 0)
    assert model.requests[-1].model == "another"


def test_changes_without_a_meaning_are_refused(
    engine: Engine, run: Callable[..., tuple[Execution, ScriptedModel]]
) -> None:
    """A command has no model, and an agent's request is not a command; nothing is changed by the attempt."""
    agent, _ = run(REFUSAL)
    command, _ = run(prompt="exit 1", kind=Kind.COMMAND)
    for dead, edits in ((agent, Edits(command="ls")), (command, Edits(model="m")), (command, Edits(max_turns=3))):
        with pytest.raises(errors.InvalidInput):
            engine.resume(dead.id, edits=edits)
        assert engine.execution(dead.id).status is Status.DEAD_LETTERED
