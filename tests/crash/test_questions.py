"""A question outlives the engine that asked it, and the next."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from baara_engine.engine import Engine
from baara_engine.records import Execution, Permission
from baara_engine.requests import Submission
from baara_engine.states import Status

ROOT = Path(__file__).parents[2]
LONG = 60.0  # seconds that no wait here takes unless something is wrong


def at_work(home: Path, *command: str) -> subprocess.Popen[str]:
    """Start an engine in a process of its own, and wait until it works."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.asker", str(home), *command], cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def answer(home: Path, question_id: str, text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "baara_app", "questions", "answer", question_id, text]
    environment = os.environ | {"BAARA_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def has(engine: Engine, execution: Execution, status: Status) -> Callable[[], bool]:
    return lambda: engine.execution(execution.id).status is status


def log_of(execution: Execution) -> str:
    return (Path(execution.workspace) / "log").read_text()


def test_a_question_is_answered_two_restarts_later(home: Path, engine: Engine) -> None:
    """Asked, killed, started, killed; answered from the command line; the next engine goes on at that very call."""
    execution = engine.submit(Submission(prompt="Ask me."))
    process = at_work(home)
    until(has(engine, execution, Status.WAITING_FOR_INPUT))
    kill(process)
    [question] = engine.questions()
    kill(at_work(home))
    assert engine.questions() == [question]
    assert "Queued" in answer(home, question.id[:20], "green").stdout
    second = answer(home, question.id, "blue")
    assert (second.returncode, second.stdout) == (4, "")
    assert "answered already, by cli at 20" in second.stderr
    assert "“green”. The first answer stands." in second.stderr
    process = at_work(home)
    until(has(engine, execution, Status.COMPLETED))
    kill(process)
    ended = engine.execution(execution.id)
    assert (ended.output, ended.attempt, log_of(ended)) == ("noted", 1, "before\ngreen\n")


@pytest.mark.parametrize(("word", "log"), [("Accept for this task", "before\n"), ("Refuse", "")])
def test_an_approval_is_given_while_no_engine_runs(home: Path, engine: Engine, word: str, log: str) -> None:
    """Killed while it waits; what was answered meanwhile decides what the next engine runs, and what it does not."""
    execution = engine.submit(Submission(prompt="Ask me.", permission=Permission.ASK))
    process = at_work(home)
    until(has(engine, execution, Status.WAITING_FOR_INPUT))
    kill(process)
    [question] = engine.questions()
    assert question.kind == "approval"
    assert answer(home, question.id, "yes").returncode == 2
    assert answer(home, question.id, word).returncode == 0
    process = at_work(home)
    until(lambda: engine.questions() != [])  # the question that follows it in the same answer
    kill(process)
    path = Path(execution.workspace) / "log"
    assert (path.read_text() if path.exists() else "") == log
    assert [one.kind for one in engine.questions()] == ["ask_user"]


def test_an_approved_command_that_a_kill_cuts_short_is_not_run_again(home: Path, engine: Engine) -> None:
    """Its approval was for one run: the next engine tells the agent what became of it, and goes on."""
    command = "echo before >> log; sleep 60"
    execution = engine.submit(Submission(prompt="Ask me.", permission=Permission.ASK))
    process = at_work(home, command)
    until(lambda: engine.questions() != [])
    [approval] = engine.questions()
    assert answer(home, approval.id, "Accept").returncode == 0
    until((Path(execution.workspace) / "log").exists)
    kill(process)
    process = at_work(home, command)
    until(lambda: engine.questions() != [])
    kill(process)
    [question] = engine.questions()
    [call, _] = engine.journal(execution.id)[1]
    assert (question.kind, log_of(execution), call.is_error) == ("ask_user", "before\n", True)
    assert "ended from outside" in str(call.result)
