import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from baara_app import loglines
from baara_engine import errors, owner, states
from baara_engine.engine import Engine
from baara_engine.events import Kind as Told
from baara_engine.records import Event, Execution, Kind
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.store import executions
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels, calls, says

Baara = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., subprocess.Popen[str]]
Work = Callable[..., Execution]

LONG = 30.0  # seconds that no wait here takes unless something is wrong


@pytest.fixture
def work(engine: Engine) -> Iterator[Work]:
    """Give a function that lets an engine work on one prompt, by a script, until it needs nothing more of it."""

    def run(*script: Line, **options: object) -> Execution:
        engine.start(ScriptedModels(ScriptedModel(script)))
        submission = Submission.model_validate({"prompt": "Do it.", "source": "test", **options})
        execution = engine.submit(submission)
        with engine.news() as news:
            while execution.status not in states.ENDED | {Status.WAITING_FOR_INPUT, Status.RETRY_SCHEDULED}:
                news.wait(1.0)
                execution = engine.execution(execution.id)
        engine.stop()
        return execution

    yield run
    engine.stop()


def test_executions_are_listed_newest_first(baara: Baara, engine: Engine) -> None:
    """In a pipe the list has whole ids in aligned columns; states, tasks and a limit choose from it."""
    first, second = (engine.submit(Submission(prompt=prompt)) for prompt in ("first", "second"))
    engine.cancel(first.id)
    lines = baara("executions", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", second.id, first.id]
    assert [line.split()[1] for line in lines[1:]] == ["Queued", "Cancelled"]
    assert len({line.index(name) for line, name in zip(lines, ("NAME", "second", "first"), strict=True)}) == 1
    chosen = json.loads(baara("executions", "list", "--status", "cancelled", "--json").stdout)
    assert [told["id"] for told in chosen] == [first.id]
    assert len(json.loads(baara("executions", "list", "--limit", "1", "--json").stdout)) == 1
    assert baara("executions", "list", "--limit", "-1").returncode == 2
    assert baara("executions", "list", "--task", "nope").returncode == 3


def test_one_execution_is_shown(baara: Baara, work: Work) -> None:
    """By a prefix of its id, in any case, with its output; the JSON has its attempts as well."""
    execution = work(says("It says\nhello."))
    shown = baara("executions", "show", execution.id[:20].lower()).stdout
    assert f"Id         {execution.id}\n" in shown
    assert "State      Ran\n" in shown
    assert shown.endswith("Output     It says\n           hello.\n")
    told = json.loads(baara("executions", "show", execution.id, "--json").stdout)
    assert (told["output"], told["turn"], told["model"]) == ("It says\nhello.", 1, execution.model)
    assert [lease["ended_by"] for lease in told["attempts"]] == ["completed"]


@pytest.mark.parametrize("command", ["show", "events", "logs", "journal", "wait", "cancel", "retry"])
def test_an_unknown_execution_is_not_found(baara: Baara, command: str) -> None:
    """An id that nothing has is one line and exit status 3."""
    done = baara("executions", command, "01ZZZZ")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "baara: There is no execution 01ZZZZ.\n")


def test_the_journal_is_readable(baara: Baara, work: Work) -> None:
    """Messages and calls stand in their order, long results are shortened, and the JSON has everything."""
    execution = work(
        calls(("bash", {"command": "seq 40"}), ("fly", {}), turn=1),
        says("Counted."),
    )
    shown = baara("executions", "journal", execution.id).stdout
    assert shown.startswith(
        '── turn 0 · user ──\nDo it.\n── turn 1 · assistant ──\n→ bash {"command":"seq 40"}\n    ← 1\n'
    )
    assert "… 28 more lines; --json has all\n→ fly {}\n    ← failed: There is no tool “fly”" in shown
    assert shown.endswith("── turn 2 · assistant ──\nCounted.\n")
    told = json.loads(baara("executions", "journal", execution.id, "--json").stdout)
    assert [message["role"] for message in told["messages"]] == ["user", "assistant", "user", "assistant"]
    assert [call["name"] for call in told["tool_calls"]] == ["bash", "fly"]
    assert all(call["receipt_at"].endswith("Z") for call in told["tool_calls"])


def test_a_command_has_its_call_in_the_journal(baara: Baara, work: Work) -> None:
    """The journal of a command shows how it ended and what it wrote."""
    execution = work(prompt="echo out; exit 4", kind=Kind.COMMAND)
    shown = baara("executions", "journal", execution.id).stdout
    assert shown == '→ command {"command":"echo out; exit 4"}\n    ← failed: exit status 4\n      out\n'


