"""The table of recovery: what happens to a call that a crash has left with an intent and no receipt."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from unittest import mock

import pytest

from baara_engine import errors, events, owner, states, tools
from baara_engine.config import EXECUTIONS
from baara_engine.engine import Engine
from baara_engine.records import Effect, Execution, Json, Kind, UnknownEffect
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.store import executions, journal
from baara_engine.store.transaction import Tx
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

LONG = 30.0
DEAD = "another-boot/1/1"
BASH = {"type": "tool_use", "id": "toolu_1_0", "name": "bash", "input": {"command": "echo run >> runs; cat runs"}}
EDIT_INPUT = {"file_path": "a.txt", "old_string": "one", "new_string": "two"}
EDIT = {"type": "tool_use", "id": "toolu_1_0", "name": "edit", "input": EDIT_INPUT}


def crashed(
    engine: Engine,
    block: Json,
    effect: Effect,
    *,
    notes: Json | None = None,
    boot: str | None = None,
    **options: object,
) -> Execution:
    """Leave an execution as a dead engine does: its first answer journaled, its call intended, its lease held."""
    submitted = engine.submit(Submission.model_validate({"prompt": "Work.", **options}))

    def leave(tx: Tx) -> None:
        [claimed] = executions.claim(tx, "transfer", 1, DEAD, 0)
        executions.move(tx, claimed.id, Status.ASSIGNED, Status.RUNNING, started_at=tx.now)
        journal.append(tx, claimed.id, turn=0, role="user", content=[{"type": "text", "text": "Work."}])
        journal.append(tx, claimed.id, turn=1, role="assistant", content=[block], stop_reason="tool_use")
        journal.intend(tx, claimed.id, 1, 0, block, effect, notes or {})
        tx.sql("UPDATE execution SET turn = 1 WHERE id = ?", (claimed.id,))

    this_boot = owner.boot_id()
    with mock.patch.object(owner, "boot_id", return_value=boot or this_boot):
        engine.store.write(leave)
    return submitted


def recovered(engine: Engine, execution: Execution, *ends: Status) -> tuple[Execution, Json]:
    """Let a new engine take it up, and give it with the result that the model got for its call."""
    model = ScriptedModel([calls(("never", {})), says("done")])
    engine.start(ScriptedModels(model))
    deadline = time.monotonic() + LONG
    while engine.execution(execution.id).status not in (ends or states.ENDED) and time.monotonic() < deadline:
        time.sleep(0.02)
    engine.stop()
    sent = model.requests[-1].messages[-1]["content"][0] if model.requests else {}
    return engine.execution(execution.id), sent


def mark(engine: Engine, execution: Execution, text: str = "") -> Path:
    """Leave the mark of a command that has begun."""
    receipts = engine.home / EXECUTIONS / execution.id / "receipts"
    receipts.mkdir(parents=True)
    key = f"{execution.id}/1/toolu_1_0"
    path = receipts / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.begun"
    path.write_text(text or '{"pid": 1, "started": "0", "boot": "gone"}')
    return path


def text_of(result: Json) -> str:
    return str(result["content"][0]["text"])


def note(engine: Engine, execution: Execution) -> str:
    return next(message.body for message in engine.thread(execution.thread_id)[1] if message.kind == "note")


@pytest.mark.parametrize("effect", [Effect.READ, Effect.IDEMPOTENT, Effect.KEYED])
def test_what_may_be_repeated_is_run_again(engine: Engine, effect: Effect) -> None:
    """A call of class read, idempotent or keyed without a receipt is simply run again."""
    block = {"type": "tool_use", "id": "toolu_1_0", "name": "glob", "input": {"pattern": "*"}}
    execution, result = recovered(engine, crashed(engine, block, effect))
    assert (execution.status, text_of(result)) == (Status.COMPLETED, "[no file fits]")
    assert "1 call re-checked" in note(engine, execution)
    assert "the engine had died" in note(engine, execution)
    assert [entry["turn"] for entry in execution.resumed] == [1]


def test_an_unsafe_call_that_never_began_is_run(engine: Engine) -> None:
    """An intent whose command did not begin in this boot is run: nothing is done twice by that."""
    execution, result = recovered(engine, crashed(engine, BASH, Effect.UNSAFE))
    assert (execution.status, text_of(result)) == (Status.COMPLETED, "run")


def test_an_unsafe_call_of_unknown_outcome_is_not_repeated(engine: Engine) -> None:
    """A command that began and left no receipt is not run again; the model is told to find out first."""
    submitted = crashed(engine, BASH, Effect.UNSAFE)
    mark(engine, submitted)
    execution, result = recovered(engine, submitted)
    assert result["is_error"] is True
    assert "whether it took effect is unknown" in text_of(result)
    assert not (Path(execution.workspace) / "runs").exists()


def test_after_a_power_cut_missing_marks_prove_nothing(engine: Engine) -> None:
    """An unsafe call of an earlier boot is of unknown outcome even where no mark of its beginning is left."""
    _, result = recovered(engine, crashed(engine, BASH, Effect.UNSAFE, boot="before-the-power-cut"))
    assert "whether it took effect is unknown" in text_of(result)


def test_an_unknown_outcome_is_asked_about_where_the_task_says_so(engine: Engine) -> None:
    """With the policy *ask* a person sees the exact call, and their word becomes its result."""
    submitted = crashed(engine, BASH, Effect.UNSAFE, unknown_effect=UnknownEffect.ASK)
    mark(engine, submitted)
    waiting, _ = recovered(engine, submitted, Status.WAITING_FOR_INPUT)
    [question] = engine.questions()
    assert question.text.startswith("Did this happen?")
    assert question.detail == {"tool": "bash", "input": BASH["input"]}
    engine.answer(question.id, "It happened", by="test")
    execution, result = recovered(engine, waiting)
    assert execution.status is Status.COMPLETED
    assert text_of(result).endswith("It happened")
    assert not (Path(execution.workspace) / "runs").exists()


def test_what_acts_outside_is_asked_about_unless_the_task_says_otherwise(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call of a tool that sends something is neither repeated nor left to the model, but shown to a person."""
    sent: list[tools.Call] = []

    async def send(call: tools.Call) -> tools.ToolOutcome:
        sent.append(call)
        return tools.Done("sent")

    module = types.ModuleType("mail_for_a_test")
    module.__dict__["TOOL"] = tools.Tool("mail", "Send a mail.", {"type": "object"}, Effect.UNSAFE, send)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(tools.TABLE, "mail", module.__name__)
    block = {"type": "tool_use", "id": "toolu_1_0", "name": "mail", "input": {"to": "a@example.com"}}
    waiting, _ = recovered(engine, crashed(engine, block, Effect.UNSAFE), Status.WAITING_FOR_INPUT)
    [question] = engine.questions()
    assert question.detail == {"tool": "mail", "input": {"to": "a@example.com"}}
    engine.answer(question.id, "It did not happen", by="test")
    execution, result = recovered(engine, waiting)
    assert execution.status is Status.COMPLETED
    assert text_of(result).endswith("It did not happen")
    assert sent == []


