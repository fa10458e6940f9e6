import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from baara_engine import queues
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind, UnknownEffect
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

Baara = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., subprocess.Popen[str]]

LONG = 30.0  # seconds that no wait here takes unless something is wrong

PROMISED = {
    "id", "task_id", "name", "kind", "status", "outcome", "queue", "priority", "attempt", "max_retries", "sandbox",
    "model", "thread_id", "created_at", "started_at", "completed_at", "duration_ms", "turn", "input_tokens",
    "output_tokens", "cost_usd", "output", "error", "checks", "waiting", "workspace", "resumed",
}  # fmt: skip

BAD: dict[str, tuple[list[str | bytes], int, str]] = {
    "empty prompt": (["submit", ""], 2, "PROMPT: it is empty: say what is to be done."),
    "blank prompt": (["submit", " \n "], 2, "PROMPT: it is empty: say what is to be done."),
    "no prompt": (["submit"], 2, "Say what is to be done: baara submit PROMPT, or baara submit --task NAME."),
    "no workspace": (["submit", "x", "--workspace", "/no/such/folder"], 2, "--workspace: /no/such/folder is not a"),
    "negative retries": (["submit", "x", "--max-retries", "-1"], 2, "--max-retries: Input should be greater than or"),
    "negative time": (["submit", "x", "--timeout", "-5"], 2, "--timeout: Input should be greater than 0."),
    "no time at all": (["submit", "x", "--timeout", "nan"], 2, "--timeout: Input should be a finite number."),
    "negative turns": (["submit", "x", "--max-turns", "-3"], 2, "--max-turns: Input should be greater than or equal"),
    "bad priority": (["submit", "x", "--priority", "4"], 2, "--priority: Input should be less than or equal to 3."),
    "no such queue": (["submit", "x", "--queue", "fast"], 3, "There is no queue “fast”. There are: transfer,"),
    "not this queue": (["submit", "x", "--queue", "dlq"], 2, "Work cannot be submitted to “dlq”. Choose: transfer,"),
    "no such sandbox": (["submit", "x", "--sandbox", "steel"], 2, "There is no sandbox “steel”"),
    "no such thread": (["submit", "x", "--thread", "ZZZ"], 3, "There is no thread ZZZ."),
    "no such task": (["submit", "--task", "nope"], 3, "There is no task nope."),
    "no time of day": (["submit", "x", "--at", "tomorrow"], 2, "--at: “tomorrow” is no time; type a time as in"),
    "not UTF-8": (["submit", b"caf\xe9"], 2, "An argument is not valid UTF-8: b'caf\\xe9'."),
}


def rows(engine: Engine) -> int:
    return len(engine.executions()) + len(engine.threads()) + len(engine.tasks()) + engine.last_event()


def until(engine: Engine, execution_id: str, wanted: Status) -> Execution:
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        execution = engine.execution(execution_id)
        if execution.status is wanted:
            return execution
        time.sleep(0.02)
    raise AssertionError(f"still {engine.execution(execution_id)}")


def test_a_prompt_is_queued_without_an_engine(baara: Baara, engine: Engine) -> None:
    """The id goes to stdout, a line that says that nobody works yet to stderr, and the execution is on the disk."""
    done = baara("submit", "Say hello.")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "baara serve" in done.stderr
    execution = engine.execution(done.stdout.strip())
    assert (execution.prompt, execution.status, execution.source) == ("Say hello.", Status.QUEUED, "cli")


