"""Who holds a lease: a process, named so that its death can be seen for sure.

An owner is (boot id, pid, process start time). A pid alone comes back with another process; the start time tells them
apart, and after a restart of the computer every earlier owner is dead.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Owner:
    """One process of one boot of this computer."""

    boot: str
    pid: int
    started: str  #: start time of the process, in the unit of the system

    def __str__(self) -> str:
        """Write it for the database: boot/pid/started."""
        return f"{self.boot}/{self.pid}/{self.started}"

    @classmethod
    def me(cls) -> "Owner":
        """Name this process."""
        return cls(boot_id(), os.getpid(), process_start(os.getpid()) or "")

    @classmethod
    def parse(cls, text: str) -> "Owner":
        """Read what `str()` wrote. Raises ValueError for anything else."""
        boot, pid, started = text.split("/")
        return cls(boot, int(pid), started)


def alive(text: str | None) -> bool:
    """Say whether the owner written as `text` still runs. What cannot be read is nobody."""
    try:
        owner = Owner.parse(text or "")
    except ValueError:
        return False
    return owner.boot == boot_id() and process_start(owner.pid) == owner.started


@cache
def boot_id() -> str:
    """Name the present boot of this computer."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return str(int(psutil.boot_time()))


def process_start(pid: int) -> str | None:
    """Give the start time of a process as text, or None if there is no such process (a zombie counts as gone)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return _start_by_psutil(pid) if not BOOT_ID.exists() else None
    except OSError:
        return None
    state, started = fields[0], fields[19]  # fields 3 and 22 of proc(5), counted from behind the name
    return None if state in "ZX" else started


def _start_by_psutil(pid: int) -> str | None:
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
