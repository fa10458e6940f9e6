"""Calls that wait for a person's word: only what was approved runs, once, and exactly so."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from baara_engine import errors, requests, tools
from baara_engine.agent import approvals
from baara_engine.engine import Engine
from baara_engine.permission import calls as permitted
from baara_engine.permission import choices
from baara_engine.records import Effect, Execution, Json, Permission, Question
from baara_engine.requests import Submission, TaskDraft
from baara_engine.states import Status
from baara_engine.testing import legality
from baara_engine.testing.scripted import Line, ScriptedModel, calls, says

ECHO = calls(("bash", {"command": "echo run >> runs"}), turn=1)
DONE = says("done")


class Desk(Protocol):
    """See conftest.py."""

    engine: Engine
    model: ScriptedModel

    def work(self, *script: Line) -> None: ...
    def submit(self, permission: Permission = ..., **options: object) -> Execution: ...
    def until(self, execution: Execution, *wanted: Status) -> Execution: ...
    def asked(self, execution: Execution) -> list[Question]: ...
    def answer(self, question: Question, text: str) -> None: ...
    def results(self) -> list[str]: ...


def runs(execution: Execution) -> int:
    path = Path(execution.workspace) / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def require_legal(desk: Desk) -> None:
    request = desk.model.requests[-1]
    sent = {"model": "m", "max_tokens": 1, "messages": request.messages, "tools": request.tools}
    assert legality.problem(json.loads(json.dumps(sent))) is None


def test_a_call_waits_for_its_approval_and_runs_once(desk: Desk) -> None:
    """It holds no worker and has not begun; the question has the exact call and says what each choice does."""
    desk.work(ECHO, DONE)
    execution = desk.submit()
    [question] = desk.asked(execution)
    assert (question.kind, question.options, question.tool_use_id) == ("approval", choices.OPTIONS, "toolu_1_0")
    assert question.text == 'May “bash” run with exactly this? {"command":"echo run >> runs"}'
    assert question.detail["input"] == {"command": "echo run >> runs"}
    assert set(question.detail["choices"]) == set(choices.OPTIONS)
    assert (desk.engine.journal(execution.id)[1], runs(execution)) == ([], 0)
    assert desk.engine.execution(execution.id).owner is None
    desk.answer(question, "accept")
    assert desk.until(execution).output == "done"
    assert runs(execution) == 1
    require_legal(desk)


def test_what_only_reads_or_speaks_to_the_person_is_not_asked_about(desk: Desk) -> None:
    """Looking, reporting and asking need no approval in any mode."""
    look = calls(("glob", {"pattern": "*"}), ("report", {"title": "T", "markdown": "m"}), turn=1)
    for permission in Permission:
        desk.work(look, calls(("ask_user", {"question": "Well?"}), turn=2), DONE)
        execution = desk.submit(permission)
        [question] = desk.asked(execution)
        assert question.kind == "ask_user"
        desk.answer(question, "Yes.")
        assert desk.until(execution).output == "done"


@pytest.mark.parametrize(
    "use", [("bash", {"command": "echo run >> runs"}), ("write", {"file_path": "runs", "content": "x"})]
)
def test_locked_work_may_only_look(desk: Desk, use: tuple[str, Json]) -> None:
    """What may change something is refused without a question, and the model is told why."""
    desk.work(calls(use, turn=1), DONE)
    execution = desk.submit(Permission.LOCKED)
    assert desk.until(execution).output == "done"
    assert desk.results() == [permitted.LOCKED.format(name=use[0])]
    assert (runs(execution), desk.engine.questions()) == (0, [])


def test_calls_of_one_turn_are_asked_about_together(desk: Desk) -> None:
    """Reads before the first run at once; nothing after it runs before all have their answer, then in their order."""
    mixed = calls(
        ("glob", {"pattern": "*"}), ("bash", {"command": "echo 1 >> runs"}), ("read", {"file_path": "runs"}),
        ("bash", {"command": "echo 2 >> runs"}), ("fly", {}), ("bash", {"comand": "x"}), turn=1,
    )  # fmt: skip
    desk.work(mixed, DONE)
    execution = desk.submit()
    first, second = desk.asked(execution)
    assert [call.name for call in desk.engine.journal(execution.id)[1]] == ["glob"]
    desk.answer(second, "Accept")
    assert desk.engine.execution(execution.id).status is Status.WAITING_FOR_INPUT
    assert runs(execution) == 0
    desk.answer(first, "Accept")
    desk.until(execution)
    assert (Path(execution.workspace) / "runs").read_text() == "1\n2\n"
    assert desk.results()[2] == "1\n"
    assert "There is no tool" in desk.results()[4]
    assert "does not fit" in desk.results()[5]
    require_legal(desk)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Refuse", choices.REFUSED),
        ("Reply: Ask Ann.", f"{choices.NOT_RUN} Ask Ann."),
        ("No way", f"{choices.NOT_RUN} No way"),
    ],
)
def test_what_is_not_accepted_does_not_run(desk: Desk, answer: str, told: str) -> None:
    """The agent gets the refusal, or the person's words, as the result of the call."""
    desk.work(ECHO, DONE)
    execution = desk.submit()
    [question] = desk.asked(execution)
    desk.answer(question, answer)
    assert desk.until(execution).output == "done"
    assert (desk.results(), runs(execution)) == ([told], 0)
    require_legal(desk)


