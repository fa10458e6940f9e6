"""Long simulations that run beside all other tests, on what those leave of the processors.

A test with the mark `beside("tests.module", "--option", …)` has this program started when the session begins, at the
lowest priority, and comes last. What it asks for as `beside` is how the program ended. The program is no child of the
session, since tests look at those and end them; it ends when the session does (`python -m tests.beside` sees to that).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
LOWEST = 19  # the niceness of what is to be in nobody's way
MARK = "beside"
LOOK_S = 0.5
OUT, STATUS, GROUP = "out", "status", "group"  # files of one program

STARTED = pytest.StashKey[dict[str, Path]]()


@pytest.fixture
def beside(request: pytest.FixtureRequest) -> subprocess.CompletedProcess[str]:
    """Wait for the program of this test, which is in a hurry now, and give how it ended."""
    folder = request.config.stash[STARTED][request.node.nodeid]
    group = _group(folder)
    with contextlib.suppress(PermissionError, ProcessLookupError):  # an ordinary user may not hurry what was made slow
        os.setpriority(os.PRIO_PGRP, group, 0)
    while not (folder / STATUS).exists():
        assert psutil.pid_exists(group), (folder / OUT).read_text()
        time.sleep(LOOK_S)
    return subprocess.CompletedProcess([], int((folder / STATUS).read_text()), (folder / OUT).read_text(), "")


def put_last(items: list[pytest.Item]) -> None:
    """Have those that run beside the others come last."""
    items.sort(key=lambda item: item.get_closest_marker(MARK) is not None)


def start(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start what these tests have running beside them."""
    started = config.stash.setdefault(STARTED, {})
    for item in items:
        for mark in item.iter_markers(MARK):
            started[item.nodeid] = folder = Path(tempfile.mkdtemp(prefix="beside-"))
            arguments = [str(os.getpid()), str(folder), *map(str, mark.args)]
            subprocess.run([sys.executable, "-m", "tests.beside", *arguments], check=True, cwd=ROOT)


def stop(config: pytest.Config) -> None:
    """End what still runs, with all that it has started."""
    for folder in config.stash.get(STARTED, {}).values():
        if not (folder / STATUS).exists():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(_group(folder), signal.SIGKILL)
        shutil.rmtree(folder)


def _group(folder: Path) -> int:
    """Give the process group of a program, which is the number of what looks after it, too."""
    while not (folder / GROUP).exists():
        time.sleep(LOOK_S / 10)
    return int((folder / GROUP).read_text())


def main() -> int:
    """Look after a program for a session with this number, and write down in a folder how it ended."""
    session, folder, arguments = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    if os.fork():
        return 0  # so that whoever has started this is not its parent
    os.setsid()
    _write(folder / GROUP, os.getpid())
    command = ["nice", "-n", str(LOWEST), sys.executable, "-m", *arguments]
    with (folder / OUT).open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT)
    while process.poll() is None:
        if not psutil.pid_exists(session):
            os.killpg(0, signal.SIGKILL)
        time.sleep(LOOK_S)
    _write(folder / STATUS, process.returncode)
    return 0


def _write(path: Path, number: int) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(str(number))
    unfinished.replace(path)


if __name__ == "__main__":
    sys.exit(main())