def test_events_and_logs_tell_what_happened(baara: Baara, work: Work) -> None:
    """Events can be read from a number on; log lines can be chosen by level, by text and by count."""
    execution = work(calls(("read", {"file_path": "no"}), turn=1), says("No."))
    told = json.loads(baara("executions", "events", execution.id, "--json").stdout)
    assert [event["seq"] for event in told] == sorted(event["seq"] for event in told)
    assert (told[0]["kind"], told[0]["data"]["to"]) == ("status", "created")
    rest = json.loads(baara("executions", "events", execution.id, "--after", str(told[-2]["seq"]), "--json").stdout)
    assert rest == told[-1:]
    lines = baara("executions", "logs", execution.id).stdout.splitlines()
    assert "info     Turn 1: read begins" in " ".join(lines)
    assert (
        baara("executions", "logs", execution.id, "--level", "warning").stdout[21:] == "warning  Turn 1: read failed\n"
    )
    found = json.loads(baara("executions", "logs", execution.id, "--search", "TURN", "--limit", "1", "--json").stdout)
    assert [line["text"] for line in found] == ["Turn 2 answered"]


def test_events_can_be_followed(begin: Begin, engine: Engine) -> None:
    """With --follow each event is a document on its own line, as it comes, until the execution has ended."""
    execution = engine.submit(Submission(prompt="true", kind=Kind.COMMAND))
    process = begin("executions", "events", execution.id, "--follow", "--json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["data"]["to"] == "created"
    engine.start(ScriptedModels(ScriptedModel([])))
    out, _ = process.communicate(timeout=LONG)
    engine.stop()
    assert process.returncode == 0
    assert [json.loads(line)["data"].get("to") for line in out.splitlines()][-2:] == ["completed", None]


def test_waiting_is_limited_if_that_is_said(baara: Baara, engine: Engine) -> None:
    """At its limit the wait is refused, and the work goes on; a limit that makes no sense is a wrong usage."""
    execution = engine.submit(Submission(prompt="x", not_before=4_000_000_000_000))
    done = baara("executions", "wait", execution.id, "--timeout", "0.2", "--json")
    told = json.loads(done.stdout)["error"]
    assert (done.returncode, told["code"]) == (4, "refused")
    assert told["message"].startswith("It has not ended in time; its state: Waiting until 2096-10-02 ")
    assert engine.execution(execution.id).status is Status.QUEUED
    assert baara("executions", "wait", execution.id, "--timeout", "-1").returncode == 2


def test_waiting_for_what_has_ended_only_tells(baara: Baara, work: Work) -> None:
    """No engine is started, and the exit status says how it ended."""
    execution = work(errors.ModelFailure(errors.FailureKind.REFUSAL, "It declined."))
    done = baara("executions", "wait", execution.id)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].endswith(": It declined.")
    assert "No engine" not in done.stderr


def test_an_execution_is_cancelled_once(baara: Baara, engine: Engine) -> None:
    """Cancelling tells the state it has now; a second time is refused."""
    execution = engine.submit(Submission(prompt="x"))
    assert baara("executions", "cancel", execution.id).stdout == f"Execution {execution.id}: Cancelled.\n"
    again = baara("executions", "cancel", execution.id)
    assert (again.returncode, "has ended" in again.stderr) == (4, True)


def test_a_dead_letter_is_tried_again(baara: Baara, work: Work, engine: Engine) -> None:
    """Retrying queues it; what is queued cannot be retried."""
    execution = work(prompt="exit 1", kind=Kind.COMMAND)
    told = json.loads(baara("executions", "retry", execution.id, "--json").stdout)
    assert (told["status"], told["queue"], told["outcome"]) == ("queued", "dlq", None)
    assert baara("executions", "retry", execution.id).returncode == 4
    assert engine.execution(execution.id).status is Status.QUEUED


def test_what_asks_nothing_cannot_be_answered(baara: Baara, engine: Engine) -> None:
    """Answering an execution that waits for nobody is refused."""
    execution = engine.submit(Submission(prompt="x"))
    done = baara("executions", "answer", execution.id, "yes")
    assert (done.returncode, "asks nothing at present" in done.stderr) == (4, True)