def test_every_option_reaches_the_execution(baara: Baara, engine: Engine, tmp_path: Path) -> None:
    """What is said on the command line stands in the execution, and the JSON has all promised fields."""
    folder = tmp_path / "work"
    folder.mkdir()
    thread_id = engine.thread(engine.submit(Submission(prompt="first")).thread_id)[0].id
    done = baara(
        "submit", "ls", "--command", "--name", "Look", "--sandbox", "native", "--workspace", str(folder),
        "--model", "offline", "--queue", "visibility", "--priority", "0", "--max-retries", "7", "--timeout", "12.5",
        "--max-turns", "9", "--thread", thread_id[:26], "--at", "+2h", "--key", "k1", "--unknown-effect", "rerun",
        "--json",
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert set(told) >= PROMISED
    assert (told["waiting"]["reason"], told["waiting"]["question_id"]) == ("time", None)
    assert told["created_at"].endswith("Z")
    execution = engine.execution(told["id"])
    assert (execution.kind, execution.name, execution.workspace) == (Kind.COMMAND, "Look", str(folder))
    assert (execution.target_queue, execution.priority, execution.max_retries) == (queues.VISIBILITY, 0, 7)
    assert (execution.timeout_s, execution.max_turns, execution.thread_id) == (12.5, 9, thread_id)
    assert (execution.unknown_effect, execution.idempotency_key) == (UnknownEffect.RERUN, "k1")
    assert abs((execution.not_before or 0) - execution.created_at - 7_200_000) < 60_000


def test_home_and_json_may_stand_in_both_places(baara: Baara, tmp_path: Path) -> None:
    """Before the command's name or behind it, --home and --json mean the same, and the last --home holds."""
    first = baara("--json", "--home", str(tmp_path / "a"), "submit", "x")
    second = baara("--home", str(tmp_path / "b"), "submit", "x", "--home", str(tmp_path / "a"), "--json")
    assert {json.loads(done.stdout)["status"] for done in (first, second)} == {"queued"}
    opened = Engine(tmp_path / "a")
    assert len(opened.executions()) == 2
    opened.close()
    assert not (tmp_path / "b").exists()


def test_a_prompt_comes_from_standard_input(baara: Baara, engine: Engine) -> None:
    """A dash reads standard input, whose last line end is no part of the prompt."""
    done = baara("submit", "-", stdin="Zwölf\nZeilen\n".encode())
    assert engine.execution(done.stdout.strip()).prompt == "Zwölf\nZeilen"


def test_the_same_key_gives_the_same_execution(baara: Baara) -> None:
    """Submitting again under a key changes nothing; under another prompt it is refused."""
    first, again = baara("submit", "x", "--key", "k"), baara("submit", "x", "--key", "k")
    assert first.stdout == again.stdout
    other = baara("submit", "y", "--key", "k")
    assert (other.returncode, other.stdout) == (4, "")
    assert "belongs to execution" in other.stderr


@pytest.mark.parametrize("case", BAD)
def test_what_makes_no_sense_is_refused_in_one_line(baara: Baara, engine: Engine, case: str) -> None:
    """Bad input has its exit status and one clear line that begins with the option, and leaves nothing behind."""
    arguments, status, line = BAD[case]
    before = rows(engine)
    done = baara(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert done.stderr.startswith(f"baara: {line}")
    assert rows(engine) == before


@pytest.mark.parametrize(
    ("read", "line"),
    [
        (
            b"x" * 10_000_000,
            "baara: Standard input has more than 1,000,000 bytes, the most. Put long texts into files.",
        ),
        (b"caf\xe9", "baara: Standard input is not valid UTF-8."),
        (b"", "baara: PROMPT: it is empty: say what is to be done."),
    ],
    ids=["ten megabytes", "not UTF-8", "nothing"],
)
def test_standard_input_that_is_no_prompt_is_refused(baara: Baara, engine: Engine, read: bytes, line: str) -> None:
    """Too much, the wrong bytes or nothing: one line, exit status 2, and nothing is written."""
    done = baara("submit", "-", stdin=read)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line + "\n")
    assert rows(engine) == 0


def test_waiting_without_an_engine_does_the_work(baara: Baara) -> None:
    """With --wait this process is the engine: the output comes on stdout, what happens on stderr, a line each."""
    done = baara("submit", "printf 'one\\ntwo'", "--command", "--wait")
    [execution_id, *output] = done.stdout.splitlines()
    assert (done.returncode, len(execution_id), output) == (0, 26, ["one", "two"])
    told = done.stderr.splitlines()
    assert told[:2] == ["Queued", "No engine was running, so this process works on it until it has ended."]
    assert [line for line in told if line in {"Taken up", "Running", "Ended: Ran"}] == [
        "Taken up",
        "Running",
        "Ended: Ran",
    ]
    assert told[-1].startswith("Ran in ")


def test_work_that_fails_is_exit_status_1(baara: Baara) -> None:
    """The failed execution is the one JSON document on stdout."""
    done = baara("submit", "echo why; exit 3", "--command", "--wait", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"], told["output"]) == (1, "Failed", "why\n")
    assert told["error"] == {"cause": "command", "message": "The command ended with exit status 3."}


def test_interrupting_the_wait_keeps_the_work(begin: Begin, engine: Engine) -> None:
    """Ctrl-C ends the waiting with 130 and a line; the work of the engine that ends with it is back in its queue."""
    process = begin("submit", "Look over this folder.", "--model", "offline", "--wait", BAARA_OFFLINE_PACE="1")
    assert process.stdout is not None
    execution_id = process.stdout.readline().strip()
    until(engine, execution_id, Status.RUNNING)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=LONG)
    assert (process.returncode, engine.execution(execution_id).status) == (130, Status.QUEUED)
    assert "Stopping; the step at work has some seconds to end." in told
    assert "baara: Stopped waiting. No engine works now; execution" in told
    assert "Traceback" not in told


def test_a_polite_kill_ends_the_wait_in_order(begin: Begin, engine: Engine) -> None:
    """SIGTERM does what Ctrl-C does, and what only waits for its time stays as it is."""
    process = begin("submit", "true", "--command", "--at", "+1h", "--wait", "--json")
    assert process.stderr is not None
    assert re.fullmatch(r"Waiting until \d\d:\d\d\n", process.stderr.readline())
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=LONG)
    assert (process.returncode, json.loads(out)["error"]["code"]) == (130, "interrupted")
    assert engine.executions()[0].status is Status.QUEUED


