"""Looking, while a job runs, at what all its processes together use: their number, their memory, the workspace.

The kernel's own limits (`limits`) hold one process each, and some of them do not hold root at all. So the supervisor
looks some times a second and ends what is over. What a job can do between two looks is bounded by the kernel's limits.
"""

# Loading pathlib would make a launcher start a quarter later.
# ruff: noqa: PTH112, PTH116, PTH123, PTH208

import os
import time
from typing import TypedDict

from . import processes

LOOK_S = 0.2  # seconds between two looks at the processes: about 1 ms of work each
WALK_SHARE = 20  # a walk over the workspace is not begun before this many times its own length has passed
WALK_S = 1.0  # seconds between two walks at least
BLOCK = 512  # bytes of a block, as `stat` counts them

MEMORY, PROCESSES, WORKSPACE = "memory", "processes", "workspace"


class Most(TypedDict):
    """What a job may use in all."""

    memory_bytes: int
    processes: int
    workspace_bytes: int


class Watch:
    """Looks after one job; `over` names the first limit that it went beyond."""

    def __init__(self, most: Most, folder: str) -> None:
        """Take what it may use, and the folder that it works in."""
        self.over: str | None = None
        self._most = most
        self._folder = folder
        self._next_look = time.monotonic() + LOOK_S
        self._next_walk = time.monotonic() + WALK_S
        self._size: int | None = None
        self._free = 0

    @property
    def due(self) -> float:
        """Give the moment of the next look, in seconds of the monotonic clock."""
        return self._next_look

    def look(self) -> bool:
        """Look, if it is time, and say whether the job is over a limit."""
        now = time.monotonic()
        if now >= self._next_look and self.over is None:
            self.over = self._look_at_processes()
            if self.over is None and now >= self._next_walk:
                self.over = self._look_at_workspace()
            self._next_look = time.monotonic() + LOOK_S
        return self.over is not None

    def _look_at_processes(self) -> str | None:
        pids = processes.below()
        if len(pids) > self._most["processes"]:
            return PROCESSES
        return MEMORY if sum(map(_memory, pids)) > self._most["memory_bytes"] else None

    def _look_at_workspace(self) -> str | None:
        """Walk over the workspace, unless so little of the disk was used since the last walk that it cannot be over."""
        free = _free(self._folder)
        most = self._most["workspace_bytes"]
        if self._size is not None and self._size + self._free - free <= most:
            return None
        begun = time.monotonic()
        self._size, self._free = size(self._folder, most), free
        taken_s = time.monotonic() - begun
        self._next_walk = begun + max(WALK_S, WALK_SHARE * taken_s)
        return WORKSPACE if self._size > most else None


def tasks_of(user: int) -> int:
    """Count the threads of a user, as the kernel does for the limit of processes; 0 where it does not tell."""
    total = 0
    for name in os.listdir("/proc") if os.path.isdir("/proc/self/task") else ():
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == user:
                total += len(os.listdir(f"/proc/{name}/task"))
        except OSError:  # it has just ended
            continue
    return total


def size(folder: str, most: int) -> int:
    """Add up the blocks of all files below a folder, in bytes; stops once they are more than `most`."""
    total, todo = 0, [folder]
    while todo and total <= most:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    total += _blocks(entry)
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
        except OSError:  # it has just gone, or is closed to us
            continue
    return total


def _blocks(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * BLOCK
    except OSError:
        return 0


def _free(folder: str) -> int:
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


def _memory(pid: int) -> int:
    """Give the bytes of memory that are a process's own; 0 for one that has just gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            fields = file.read().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * PAGE  # resident, without what is shared with files


PAGE = os.sysconf("SC_PAGE_SIZE")
