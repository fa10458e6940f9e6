"""What the rigs share: a folder on a fast disk, and children that are forked from a parent that has opened nothing."""

import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

MEMORY = Path("/dev/shm")  # where a sync costs nothing; what is tested is the order of the calls, not this disk
FAILED = 1  # exit status of a child that raised
FOUND = 3  # exit status of a rig that found something wrong in the store, and not in itself

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Child:
    """What became of a child."""

    killed: bool
    status: int
    lines: list[str]  #: what it has told

    def require_well(self) -> list[str]:
        """Give what it has told, or raise with that if it has failed."""
        if self.killed or self.status:
            raise AssertionError("\n".join(self.lines) or f"status {self.status}, killed {self.killed}")
        return self.lines


def child(work: Callable[[Tell], None]) -> Child:
    """Do some work in a process of its own, which may kill itself, and hear what it tells until then."""
    begun = begin_child(work)
    return end_child(*begun)


def begin_child(work: Callable[[Tell], None]) -> tuple[int, int]:
    """Fork; give the pid and the end of a pipe to read from. The caller must have no threads."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _work(work, writing)
    os.close(writing)
    return pid, reading


def end_child(pid: int, reading: int) -> Child:
    """Read to the end and wait."""
    with os.fdopen(reading, "r") as told:
        text = told.read()
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return Child(killed, status, text.splitlines())


def _work(work: Callable[[Tell], None], writing: int) -> None:
    try:
        work(lambda line: _tell(writing, line))
        status = 0
    except BaseException:  # noqa: BLE001 - the parent's code must never run on in a child
        _tell(writing, traceback.format_exc())
        status = FAILED
    os._exit(status)


def _tell(writing: int, line: str) -> None:
    os.write(writing, f"{line}\n".encode())


@contextmanager
def folder() -> Iterator[Path]:
    """Give an empty folder, and remove it afterwards."""
    made = Path(tempfile.mkdtemp(prefix="baara-rig-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield made
    finally:
        shutil.rmtree(made)


@contextmanager
def checkpoints(pages: int) -> Iterator[None]:
    """Let the WAL go into the database whenever it has so many pages, in connections that are opened meanwhile."""

    def shorten(connection: apsw.Connection) -> None:
        connection.wal_autocheckpoint(pages)

    apsw.connection_hooks.append(shorten)
    try:
        yield
    finally:
        apsw.connection_hooks.remove(shorten)


def emptied(path: Path) -> Path:
    """Give this folder, made anew."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    return path


def copied(path: Path, to: Path) -> Path:
    """Make `to` a copy of a folder, and give it."""
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(path, to, ignore=shutil.ignore_patterns("*.sock"))


def keep(path: Path) -> Path:
    """Save a folder that shows a defect, and say where."""
    kept = Path(tempfile.mkdtemp(prefix="baara-found-"))
    shutil.copytree(path, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
    return kept
