"""Long simulations that run beside all other tests, on what those leave of the processors.

A test with the mark `beside("tests.module", "--option", …)` has this program started when the session begins, at the
lowest priority, and comes last. What it asks for as `beside` is how the program ended.
"""

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

ROOT = Path(__file__).parents[1]
LOWEST = 19  # the niceness of what is to be in nobody's way
MARK = "beside"

Started = dict[str, tuple[subprocess.Popen[bytes], IO[bytes]]]
STARTED = pytest.StashKey[Started]()


@pytest.fixture
def beside(request: pytest.FixtureRequest) -> subprocess.CompletedProcess[str]:
    """Wait for the program of this test, which is in a hurry now, and give how it ended."""
    process, out = request.config.stash[STARTED][request.node.nodeid]
    with contextlib.suppress(psutil.Error):  # an ordinary user may not hurry what was made slow
        for one in _family(process):
            one.nice(0)
    status = process.wait()
    out.seek(0)
    return subprocess.CompletedProcess(process.args, status, out.read().decode(), "")


def put_last(items: list[pytest.Item]) -> None:
    """Have those that run beside the others come last."""
    items.sort(key=_is_marked)


def start(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start what these tests have running beside them."""
    started = config.stash.setdefault(STARTED, {})
    for item in items:
        for mark in item.iter_markers(MARK):
            started[item.nodeid] = _started([str(part) for part in mark.args])


def stop(config: pytest.Config) -> None:
    """End what still runs, with all that it has started."""
    for process, out in config.stash.get(STARTED, {}).values():
        if process.poll() is None:
            for one in _family(process):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait()
        out.close()


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Give a program and all that it has started."""
    first = psutil.Process(process.pid)
    return [*first.children(recursive=True), first]


def _is_marked(item: pytest.Item) -> bool:
    return item.get_closest_marker(MARK) is not None


def _started(arguments: list[str]) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    out: Any = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the session
    command = ["nice", "-n", str(LOWEST), sys.executable, "-m", *arguments]
    process = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT)
    return process, out