def test_edited_arguments_run_and_the_agent_is_told(desk: Desk) -> None:
    """They are held against the schema first; the journal has what ran, and so has the result."""
    desk.work(ECHO, DONE)
    execution = desk.submit()
    [question] = desk.asked(execution)
    with pytest.raises(errors.InvalidInput, match="do not fit “bash”"):
        desk.answer(question, 'Edit: {"comand": "ls"}')
    assert desk.engine.questions() == [question]
    desk.answer(question, 'Edit: {"command": "echo edited; echo e >> runs"}')
    assert desk.until(execution).output == "done"
    [result] = desk.results()
    assert result == approvals.changed({"command": "echo edited; echo e >> runs"}) + "edited"
    [call] = desk.engine.journal(execution.id)[1]
    assert call.input == {"command": "echo edited; echo e >> runs"}
    assert (Path(execution.workspace) / "runs").read_text() == "e\n"
    require_legal(desk)


def test_an_approval_is_bound_to_the_exact_arguments(desk: Desk) -> None:
    """A call that is not the one that was shown is not run, whatever was answered."""
    desk.work(ECHO, DONE)
    execution = desk.submit()
    [question] = desk.asked(execution)
    desk.engine.stop()
    desk.answer(question, "Accept")
    desk.engine.store.write(lambda tx: tx.sql("UPDATE grant SET input_hash = 'of another call'"))
    desk.work(ECHO, DONE)
    desk.until(execution)
    assert (desk.results(), runs(execution)) == ([approvals.NOT_APPROVED], 0)


def test_a_second_answer_is_refused_kindly(desk: Desk) -> None:
    """It says who was first, when, and what they said."""
    desk.work(ECHO, DONE)
    [question] = desk.asked(desk.submit())
    desk.answer(question, "Accept")
    with pytest.raises(errors.Refused) as refusal:
        desk.engine.answer(question.id, "Refuse", by="somebody else")
    assert "answered already, by test at 20" in refusal.value.message
    assert "“Accept”. The first answer stands." in refusal.value.message


def test_a_grant_for_the_task_covers_all_its_runs_until_it_is_revoked(desk: Desk) -> None:
    """Another execution of the task is not asked about the tool; one of no task is; revoked, all are."""
    desk.engine.create_task(TaskDraft(name="nightly", prompt="x", permission=Permission.ASK))
    first = calls(("write", {"file_path": "a", "content": "1"}), ("write", {"file_path": "b", "content": "2"}), turn=1)
    desk.work(first, DONE)
    execution = desk.engine.submit_task("nightly", source="test")
    questions = desk.asked(execution)
    assert len(questions) == 2
    desk.answer(questions[0], "Accept for this task")
    assert desk.until(execution).output == "done"  # the other question was answered along with it
    assert desk.until(desk.engine.submit_task("nightly", source="test")).output == "done"
    [grant] = desk.engine.grants()
    assert (grant.scope, grant.tool, grant.created_by) == ("task", "write", "test")
    other = desk.submit()
    assert len(desk.asked(other)) == 2
    desk.engine.cancel(other.id)
    assert desk.engine.revoke(grant.id[:12], by="test").revoked_by == "test"
    assert desk.engine.grants() == []
    assert len(desk.asked(desk.engine.submit_task("nightly", source="test"))) == 2
    with pytest.raises(errors.Refused, match="revoked already"):
        desk.engine.revoke(grant.id, by="test")


def test_a_grant_of_bash_covers_the_same_command_only(desk: Desk) -> None:
    """Accepted for the task, the same command runs again; another is asked about, or its first words are accepted."""
    again = calls(("bash", {"command": "echo run >> runs"}), turn=2)
    touches = [calls(("bash", {"command": f"touch {what}"}), turn=turn) for turn, what in enumerate("ab", 3)]
    desk.work(ECHO, again, *touches, calls(("bash", {"command": "touch b; touch c"}), turn=5), DONE)
    execution = desk.submit()
    desk.answer(desk.asked(execution)[0], "Accept for this task")
    desk.until(execution, Status.QUEUED, Status.RUNNING, Status.WAITING_FOR_INPUT)
    [question] = desk.asked(execution)
    assert (question.turn, runs(execution)) == (3, 2)
    desk.answer(question, "Accept for this task: touch")
    desk.until(execution, Status.QUEUED, Status.RUNNING)
    [question] = desk.asked(execution)
    assert (question.turn, (Path(execution.workspace) / "b").exists()) == (5, True)
    desk.answer(question, "Refuse")
    assert desk.until(execution).output == "done"


