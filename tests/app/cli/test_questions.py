"""Questions, grants, checks and permissions as they are typed and read."""

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from baara_engine import states
from baara_engine.engine import Engine
from baara_engine.records import Execution, Permission
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels, calls, says

Baara = Callable[..., subprocess.CompletedProcess[str]]
Work = Callable[..., Execution]

WRITE = calls(("write", {"file_path": "p\u0430y.md", "content": "a\nb"}), turn=1)  # with a Cyrillic а


@pytest.fixture
def work(engine: Engine) -> Iterator[Work]:
    """Give a function that lets an engine work on one prompt, by a script, until it ends or waits."""

    def run(*script: Line, **options: object) -> Execution:
        engine.start(ScriptedModels(ScriptedModel(script)))
        execution = engine.submit(Submission.model_validate({"prompt": "Do it.", **options}))
        with engine.news() as news:
            while execution.status not in states.ENDED | {Status.WAITING_FOR_INPUT}:
                news.wait(1.0)
                execution = engine.execution(execution.id)
        engine.stop()
        return execution

    yield run
    engine.stop()


def test_an_approval_is_shown_as_it_is(baara: Baara, engine: Engine, work: Work) -> None:
    """The call is on one line, what misleads is escaped, and each choice says what it does."""
    work(WRITE, permission=Permission.ASK)
    [question] = engine.questions()
    shown = baara("questions", "show", question.id[:20]).stdout
    assert '{"file_path":"p\\u0430y.md","content":"a\\nb"}' in shown
    assert "Accept: This call runs, once." in shown
    assert "Refuse: It does not run; the agent is told that you refused it." in shown
    told = json.loads(baara("questions", "show", question.id, "--json").stdout)
    assert told["detail"]["input"]["file_path"] == "p\u0430y.md"
    assert baara("questions", "show", "01ZZZZ").returncode == 3


def test_all_of_a_long_call_can_be_read(baara: Baara, engine: Engine, work: Work) -> None:
    """The question shows its beginning and its end, and the middle is shown when it is asked for."""
    text = "a" * 6000 + "MIDDLE\n" + "b" * 6000
    work(calls(("write", {"file_path": "x", "content": text}), turn=1), permission=Permission.ASK)
    [question] = engine.questions()
    assert "MIDDLE" not in question.text
    assert "MIDDLE\\n" in baara("questions", "show", question.id).stdout