def test_an_answer_lets_it_go_on(baara: Baara, work: Work, engine: Engine) -> None:
    """Questions are listed with their choices; an empty answer is refused; the first answer stands."""
    execution = work(calls(("ask_user", {"question": "Red\nor blue?", "options": ["red", "blue"]}), turn=1))
    [question] = engine.questions()
    assert baara("executions", "list").stdout.splitlines()[1].split("  ")[1] == "Needs you"
    assert baara("questions", "list").stdout.splitlines()[1].endswith("  red · blue  Red or blue?")
    empty = baara("questions", "answer", question.id, " ")
    assert (empty.returncode, empty.stderr.startswith("baara: TEXT: it is empty")) == (2, True)
    done = baara("questions", "answer", question.id[:22], "red")
    assert done.stdout == f"Answered. Execution {execution.id}: Queued.\n"
    assert baara("questions", "answer", question.id, "blue").returncode == 4
    assert json.loads(baara("questions", "list", "--json").stdout) == []
    [told] = json.loads(baara("questions", "list", "--all", "--json").stdout)
    assert (told["answer"], told["answered_by"], told["options"]) == ("red", "cli", ["red", "blue"])


def test_the_last_sign_of_life_is_shown(baara: Baara, engine: Engine) -> None:
    """What is at work shows when it was last heard of and by what; a program gets the same, whatever the state."""
    execution = engine.submit(Submission(prompt="x"))
    assert json.loads(baara("executions", "show", execution.id, "--json").stdout)["last_sign"] is None
    me, sign = str(owner.Owner.me()), 1_800_000_000_000
    engine.store.write(lambda tx: executions.claim(tx, "transfer", 1, me, 1 << 50))
    engine.store.write(lambda tx: executions.renew(tx, me, 1 << 50, {execution.id: (sign, "output")}))
    told = json.loads(baara("executions", "show", execution.id, "--json").stdout)["last_sign"]
    assert told == {"at": "2027-01-15T08:00:00.000Z", "what": "output"}
    [line] = [line for line in baara("executions", "show", execution.id).stdout.splitlines() if "Last sign" in line]
    assert line.endswith(", output")


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        (Told.SLEPT, {"ms": 22_320_000}, "The computer was asleep for 6 h 12 min"),
        (Told.CLOCK_JUMPED, {"ms": -5000}, "The computer's clock was put back by 5 s"),
        (Told.CLOCK_JUMPED, {"ms": 5000}, "The computer's clock was put ahead by 5 s"),
        (Told.FINDING, {"state": "found", "message": "It is slow."}, "It is slow."),
        (Told.FINDING, {"state": "cleared", "message": "It is slow."}, "Well again: It is slow."),
    ],
)
def test_what_the_monitor_tells_is_a_sentence(kind: str, data: dict[str, object], sentence: str) -> None:
    """A sleep, a jump and a finding are told in words."""
    assert loglines.sentence(Event(1, 1, kind, None, None, data)) == sentence


def test_what_the_agent_has_noted_is_shown(baara: Baara, work: Work) -> None:
    """Constraints, what is done and the next step stand in the description of an execution, and in its JSON."""
    note = {"constraints": ["Keep to 80 columns."], "done": ["The list."], "next": "The index."}
    execution = work(calls(("note_progress", note)), says("done"))
    lines = baara("executions", "show", execution.id).stdout
    assert all(text in lines for text in ("Keep to 80 columns.", "The list.", "The index."))
    told = json.loads(baara("executions", "show", execution.id, "--json").stdout)
    assert {name: told["progress"][name] for name in note} == note
    assert told["compactions"] == []
    assert "progress noted; next: The index." in baara("executions", "logs", execution.id).stdout


def test_a_fork_goes_on_from_a_turn(baara: Baara, engine: Engine, work: Work) -> None:
    """It is queued, knows where it is from, and a turn that has not been is refused by the name of its option."""
    execution = work(calls(("glob", {"pattern": "*"}), turn=1), says("done"))
    told = baara("executions", "fork", execution.id, "--turn", "1", "--prompt", "Now this.", "--model", "m", "--json")
    fork = json.loads(told.stdout)
    assert (fork["forked_from"], fork["forked_turn"], fork["model"]) == (execution.id, 1, "m")
    assert engine.journal(fork["id"])[0][-1].content == [{"type": "text", "text": "Now this."}]
    assert baara("executions", "fork", execution.id, "--turn", "9").returncode == 2
    refused = baara("executions", "fork", execution.id, "--turn", "-1")
    assert (refused.returncode, "--turn" in refused.stderr) == (2, True)
