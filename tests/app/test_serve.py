import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from baara_engine import requests
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.states import Status

LONG = 60.0
KEY = "sk-ant-canary-0123456789abcdef"


@contextmanager
def serving(home: Path, *arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "baara_app", "--home", str(home), "serve", *arguments],
        env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        yield process, json.loads(line)["url"] if line else ""
    finally:
        process.terminate()
        process.wait(LONG)
        process.stdout.close()
        process.stderr.close()


def test_it_says_where_it_is_and_how_it_is(home: Path) -> None:
    """One line with the address, a note of how to reach it that only the owner can read, and a sign of life."""
    with serving(home) as (process, url):
        with urllib.request.urlopen(f"{url}/healthz", timeout=LONG) as answer:
            assert json.load(answer) == {"status": "ok"}
        runtime = home / "runtime.json"
        told = json.loads(runtime.read_text())
        assert set(told) == {"pid", "url", "token", "mcp_token", "version", "started_at"}
        assert (told["pid"], told["url"]) == (process.pid, url)
        assert told["token"] != told["mcp_token"]
        assert stat.S_IMODE(runtime.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert process.returncode == 0
    assert not runtime.exists()


def test_everything_else_is_refused(home: Path) -> None:
    """A stranger gets 401 whatever he asks for; with the token, what does not exist gives 404."""
    with serving(home) as (_, url):
        token = json.loads((home / "runtime.json").read_text())["token"]
        for headers, status in (({}, 401), ({"Authorization": f"Bearer {token}"}, 404)):
            asked = urllib.request.Request(f"{url}/api/v1/nowhere", headers=headers)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(asked, timeout=LONG)
            assert refused.value.code == status
            refused.value.close()


def test_a_second_engine_on_one_home_is_refused(home: Path) -> None:
    """One home, one engine: the second ends with status 4 and a sentence."""
    with serving(home), serving(home) as (second, url):
        assert url == ""
        assert second.wait(LONG) == 4
        assert second.stderr is not None
        assert "Another engine works on" in second.stderr.read()


def test_a_port_that_is_taken_is_said(home: Path, tmp_path: Path) -> None:
    """A port in use ends with status 5 and a sentence, before anything is made."""
    with serving(home) as (_, url), serving(tmp_path / "other", "--port", url.rpartition(":")[2]) as (second, _):
        assert second.wait(LONG) == 5
        assert second.stderr is not None
        assert "cannot be used" in second.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order(home: Path, number: signal.Signals) -> None:
    """A signal to end gives status 0, and what ran goes back to its queue."""
    engine = Engine(home)
    with serving(home) as (process, _):
        execution = engine.submit(requests.Submission(prompt="sleep 4246", kind=Kind.COMMAND))
        deadline = time.monotonic() + LONG
        while engine.execution(execution.id).status is not Status.RUNNING and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(LONG) == 0
    assert engine.execution(execution.id).status is Status.QUEUED
    engine.close()


LOOK_AROUND = "env; cat /proc/$PPID/environ; for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/cmdline; done"


def test_the_key_is_nowhere_but_in_the_request(home: Path) -> None:
    """Not in a child's environment or arguments, not in any file of the home, not in what the program says."""
    engine = Engine(home)
    with serving(home, ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL="http://127.0.0.1:9") as (process, _):
        looked = engine.submit(requests.Submission(prompt=LOOK_AROUND, kind=Kind.COMMAND))
        asked = engine.submit(requests.Submission(prompt="Say hello."))
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline:
            if engine.execution(looked.id).output and engine.execution(asked.id).status is Status.RETRY_SCHEDULED:
                break
            time.sleep(0.05)
        children = psutil.Process(process.pid).children(recursive=True)
        inherited = [Path(f"/proc/{child.pid}/environ").read_bytes() for child in children]
    execution, waiting = engine.execution(looked.id), engine.execution(asked.id)
    engine.close()
    assert waiting.error_cause == "offline"
    assert execution.output
    assert KEY not in execution.output
    assert all(KEY.encode() not in environment for environment in inherited)
    assert [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []
