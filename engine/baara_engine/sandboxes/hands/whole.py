"""Keeping all of an output that is too long to be told: in a file of the workspace, where the reader can look it up.

The workspace belongs to the commands that ran in it, so nothing there is trusted: no link is followed on the way to the
file, and the file is a new one. Where it cannot be written, the output is cut as if there were no such file.
"""

import contextlib
import os

FOLDERS = (".baara", "outputs")  #: in the workspace
IGNORE = ".gitignore"  # keeps the folder out of the person's commits
MIB = 1024 * 1024
MOST = 64 * MIB  # bytes of one file: whoever writes more by mistake must not fill the disk


class Whole:
    """The file for one command's output. It is made once there is something for it."""

    def __init__(self, name: str) -> None:
        """Take a name that no other command has. The workspace is the current folder."""
        self.path = "/".join((*FOLDERS, f"{name}.txt"))  #: in the workspace
        self.is_there = False  #: all of the output is in it, up to `MOST`
        self.is_cut = False  #: there was more
        self._name = f"{name}.txt"
        self._file: int | None = None
        self._size = 0

    def begin(self) -> None:
        """Make the file."""
        with contextlib.suppress(OSError):
            folder = _folder()
            try:
                self._file = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            finally:
                os.close(folder)
            self.is_there = True

    def add(self, data: bytes) -> None:
        """Write the next bytes."""
        room = MOST - self._size
        self.is_cut = self.is_cut or len(data) > room
        data = data[:room]
        try:
            while self._file is not None and data:
                written = os.write(self._file, data)
                self._size += written
                data = data[written:]
        except OSError:
            self.is_there = False
            self.close()

    def close(self) -> None:
        """Let the file go; one that is not whole is removed."""
        if self._file is None:
            return
        os.close(self._file)
        self._file = None
        if not self.is_there:
            with contextlib.suppress(OSError):
                folder = _folder()
                os.unlink(self._name, dir_fd=folder)
                os.close(folder)


def _folder() -> int:
    """Open the folder of outputs, made if need be, without following a link on the way. Raises OSError."""
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    for name in FOLDERS:
        outer = here
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=outer)
            here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=outer)
            if name == FOLDERS[0]:
                _keep_out_of_commits(here)
        finally:
            os.close(outer)
    return here


def _keep_out_of_commits(folder: int) -> None:
    with contextlib.suppress(FileExistsError):
        file = os.open(IGNORE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        os.write(file, b"*\n")
        os.close(file)