@pytest.mark.parametrize("changed", ["description", "schema", "effect"])
def test_a_tool_that_has_become_another_is_asked_about_again(desk: Desk, changed: str) -> None:
    """A grant is for a tool as it was: one whose definition has changed since is not covered by it."""
    use = ("write", {"file_path": "a", "content": "b"})
    desk.work(calls(use, turn=1), calls(use, turn=2), DONE)
    execution = desk.submit()
    [question] = desk.asked(execution)
    desk.engine.stop()
    desk.answer(question, "Accept for this task")
    [grant] = desk.engine.grants()
    tool = tools.load("write")
    other: Json = {"description": "Send.", "schema": {"type": "object"}, "effect": Effect.UNSAFE}
    now = replace(tool, **{changed: other[changed]})
    assert permitted.covers(grant, "write", permitted.definition(tool), use[1])
    assert not permitted.covers(grant, "write", permitted.definition(now), use[1])


def test_a_task_may_be_allowed_something_beforehand(desk: Desk) -> None:
    """What was allowed runs unasked in each execution of the task; the rest is asked about."""
    task = desk.engine.create_task(TaskDraft(name="nightly", prompt="x", permission=Permission.ASK))
    allowed = [{"tool": "write"}, {"tool": "bash", "prefix": "touch"}, {"tool": "bash", "command": "echo x > y"}]
    for one in allowed:
        grant = desk.engine.allow("nightly", requests.parse(requests.Allowance, one), by="test")
        assert (grant.task_id, grant.execution_id) == (task.id, None)
    uses = [("write", {"file_path": "a", "content": "b"}), ("bash", {"command": "touch b"})]
    uses += [("bash", {"command": "echo x > y"}), ("bash", {"command": "echo z > y"})]
    desk.work(calls(*uses, turn=1), DONE)
    [question] = desk.asked(desk.engine.submit_task("nightly", source="test"))
    assert question.detail["input"] == {"command": "echo z > y"}


@pytest.mark.parametrize(
    "wanted",
    [{"tool": "fly"}, {"tool": "bash"}, {"tool": "bash", "command": "a", "prefix": "a"},
     {"tool": "write", "prefix": "a"}, {"tool": "bash", "prefix": "rm *"}, {"tool": "bash", "prefix": "a;b"}],
)  # fmt: skip
def test_what_cannot_be_allowed_beforehand_is_refused(wanted: Json) -> None:
    """All commands at once, words that are not plain, and tools that do not exist."""
    with pytest.raises(errors.InvalidInput):
        requests.parse(requests.Allowance, wanted)


def test_an_approval_can_be_revoked_before_the_call_runs(desk: Desk) -> None:
    """It is asked about again then, and runs only by the new answer."""
    desk.work(ECHO, DONE)
    execution = desk.submit()
    [question] = desk.asked(execution)
    desk.engine.stop()
    desk.answer(question, "Accept")
    [grant] = desk.engine.grants(every=True)
    desk.engine.revoke(grant.id, by="test")
    desk.work(ECHO, DONE)
    desk.until(execution, Status.WAITING_FOR_INPUT)
    [again] = desk.engine.questions()
    assert (again.id != question.id, runs(execution)) == (True, 0)
    desk.answer(again, "Accept")
    assert desk.until(execution).output == "done"
    assert runs(execution) == 1


def test_an_hour_is_an_hour(desk: Desk) -> None:
    """What was accepted for an hour is asked about again once it is over."""
    desk.work(ECHO, calls(("bash", {"command": "echo run >> runs"}), turn=2), DONE)
    execution = desk.submit()
    [question] = desk.asked(execution)
    desk.engine.stop()
    desk.answer(question, "Accept for 1 hour")
    [grant] = desk.engine.grants()
    assert grant.expires_at == grant.created_at + 3_600_000
    desk.engine.store.write(lambda tx: tx.sql("UPDATE grant SET expires_at = ? WHERE scope = 'hour'", (tx.now,)))
    desk.work(ECHO, calls(("bash", {"command": "echo run >> runs"}), turn=2), DONE)
    desk.until(execution, Status.WAITING_FOR_INPUT)
    [question] = desk.engine.questions()
    assert (question.turn, runs(execution), desk.engine.grants()) == (2, 1, [])


def test_a_command_needs_nobodys_word() -> None:
    """It is a person's own; a permission for it would say nothing, so it is refused."""
    with pytest.raises(ValueError, match="your own word"):
        Submission.model_validate({"prompt": "ls", "kind": "command", "permission": "ask"}, strict=False)


def test_questions_of_one_answer_come_in_the_order_of_its_calls(desk: Desk) -> None:
    """They are asked in one moment; a person reads them as the agent has put them."""
    uses = [("bash", {"command": f"echo {number}"}) for number in range(12)]
    desk.work(calls(*uses, turn=1), DONE)
    asked = desk.asked(desk.submit())
    assert [one.detail["input"]["command"] for one in asked] == [value["command"] for _, value in uses]
