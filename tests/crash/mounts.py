"""Disks of a test's own: small ones that can be filled, read-only ones, and one in a file on the real disk."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

MIB = 1024 * 1024


class CannotMount(Exception):
    """This machine, or this user, may not mount; the text says why."""


@contextlib.contextmanager
def tmpfs(at: Path, mib: int) -> Iterator[Path]:
    """Mount a disk in memory of so many MiB at a new folder. Raises `CannotMount`."""
    at.mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "tmpfs", str(at))
    with _unmounted(at):
        yield at


@contextlib.contextmanager
def image(at: Path, mib: int) -> Iterator[Path]:
    """Mount a file of so many MiB, on the disk where the folder is, at a new folder. Raises `CannotMount`."""
    at.mkdir(parents=True)
    file = at.with_name(f"{at.name}.img")
    with file.open("wb") as made:
        made.truncate(mib * MIB)
    _run("mkfs.ext4", "-q", "-F", "-m", "0", str(file))
    _run("mount", "-o", "loop", str(file), str(at))
    with _unmounted(at):
        yield at
    file.unlink()


@contextlib.contextmanager
def bound(folder: Path) -> Iterator[Path]:
    """Mount a folder over itself, so that it can be made read-only by itself. Raises `CannotMount`."""
    _run("mount", "--bind", str(folder), str(folder))
    with _unmounted(folder):
        yield folder


def read_only(at: Path, *, bind: bool = False) -> None:
    """Let nothing be written to what is mounted there; `bind`: only by way of this folder. Raises `CannotMount`."""
    _run("mount", "-o", f"remount,ro{',bind' if bind else ''}", str(at))


def writable(at: Path, *, bind: bool = False) -> None:
    """Take that back."""
    _run("mount", "-o", f"remount,rw{',bind' if bind else ''}", str(at))


def fill(file: Path, leave: int = 0) -> None:
    """Write a file until its disk is full but for so many bytes."""
    with file.open("wb") as writing:
        step = MIB
        while step >= 512:
            room = os.statvfs(file.parent)
            if room.f_bavail * room.f_frsize <= leave:
                return
            try:
                os.posix_fallocate(writing.fileno(), os.fstat(writing.fileno()).st_size, step)
            except OSError:
                step //= 2


@contextlib.contextmanager
def _unmounted(at: Path) -> Iterator[None]:
    """See that it is unmounted by its path; lazily, if somebody has it open still."""
    try:
        yield
    finally:
        if subprocess.run(["umount", str(at)], capture_output=True, check=False).returncode:
            subprocess.run(["umount", "--lazy", str(at)], capture_output=True, check=False)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CannotMount(f"there is no {command[0]} here") from error
    if done.returncode:
        raise CannotMount(f"{command[0]}: {(done.stderr or done.stdout).strip()}")