def test_an_unknown_outcome_is_rerun_where_the_task_says_so(engine: Engine) -> None:
    """With the policy *rerun* the command runs again under a key of its own."""
    submitted = crashed(engine, BASH, Effect.UNSAFE, unknown_effect=UnknownEffect.RERUN)
    mark(engine, submitted)
    _, result = recovered(engine, submitted)
    assert text_of(result) == "run"


def test_a_call_of_a_tool_that_is_gone_is_answered(engine: Engine) -> None:
    """An intent whose tool no longer exists gets an error result, and the execution goes on."""
    block = {"type": "tool_use", "id": "toolu_1_0", "name": "gone", "input": {}}
    execution, result = recovered(engine, crashed(engine, block, Effect.READ))
    assert (execution.status, result["is_error"]) == (Status.COMPLETED, True)
    assert "There is no tool “gone”" in text_of(result)


@pytest.mark.parametrize(
    ("content", "told"),
    [("one\n", "1 place"), ("two\n", "the new text is in place"), ("three\n", "Read it again")],
)
def test_an_edit_knows_whether_it_has_been_made(engine: Engine, content: str, told: str) -> None:
    """After a crash an edit is made if the file is as before, recognised if it was made, refused if neither."""
    before = hashlib.sha256(b"one\n").hexdigest()
    submitted = crashed(engine, EDIT, Effect.IDEMPOTENT, notes={"before": before})
    path = Path(submitted.workspace) / "a.txt"
    path.write_text(content)
    _, result = recovered(engine, submitted)
    assert told in text_of(result)
    assert path.read_text() == ("three\n" if content == "three\n" else "two\n")


def test_a_cancelled_execution_of_a_dead_engine_is_not_taken_up(engine: Engine) -> None:
    """What was to be cancelled when the engine died is cancelled by the next, without running anything."""
    submitted = crashed(engine, BASH, Effect.UNSAFE)
    engine.store.write(lambda tx: tx.sql("UPDATE execution SET cancel_requested_at = 1 WHERE id = ?", (submitted.id,)))
    execution, _ = recovered(engine, submitted)
    assert execution.status is Status.CANCELLED
    assert not (Path(execution.workspace) / "runs").exists()