def test_a_question_is_told_while_waiting_for_another_engine(begin: Begin, baara: Baara, engine: Engine) -> None:
    """The one who waits reads the question once, with how to answer it; the answer of anybody lets it go on."""
    script = [calls(("ask_user", {"question": "Red or blue?", "options": ["red", "blue"]}), turn=1), says("Painted.")]
    engine.start(ScriptedModels(ScriptedModel(script)))
    process = begin("submit", "Paint it.", "--wait", "--json")
    try:
        deadline = time.monotonic() + LONG
        while not engine.questions() and time.monotonic() < deadline:
            time.sleep(0.02)
        [question] = engine.questions()
        answered = baara("executions", "answer", question.execution_id, "red")
        out, told = process.communicate(timeout=LONG)
    finally:
        process.kill()
        engine.stop()
    assert (answered.returncode, process.returncode) == (0, 0)
    assert json.loads(out)["output"] == "Painted."
    assert told.count("Needs you: Red or blue?") == 1
    assert "choices: red · blue" in told
    assert f"baara questions answer {question.id}" in told
    assert engine.questions(open_only=False)[0].answered_by == "cli"
    assert "No engine was running" not in told


def test_whoever_waits_takes_over_when_the_engine_ends(begin: Begin, engine: Engine) -> None:
    """If the engine stops while others wait, one of them becomes it, so nobody waits for ever."""
    engine.start(ScriptedModels(ScriptedModel([])))
    process = begin("submit", "true", "--command", "--at", "+1", "--wait")
    assert process.stdout is not None
    execution_id = process.stdout.readline().strip()
    assert engine.execution(execution_id).status is Status.QUEUED
    engine.stop()
    _, told = process.communicate(timeout=LONG)
    assert (process.returncode, "No engine was running" in told) == (0, True)


def test_submitting_loads_nothing_slow(environment: dict[str, str]) -> None:
    """Queueing imports no web server, no SDK, no keyring and nothing that draws."""
    slow = {"starlette", "uvicorn", "anthropic", "keyring", "rich", "httpx2", "secretstorage"}
    program = (
        "import sys; from baara_app.cli import main; main.run(['submit', 'x']); "
        f"print(sorted({slow!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_secret_in_a_prompt_is_kept_and_said(baara: Baara, engine: Engine) -> None:
    """What a person typed stays as it was typed, and they are told that it looks like a key."""
    prompt = "Use sk-ant-api03-abcDEF_123-xyz."
    told = baara("submit", prompt)
    assert "looks like a key" in told.stderr
    assert engine.execution(told.stdout.strip()).prompt == prompt
