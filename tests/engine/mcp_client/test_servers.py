import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.engine import waits

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.mcp_client import servers
from baara_engine.records import Effect, Execution, Json
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Status
from baara_engine.store import mcp_servers
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

SERVER = Path(__file__).with_name("outside_server.py")
LONG = 120.0  # seconds that no wait here takes unless something is wrong

Asked = Callable[[str, Json, int], Execution]


def until(engine: Engine, execution_id: str) -> Execution:
    deadline = time.monotonic() + LONG
    with engine.news() as news:
        while time.monotonic() < deadline:
            execution = engine.execution(execution_id)
            if execution.status in {*ENDED, Status.WAITING_FOR_INPUT}:
                return execution
            news.wait(1.0)
    raise AssertionError(f"still {engine.execution(execution_id)}")


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    return tmp_path / "counted"


@pytest.fixture
def asked(engine: Engine, counted: Path) -> Asked:
    """Give a function that lets an execution call one tool of a server which dies at a call of that number."""

    def begin(tool: str, value: Json, die_at: int) -> Execution:
        args = [str(SERVER), str(counted), str(die_at)]
        engine.add_mcp_server({"name": "outside", "command": sys.executable, "args": args})
        engine.start(ScriptedModels(ScriptedModel([calls((f"mcp__outside__{tool}", value)), says("finished")])))
        submitted = engine.submit(Submission(prompt="use it", mcp_servers=("outside",)))
        return until(engine, submitted.id)

    return begin


def results(engine: Engine, execution: Execution) -> list[tuple[Effect, bool, str]]:
    _, done = engine.journal(execution.id)
    return [(one.effect, bool(one.is_error), str(one.result)) for one in done]


def test_tool_of_a_server_is_used(engine: Engine, asked: Asked, counted: Path) -> None:
    """An execution that names a server calls its tool, and the server is gone with the engine."""
    execution = asked("send", {"to": "me"}, 0)
    assert execution.status is Status.COMPLETED
    [(effect, is_error, text)] = results(engine, execution)
    assert (effect, is_error) == (Effect.UNSAFE, False)
    assert "send:me done" in text
    [line] = counted.read_text().splitlines()
    engine.stop()
    assert not psutil.pid_exists(int(line.split()[1]))


@pytest.mark.parametrize(("tool", "effect"), [("look", Effect.READ), ("put", Effect.IDEMPOTENT)])
def test_harmless_call_is_made_again_after_a_death(
    engine: Engine, asked: Asked, counted: Path, tool: str, effect: Effect
) -> None:
    """A server that dies in the middle of what does no harm twice is started again, and the call made again."""
    execution = asked(tool, {}, 1)
    assert execution.status is Status.COMPLETED
    [(noted, is_error, text)] = results(engine, execution)
    assert (noted, is_error) == (effect, False)
    assert f"{tool} done" in text
    assert len({line.split()[1] for line in counted.read_text().splitlines()}) == len(("before", "after"))


def test_unsafe_call_is_asked_about_after_a_death(engine: Engine, asked: Asked, counted: Path) -> None:
    """A server that dies in the middle of an unsafe call leaves a question, and the call is not made again."""
    execution = asked("send", {"to": "me"}, 1)
    assert execution.status is Status.WAITING_FOR_INPUT
    [question] = engine.questions()
    assert question.kind == "effect"
    assert len(counted.read_text().splitlines()) == 1


