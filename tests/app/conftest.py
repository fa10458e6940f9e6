"""The program in real processes, on a home of the test's own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "baara_app"]
# A shell may have told its background jobs to ignore Ctrl-C, and a process inherits that.
WITH_CTRL_C = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('baara_app', run_name='__main__')"
)
SECRET = ("ANTHROPIC_", "BAARA_", "DBUS_", "XDG_", "KEYRING_", "PYTHON_KEYRING")  # nothing of the developer's own


@pytest.fixture
def environment(home: Path, tmp_path: Path) -> dict[str, str]:
    """Give the environment of a person who has nothing but this home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRET)}
    return kept | {"BAARA_HOME": str(home), "HOME": str(tmp_path)}


@pytest.fixture
def baara(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs one command line to its end."""

    def run(*arguments: str | bytes, stdin: bytes | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*PROGRAM, *arguments], env=environment | variables, input=stdin or b"", capture_output=True, check=False
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return run


@pytest.fixture
def begin(environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Give a function that begins a command line and does not wait for it."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", WITH_CTRL_C, *arguments], env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start
