"""A file that takes up room, so that there is some when the disk is full: enough to settle what is at work."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from baara_engine import errors

log = logging.getLogger(__name__)

MIB = 1024 * 1024
NAME = "ballast"
SIZE = 16 * MIB  # bytes: four times the log that the database keeps before it folds it in
ROOM = 200 * MIB  # bytes that must be free before it is made: it must not be what fills the disk
FULL = 8 * MIB  # free bytes below which the disk counts as full
PIECE = MIB  # bytes written at once, where the system cannot reserve blocks


def free_bytes(folder: Path) -> int:
    """Give how many bytes may still be written to the disk of a folder."""
    return shutil.disk_usage(folder).free


class Ballast:
    """The file of one home."""

    def __init__(self, home: Path, free: Callable[[Path], int] = free_bytes) -> None:
        """Take how the free room is found out, in bytes."""
        self.path = home / NAME
        self._free = free

    def look(self) -> None:
        """Make the file where there is room, or give its room back where there is none. Raises OSError."""
        free = self._free(self.path.parent)
        if self.is_there():
            if free < FULL:
                self.drop(f"only {free // MIB} MiB were free")
        elif free > ROOM + SIZE:
            self._make()

    def is_there(self) -> bool:
        """Say whether the file takes up its room."""
        return self.path.exists()

    def on_trouble(self, error: Exception) -> None:
        """Give the room back if this error says that the disk is full."""
        if isinstance(error, errors.DiskFull) and self.is_there():
            self.drop("the disk is full")

    def drop(self, why: str) -> None:
        """Give the room back."""
        self.path.unlink(missing_ok=True)
        log.warning("gave back the %d MiB of %s, because %s; make room on the disk", SIZE // MIB, self.path, why)

    def _make(self) -> None:
        unfinished = self.path.with_name(f"{NAME}.part")
        opened = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            _fill(opened)
        finally:
            os.close(opened)
        unfinished.replace(self.path)
        log.info("keeps %d MiB in %s for when the disk is full", SIZE // MIB, self.path)


def _fill(opened: int) -> None:
    """Give a file its blocks: a hole would be no ballast."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(opened, 0, SIZE)
        return
    for _ in range(0, SIZE, PIECE):
        os.write(opened, os.urandom(PIECE))  # a file system may compress anything else away
    os.fsync(opened)
