"""Checks at the end of real work: what they make of the outcome, what goes back, and what a crash leaves of them."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_engine.checks import rounds
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Outcome, Status
from baara_engine.testing import legality
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels, calls, says

LONG = 60.0  # seconds that no wait here takes unless something is wrong

Work = Callable[..., tuple[Execution, ScriptedModel]]


@pytest.fixture
def work(engine: Engine, tmp_path: Path) -> Iterator[Work]:
    """Give a function that lets an engine work on something with checks, by a script, until it has ended."""

    def run(checks: tuple[str, ...], *script: Line, **options: object) -> tuple[Execution, ScriptedModel]:
        model = ScriptedModel(script)
        given = {"prompt": "Do it.", "workspace": str(tmp_path), "checks": checks, **options}
        execution = engine.submit(Submission.model_validate(given))
        engine.start(ScriptedModels(model))
        ended = until(engine, execution)
        engine.stop()
        return ended, model

    yield run
    engine.stop()


def until(engine: Engine, execution: Execution, *wanted: Status) -> Execution:
    deadline = time.monotonic() + LONG
    while (now := engine.execution(execution.id)).status not in (wanted or ENDED):
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def write(path: str, content: str, turn: int = 1) -> Line:
    return calls(("write", {"file_path": path, "content": content}), turn=turn)


def passed(execution: Execution) -> list[bool]:
    return [result["passed"] for result in execution.check_results]


def told(engine: Engine, execution: Execution, kind: str) -> str:
    return next(one.body for one in engine.thread(execution.thread_id)[1] if one.kind == kind)


def test_all_checks_passed_is_done(engine: Engine, work: Work, tmp_path: Path) -> None:
    """With one check of each kind that holds, the outcome is Done, and the thread names all of them."""
    (tmp_path / "schema.json").write_text('{"type": "object", "required": ["n"]}')
    checks = (
        "file:out.json", "command:test -s out.json", 'contains:out.json:"n": 1', "json:out.json:schema.json",
        r"output:^all \w+$",
    )  # fmt: skip
    execution, model = work(checks, write("out.json", '{"n": 1}'), says("all well"))
    assert (execution.outcome, passed(execution), execution.check_rounds) == (Outcome.DONE, [True] * 5, 1)
    assert told(engine, execution, "result") == "all well\n\nChecks:\n\n" + "\n".join(
        f"- passed: `{check}`" for check in checks
    )
    assert all(check in model.requests[0].system for check in checks)
    events = [event.data for event in engine.events(execution=execution.id) if event.kind == "checked"]
    assert events == [{"round": 1, "passed": 5, "failed": 0}]


def test_without_checks_it_only_ran(work: Work) -> None:
    """Nothing is Done that was not checked, and nothing about checks is said."""
    execution, model = work((), says("done"))
    assert (execution.outcome, execution.check_rounds, execution.output) == (Outcome.RAN, 0, "done")
    assert "the system checks this" not in model.requests[0].system


def test_an_agent_that_claims_success_without_doing_it_is_incomplete(engine: Engine, work: Work) -> None:
    """Told twice what failed, it claims the same again: the outcome is Incomplete, with the failed check."""
    execution, model = work(("file:report.md",), says("Done!"), says("Done, really."), says("It is there."))
    assert (execution.status, execution.outcome) == (Status.COMPLETED, Outcome.INCOMPLETE)
    assert execution.check_results == (
        {"spec": "file:report.md", "passed": False, "detail": "There is no file “report.md”."},
    )
    assert (execution.check_rounds, execution.output) == (3, "It is there.")
    assert "- failed: `file:report.md`: There is no file “report.md”." in told(engine, execution, "result")
    back = [request.messages[-1]["content"][0]["text"] for request in model.requests[1:]]
    assert ["There is no file “report.md”." in text for text in back] == [True, True]
    assert ["checked 2 more times" in back[0], "checked 1 more time." in back[1]] == [True, True]
    sent = {"model": "m", "max_tokens": 1, "messages": model.requests[-1].messages, "tools": model.requests[-1].tools}
    assert legality.problem(json.loads(json.dumps(sent))) is None


def test_a_repaired_second_try_is_done(work: Work) -> None:
    """What failed goes back; once it is mended, the outcome is Done."""
    execution, _ = work(("file:report.md",), says("Done!"), write("report.md", "x", turn=2), says("Now it is."))
    assert (execution.outcome, execution.check_rounds, passed(execution)) == (Outcome.DONE, 2, [True])


def test_a_file_that_was_there_must_be_changed(work: Work, tmp_path: Path) -> None:
    """An old file proves nothing; one that was written anew with the same bytes is as it was before."""
    (tmp_path / "report.md").write_text("old")
    script = [write("report.md", "old"), *[says("Done.")] * 3]
    execution, _ = work(("file:report.md",), *script)
    assert execution.outcome is Outcome.INCOMPLETE
    assert "has not changed it" in execution.check_results[0]["detail"]
    execution, _ = work(("file:report.md",), write("report.md", "new"), says("Done."))
    assert execution.outcome is Outcome.DONE


def test_a_schema_may_not_be_changed_by_what_it_checks(work: Work, tmp_path: Path) -> None:
    """An agent that writes its own schema has passed nothing."""
    (tmp_path / "schema.json").write_text('{"type": "object", "required": ["n"]}')
    script = [calls(("write", {"file_path": "schema.json", "content": "{}"}), turn=1), write("o.json", "{}", turn=2)]
    execution, _ = work(("json:o.json:schema.json",), *script, *[says("Done.")] * 3)
    assert execution.outcome is Outcome.INCOMPLETE
    assert "may not be changed" in execution.check_results[0]["detail"]


@pytest.mark.parametrize(
    ("check", "detail"),
    [
        ("file:/etc/hostname", "workspace"),
        ("file:folder", "folder"),
        ("contains:a.txt:two", "“a.txt” does not hold this text."),
        ("contains:none.txt:two", "There is no file “none.txt”."),
        ("contains:a.txt:o.e", "does not hold"),
        ("json:a.txt:a.txt", "It is not JSON"),
        ("command:echo why; exit 3", "It ended with exit status 3.\nwhy"),
        ("output:^never$", "Nothing in the output matches."),
    ],
)
def test_what_fails_says_why(work: Work, tmp_path: Path, check: str, detail: str) -> None:
    """Each kind of check tells what is wrong in a sentence; text is no expression."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").write_text("one\n")
    execution, _ = work((check,), *[says("Done.")] * 3)
    assert execution.outcome is Outcome.INCOMPLETE
    assert detail in execution.check_results[0]["detail"]


