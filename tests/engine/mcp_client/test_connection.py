import asyncio
import sys
import time
from pathlib import Path

import psutil
import pytest

from baara_engine import clock, errors, watch
from baara_engine.mcp_client import connection, spec
from baara_engine.testing.clocks import FakeClock

SERVER = Path(__file__).with_name("outside_server.py")
SECRET = "hunter2-and-more-of-it"
SLEEPS = "import time; time.sleep(600)"


class Counting:
    """Gives no secret, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, _name: str) -> None:
        self.asked += 1


async def test_server_without_its_secret_is_not_started() -> None:
    """A server whose secret is not there is not started, and the sentence names the secret."""
    server = spec.Server(name="outside", command=sys.executable, env={"TOKEN": "notes-token"})
    line = connection.Connection(server, clock.SystemClock(), Counting())
    with pytest.raises(errors.Unavailable, match="notes-token"):
        await line.tools()
    await line.close()


async def test_server_that_keeps_failing_is_left_alone_for_a_while() -> None:
    """After three failures in a row a server is not even tried, until the rest is over."""
    counting, now = Counting(), FakeClock()
    server = spec.Server(name="outside", command=sys.executable, env={"TOKEN": "notes-token"})
    line = connection.Connection(server, now, counting)
    for _ in range(connection.BREAKS_AT + 2):
        with pytest.raises(errors.Unavailable):
            await line.tools()
    assert counting.asked == connection.BREAKS_AT
    now.advance(connection.REST_S + 1)
    with pytest.raises(errors.Unavailable):
        await line.tools()
    assert counting.asked == connection.BREAKS_AT + 1
    await line.close()


async def test_environment_of_a_server_has_what_was_named_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server has the secrets that were named for it in its environment, and nothing else of the engine's."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-that-is-ours")
    server = spec.Server(name="outside", command=sys.executable, args=("-c", SLEEPS), env={"TOKEN": "notes-token"})
    line = connection.Connection(server, clock.SystemClock(), lambda _name: SECRET)
    tasks = watch.Tasks()
    tasks.spawn(line.tools(), name="starting")
    environment = await asyncio.to_thread(_environment_of_child)
    await tasks.stop()
    await line.close()
    assert environment["TOKEN"] == SECRET
    assert "a-key-that-is-ours" not in environment.values()


def _environment_of_child() -> dict[str, str]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process().children(recursive=True):
            if SLEEPS in child.cmdline():
                return child.environ()
        time.sleep(0.05)
    raise AssertionError("the server was not started")


async def test_one_slow_call_breaks_off_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What took too long is given up, and whoever shares the connection gets an answer; two in a row are a death."""
    monkeypatch.setattr(connection, "CALL_S", 2.0)
    server = spec.Server(name="outside", command=sys.executable, args=(str(SERVER), str(tmp_path / "counted"), "0"))
    line = connection.Connection(server, clock.SystemClock(), lambda _name: None)
    await line.tools()
    client = line._client
    slow = asyncio.ensure_future(line.call("wait", {"seconds": 60}, lambda: None))  # noqa: TID251 - awaited below
    await asyncio.sleep(1)
    other = await line.call("wait", {"seconds": 1.3}, lambda: None)
    with pytest.raises(connection.Died):
        await slow
    assert not other.is_error
    assert line._client is client
    for _ in range(connection.SLOW_AT):
        with pytest.raises(connection.Died):
            await line.call("wait", {"seconds": 60}, lambda: None)
    assert line._client is None
    assert not (await line.call("look", {}, lambda: None)).is_error
    await line.close()