@contextmanager
def over_http(counted: Path, die_at: int) -> Iterator[str]:
    """Serve by Streamable HTTP, started again when it has died; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(SERVER), str(counted), str(die_at), str(port)]
    servers_: list[subprocess.Popen[bytes]] = []
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            servers_.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            servers_[-1].wait()

    keeper = threading.Thread(target=serve, name="keeps a server")
    keeper.start()
    try:
        _await_port(port)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        over.set()
        servers_[-1].kill()
        keeper.join()


def use(engine: Engine, url: str, tool: str, value: Json) -> Execution:
    engine.add_mcp_server({"name": "outside", "url": url})
    engine.start(ScriptedModels(ScriptedModel([calls((f"mcp__outside__{tool}", value)), says("finished")])))
    submitted = engine.submit(Submission(prompt="use it", mcp_servers=("outside",)))
    try:
        return until(engine, submitted.id)
    finally:
        engine.stop()


def test_tool_over_http_is_used(engine: Engine, counted: Path) -> None:
    """A server that is reached by Streamable HTTP is used like any other."""
    with over_http(counted, 0) as url:
        execution = use(engine, url, "look", {})
    assert execution.status is Status.COMPLETED
    [(_, is_error, text)] = results(engine, execution)
    assert not is_error
    assert "look done" in text


def test_unsafe_call_over_http_is_asked_about_after_a_death(engine: Engine, counted: Path) -> None:
    """A connection that breaks in the middle of an unsafe call says nothing of its outcome: a person is asked."""
    with over_http(counted, 1) as url:
        execution = use(engine, url, "send", {"to": "me"})
    assert execution.status is Status.WAITING_FOR_INPUT
    assert [question.kind for question in engine.questions()] == ["effect"]
    assert len(counted.read_text().splitlines()) == 1


def test_harmless_call_over_http_is_made_again_once_the_server_is_back(engine: Engine, counted: Path) -> None:
    """What does no harm twice is done again, as soon as there is a server to do it."""
    with over_http(counted, 1) as url:
        execution = use(engine, url, "put", {})
    assert execution.status is Status.COMPLETED
    [(_, is_error, text)] = results(engine, execution)
    assert (is_error, "put done" in text) == (False, True)
    assert len(counted.read_text().splitlines()) == len(("before", "after"))


def _await_port(port: int) -> None:
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


def test_no_server_outlives_a_killed_parent() -> None:
    """A server that does not even read its standard input ends with the process that has started it."""
    sleeper = [sys.executable, "-c", "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)"]
    parent = (
        "import os, subprocess, sys, time; from baara_engine.mcp_client import connection; "
        "subprocess.Popen([sys.executable, '-I', '-S', '-c', connection.TIED, str(os.getpid()), *sys.argv[1:]]); "
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent, *sleeper], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        process.kill()
        child.wait(LONG)


def test_missing_server_is_asked_about(engine: Engine) -> None:
    """An execution that names a server which is not there waits with a question, and asks no model."""
    model = ScriptedModel([says("finished")])
    engine.start(ScriptedModels(model))
    submitted = engine.submit(Submission(prompt="use it", mcp_servers=("nobody",)))
    assert until(engine, submitted.id).status is Status.WAITING_FOR_INPUT
    [question] = engine.questions()
    assert "There is no MCP server “nobody”" in question.text
    assert (question.kind, question.options) == ("mcp_server", ("Try again", "Stop"))
    assert model.requests == []
    with pytest.raises(errors.InvalidInput, match="Answer with one of"):
        engine.answer(question.id, "whatever", by="a test")


def test_missing_server_may_be_there_at_the_next_try(engine: Engine, counted: Path) -> None:
    """Once it was added, “Try again” lets the work go on; “Stop” calls it off."""
    engine.start(ScriptedModels(ScriptedModel([says("finished")])))
    first, second = (engine.submit(Submission(prompt="use it", mcp_servers=("outside",))) for _ in range(2))
    assert {until(engine, one.id).status for one in (first, second)} == {Status.WAITING_FOR_INPUT}
    by_execution = {question.execution_id: question for question in engine.questions()}
    args = [str(SERVER), str(counted), "0"]
    engine.add_mcp_server({"name": "outside", "command": sys.executable, "args": args})
    engine.answer(by_execution[second.id].id, "stop", by="a test")
    engine.answer(by_execution[first.id].id, "try again", by="a test")
    assert waits.until(engine, first.id, waits.has_ended).status is Status.COMPLETED
    assert engine.execution(second.id).status is Status.CANCELLED
    engine.stop()


def test_changed_tool_is_told_of(engine: Engine) -> None:
    """A tool that is not what it was is told of; one that is new or the same is not."""
    engine.add_mcp_server({"name": "outside", "command": "true"})
    assert engine.store.write(lambda tx: mcp_servers.seen(tx, "outside", {"a": "1"})) == set()
    assert engine.store.write(lambda tx: mcp_servers.seen(tx, "outside", {"a": "1", "b": "1"})) == set()
    assert engine.store.write(lambda tx: mcp_servers.seen(tx, "outside", {"a": "2"})) == {"a"}
    assert servers.CHANGED == "mcp_tool_changed"


@pytest.mark.parametrize(
    "said",
    [
        {"name": "a"},
        {"name": "a", "command": "x", "url": "https://example.org/mcp"},
        {"name": "a_b", "command": "x"},
        {"name": "a", "url": "http://example.org/mcp"},
        {"name": "a", "command": "x", "headers": {"Authorization": "token"}},
        {"name": "a", "command": "x\0y"},
    ],
)
def test_server_that_cannot_be_is_refused(engine: Engine, said: Json) -> None:
    """A server without one way to reach it, or with a name or an address that does not do, is refused."""
    with pytest.raises(errors.InvalidInput):
        engine.add_mcp_server(said)
