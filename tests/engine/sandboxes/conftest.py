"""A native sandbox with real processes, on folders of the test's own."""

import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from baara_engine.sandboxes import Limits
from baara_engine.sandboxes.native import NativeSandbox, NativeSession

NOBODY = 65534  # a user without rights, on all systems


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one test."""

    workspace: Path
    private: Path

    def begun(self) -> list[Path]:
        """List the marks of begun commands."""
        return sorted((self.private / "receipts").glob("*.begun"))

    def supervisor(self) -> int:
        """Give the pid of the one that watches over the command which has begun."""
        [mark] = self.begun()
        return int(json.loads(mark.read_text())["pid"])

    def processes(self) -> list[int]:
        """Find the processes of commands: all of them have the private folder in their environment."""
        return [pid for pid in psutil.pids() if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return process.environ().get("HOME") == str(self.private / "home") and process.status() != "zombie"
        except psutil.Error:
            return False


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Make a workspace and a private folder."""
    found = Places(tmp_path / "ws", tmp_path / "private")
    found.workspace.mkdir()
    found.private.mkdir()
    return found


@pytest.fixture
async def sandbox() -> AsyncIterator[NativeSandbox]:
    """Make a native sandbox whose searches and graces are short."""
    made = NativeSandbox(grace_s=1.0, search_s=1.5)
    yield made
    await made.close()


@pytest.fixture
async def session(sandbox: NativeSandbox, places: Places) -> AsyncIterator[NativeSession]:
    """Open a session."""
    opened = await sandbox.open(places.workspace, places.private, Limits())
    yield opened
    await opened.close()


@pytest.fixture
def as_nobody() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Give a context in which this process has no more rights than anybody, even if it is root's."""

    @contextlib.contextmanager
    def drop() -> Iterator[None]:
        user = os.geteuid()
        os.seteuid(NOBODY if user == 0 else user)
        try:
            yield
        finally:
            os.seteuid(user)

    return drop


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Give a function that waits, at most ten seconds, until something is true."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "it did not become true"
            time.sleep(0.01)

    return wait


@pytest.fixture
def no_descriptor_leaks() -> Callable[[], int]:
    """Give a function that counts the open file descriptors of this process."""
    return lambda: len(os.listdir("/proc/self/fd"))  # noqa: PTH208  (a path object would open more)