def test_a_command_is_checked_once_and_not_sent_back(work: Work, tmp_path: Path) -> None:
    """Nobody could mend it: it is Incomplete at once, and Done where its checks hold."""
    checks = ("file:made", "command:echo x >> ran", "output:hello")
    execution, _ = work(checks, prompt="echo hello; touch made", kind=Kind.COMMAND)
    assert (execution.outcome, passed(execution)) == (Outcome.DONE, [True] * 3)
    execution, _ = work(checks, prompt="echo bye", kind=Kind.COMMAND)
    assert (execution.outcome, passed(execution)) == (Outcome.INCOMPLETE, [False, True, False])
    assert (tmp_path / "ran").read_text() == "x\n" * 2
    execution, _ = work(("output:x",), prompt="exit 4", kind=Kind.COMMAND)
    assert (execution.outcome, execution.check_results) == (Outcome.FAILED, ())


def test_a_stop_amid_a_round_runs_the_command_before_it_once(engine: Engine, tmp_path: Path) -> None:
    """What a round has begun is not begun again; what was cut short is, and the round ends as one."""
    checks = ("command:echo x >> first", f"command:touch begun; while ! test -e {tmp_path}/go; do sleep 0.05; done")
    given = {"prompt": "x", "workspace": str(tmp_path), "checks": checks}
    execution = engine.submit(Submission.model_validate(given))
    engine.start(ScriptedModels(ScriptedModel([says("Done.")])))
    deadline = time.monotonic() + LONG
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    engine.stop()
    (tmp_path / "go").touch()
    model = ScriptedModel([says("Done.")])
    engine.start(ScriptedModels(model))
    ended = until(engine, execution)
    engine.stop()
    assert (ended.outcome, ended.check_rounds, model.requests) == (Outcome.DONE, 1, [])
    assert (tmp_path / "first").read_text() == "x\n"


def test_what_was_there_before_is_noted_once(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later lease does not take what an earlier one has made for what was there before."""
    monkeypatch.setattr(rounds, "BACK", 0)
    given = {"prompt": "x", "workspace": str(tmp_path), "checks": ("file:made",)}
    execution = engine.submit(Submission.model_validate(given))
    ask = calls(("ask_user", {"question": "Go on?"}), turn=2)
    engine.start(ScriptedModels(ScriptedModel([write("made", "x"), ask, says("Done.")])))
    until(engine, execution, Status.WAITING_FOR_INPUT)
    engine.stop()
    engine.answer_execution(execution.id, "Yes.", by="test")
    engine.start(ScriptedModels(ScriptedModel([write("made", "x"), ask, says("Done.")])))
    assert until(engine, execution).outcome is Outcome.DONE
    engine.stop()