def test_an_unclear_answer_runs_nothing_and_says_what_to_write(baara: Baara, engine: Engine, work: Work) -> None:
    """It is wrong usage; the question stays open."""
    work(WRITE, permission=Permission.ASK)
    [question] = engine.questions()
    done = baara("questions", "answer", question.id, "yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert "answer with one of Accept, Accept for this task, Accept for 1 hour, Edit, Reply, Refuse" in done.stderr
    done = baara("questions", "answer", question.id, 'Edit: {"file_path": "x"}')
    assert done.stderr == "baara: These arguments do not fit “write”: 'content' is a required property\n"
    assert [one.status for one in engine.questions()] == ["open"]


def test_grants_are_listed_and_revoked(baara: Baara, engine: Engine, work: Work) -> None:
    """What was accepted for more than one call is listed with how long it holds; revoked, it is not."""
    execution = work(WRITE, permission=Permission.ASK)
    baara("questions", "answer", engine.questions()[0].id, "Accept for 1 hour")
    [grant] = json.loads(baara("questions", "grants", "--json").stdout)
    assert (grant["scope"], grant["tool"], grant["created_by"]) == ("hour", "write", "cli")
    assert grant["expires_at"].endswith("Z")
    row = baara("questions", "grants").stdout.splitlines()[1]
    assert row.split()[:3] == [grant["id"], "hour", "write"]
    assert f"execution {execution.id}" in row
    assert baara("questions", "revoke", grant["id"]).stdout == "Revoked: write.\n"
    assert baara("questions", "revoke", grant["id"]).returncode == 4
    assert baara("questions", "revoke", "01ZZZZ").returncode == 3
    assert json.loads(baara("questions", "grants", "--json").stdout) == []
    states_ = [one["revoked_by"] for one in json.loads(baara("questions", "grants", "--all", "--json").stdout)]
    assert states_ == ["cli", None]  # the hour, and the call that it was given with


def test_a_task_is_allowed_something_beforehand(baara: Baara) -> None:
    """It is listed among the grants; all commands at once are not to be had."""
    baara("tasks", "create", "nightly", "--prompt", "x", "--permission", "ask")
    done = baara("questions", "allow", "nightly", "bash", "--prefix", "git status")
    assert done.stdout.startswith("Allowed: bash: git status …. To take it back: baara questions revoke 0")
    assert "bash: git status …" in baara("questions", "grants").stdout
    assert baara("questions", "allow", "nightly", "bash").returncode == 2
    assert baara("questions", "allow", "nope", "write").returncode == 3


def test_checks_are_typed_and_shown(baara: Baara) -> None:
    """A command with checks ends with 0 where they hold; where one fails it is Incomplete, and the status is 1."""
    good = baara("submit", "--command", "echo hello > a", "--check", "file:a", "--check", "contains:a:hello", "--wait")
    assert good.returncode == 0
    assert "Checks, round 1: 2 passed, 0 failed" in good.stderr
    bad = baara("submit", "--command", "echo hi", "--check", "output:^hi", "--check", "file:a", "--wait", "--json")
    told = json.loads(bad.stdout)
    assert (bad.returncode, told["outcome"], told["status"]) == (1, "Incomplete", "completed")
    assert told["checks"] == [
        {"spec": "output:^hi", "passed": True, "detail": ""},
        {"spec": "file:a", "passed": False, "detail": "There is no file “a”."},
    ]
    shown = baara("executions", "show", told["id"]).stdout
    assert "passed: output:^hi" in shown
    assert "failed: file:a" in shown


def test_a_bad_check_is_refused_with_an_example(baara: Baara) -> None:
    """It is wrong usage, and nothing is queued."""
    done = baara("submit", "x", "--check", "report.md")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("baara: “report.md” is no check. Write for example: file:report.md, command:")
    assert json.loads(baara("executions", "list", "--json").stdout) == []


def test_tasks_keep_checks_and_permission(baara: Baara, engine: Engine) -> None:
    """They are typed once with the task, changed with it, and go to each of its executions."""
    made = baara("tasks", "create", "nightly", "--prompt", "x", "--check", "file:a", "--permission", "locked", "--json")
    told = json.loads(made.stdout)
    assert (told["checks"], told["permission"]) == (["file:a"], "locked")
    baara("tasks", "update", "nightly", "--check", "file:b", "--check", "command:true", "--permission", "ask")
    execution = engine.submit_task("nightly", source="test")
    assert (execution.checks, execution.permission) == (("file:b", "command:true"), Permission.ASK)
    assert "ask" in baara("executions", "show", execution.id).stdout
    baara("tasks", "update", "nightly", "--check", "")
    assert engine.task("nightly").checks == ()


def test_the_help_says_what_a_permission_is_worth(baara: Baara) -> None:
    """The modes are explained where they are typed, with what the native sandbox does not hold back."""
    told = " ".join(baara("submit", "--help", COLUMNS="200", NO_COLOR="1").stdout.replace("│", " ").split())
    assert "whatever you may do yourself, because that is no boundary" in told
    assert "ask: whatever may change something waits for your word; locked: it may only look." in told


def test_work_that_waits_for_an_approval_says_how_to_answer(baara: Baara, engine: Engine, work: Work) -> None:
    """Whoever waits for it sees the call as it is, and the choices."""
    execution = work(WRITE, says("done"), permission=Permission.ASK)
    told = baara("executions", "wait", execution.id, "--timeout", "0.5").stderr
    assert 'Needs you: May “write” run with exactly this? {"file_path":"p\\u0430y.md","content":"a\\nb"}' in told
    assert "  Accept: This call runs, once." in told
    assert "p\u0430y" not in told
    assert engine.questions()[0].id in told
