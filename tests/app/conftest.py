"""The program in real processes, on a home of the test's own."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[str]

SECRET = ("ANTHROPIC_", "BAARA_", "DBUS_", "XDG_", "KEYRING_", "PYTHON_KEYRING")  # nothing of the developer's own

# A shell may have told its background jobs to ignore Ctrl-C, and a process inherits that.
WITH_CTRL_C = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('baara_app', run_name='__main__')"
)

# Most of a short command is Python's imports, so each process is forked from one that has done them.
IMPORTED = multiprocessing.get_context("forkserver")
IMPORTED.set_forkserver_preload(["baara_app.cli.main"])
COMMAND_LINE = """
import os, sys
from baara_app.cli import main
os.environ.clear()
os.environ.update(environment)
for number, name in enumerate(("in", "out", "err")):
    opened = os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT, 0o600)
    os.dup2(opened, number)
    os.close(opened)
sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)
sys.exit(main.run(arguments))
"""


@pytest.fixture
def environment(home: Path, tmp_path: Path) -> dict[str, str]:
    """Give the environment of a person who has nothing but this home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRET)}
    return kept | {"BAARA_HOME": str(home), "HOME": str(tmp_path)}


@pytest.fixture
def imported() -> ForkServerContext:
    """Give what begins processes that have done their imports."""
    return IMPORTED


@pytest.fixture
def baara(environment: dict[str, str], tmp_path: Path) -> Callable[..., Done]:
    """Give a function that runs one command line to its end, in a process of its own."""

    def run(*arguments: str | bytes, stdin: bytes = b"", **variables: str) -> Done:
        typed = [os.fsdecode(argument) for argument in arguments]
        folder = tmp_path / f"process-{len(list(tmp_path.glob('process-*')))}"
        folder.mkdir()
        (folder / "in").write_bytes(stdin)
        given = {"arguments": typed, "folder": str(folder), "environment": environment | variables}
        process = IMPORTED.Process(target=exec, args=(COMMAND_LINE, given))
        process.start()
        process.join()
        out, err = ((folder / name).read_text("utf-8") for name in ("out", "err"))
        return subprocess.CompletedProcess(typed, process.exitcode or 0, out, err)

    return run


@pytest.fixture
def begin(environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Give a function that begins a command line as a person does, and does not wait for it."""

    def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", WITH_CTRL_C, *arguments], env=environment | variables, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start