def test_what_a_living_engine_holds_is_left_alone(engine: Engine) -> None:
    """A lease whose owner lives is not taken away before it has run out."""
    submitted = crashed(engine, BASH, Effect.UNSAFE)
    far = 1 << 60
    alive = f"{owner.boot_id()}/{os.getppid()}/{owner.process_start(os.getppid())}"
    engine.store.write(
        lambda tx: tx.sql("UPDATE execution SET owner = ?, lease_until = ? WHERE id = ?", (alive, far, submitted.id))
    )
    engine.start(ScriptedModels(ScriptedModel([])))
    engine.stop()
    assert engine.execution(submitted.id).owner == alive


COMMAND_AT_WORK = """
import sys, time
from pathlib import Path
from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.records import Kind
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels
engine = Engine(Path(sys.argv[1]))
engine.start(ScriptedModels(ScriptedModel([])))
execution = engine.submit(Submission(prompt=sys.argv[2], kind=Kind.COMMAND))
while not (Path(execution.workspace) / "begun").exists():
    time.sleep(0.01)
print(execution.id, flush=True)
time.sleep(60)
"""


def killed_at_work(home: Path, command: str) -> str:
    """Let an engine in a process of its own begin a command, kill the engine, and give the execution's id."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND_AT_WORK, str(home), command], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    execution_id = process.stdout.readline().strip()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return execution_id


def test_a_command_that_outlived_its_engine_is_taken_as_it_ended(engine: Engine, home: Path) -> None:
    """A command that ended by itself while no engine was there is not repeated: its own receipt counts."""
    execution_id = killed_at_work(home, "touch begun; sleep 0.5; echo ran >> runs; cat runs")
    execution, _ = recovered(engine, engine.execution(execution_id))
    assert (execution.status, execution.output) == (Status.COMPLETED, "ran\n")


@pytest.mark.parametrize(
    ("answer", "status", "runs"),
    [
        ("Run it again", Status.COMPLETED, "x\nx\n"),
        ("It is done", Status.COMPLETED, "x\n"),
        ("Give up", Status.DEAD_LETTERED, "x\n"),
    ],
)
def test_a_command_that_died_half_way_asks_how_to_go_on(
    engine: Engine, home: Path, answer: str, status: Status, runs: str
) -> None:
    """A command that did not end in time after its engine died is never repeated by itself: a person says how."""
    execution_id = killed_at_work(home, "echo x >> runs; touch begun; test $(wc -l < runs) -gt 1 || sleep 4245")
    waiting, _ = recovered(engine, engine.execution(execution_id), Status.WAITING_FOR_INPUT)
    [question] = engine.questions()
    assert "It is not repeated by itself" in question.text
    assert question.detail["command"].startswith("echo x")
    with pytest.raises(errors.InvalidInput, match="Answer with one of"):
        engine.answer(question.id, "No, it did not run.", by="test")
    engine.answer(question.id, answer.lower(), by="test")
    execution, _ = recovered(engine, waiting)
    assert execution.kind is Kind.COMMAND
    assert execution.status is status
    assert (Path(execution.workspace) / "runs").read_text() == runs


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM tool_call",
        "UPDATE tool_call SET effect = 'read'",
        "UPDATE tool_call SET turn = turn + 4",
        "UPDATE tool_call SET boot_id = 'another'",
        "UPDATE tool_call SET receipt_at = 1, result = x'5b5d'",
        "UPDATE tool_call SET tool_use_id = 'toolu_1_1'",
        "DELETE FROM journal_head",
    ],
)
def test_a_call_whose_intent_was_damaged_is_never_run_again(engine: Engine, damage: str) -> None:
    """Where an unsafe call's intent is gone or changed, nothing is run and nothing sent: a dead letter says so."""
    submitted = crashed(engine, BASH, Effect.UNSAFE)
    engine.store.write(lambda tx: tx.sql(damage))
    execution, sent = recovered(engine, submitted)
    assert (execution.status, execution.error_cause) == (Status.DEAD_LETTERED, "damaged")
    assert "baara doctor" in (execution.error_message or "")
    assert sent == {}
    assert not (Path(execution.workspace) / "runs").exists()


def test_a_call_that_cannot_be_prepared_is_answered_and_never_begun(engine: Engine) -> None:
    """It has no intent that a crash could leave without the notes which recovery needs."""
    submitted = engine.submit(Submission(prompt="Work."))
    model = ScriptedModel([calls(("edit", EDIT_INPUT | {"file_path": "../outside"}), turn=1), says("done")])
    engine.start(ScriptedModels(model))
    deadline = time.monotonic() + LONG
    while engine.execution(submitted.id).status not in states.ENDED and time.monotonic() < deadline:
        time.sleep(0.02)
    engine.stop()
    kinds = [event.kind for event in engine.events(execution=submitted.id)]
    assert (events.Kind.TOOL_BEGUN in kinds, kinds.count(events.Kind.TOOL_ENDED)) == (False, 1)
    [result] = model.requests[-1].messages[-1]["content"]
    assert (result["tool_use_id"], result["is_error"]) == ("toolu_1_0", True)
