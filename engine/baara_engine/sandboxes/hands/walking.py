"""Walking through the files of the workspace, and out of it under no circumstances.

Links are never followed, and every folder is opened relative to the one above it, so nothing outside the workspace is
seen, whatever happens to names meanwhile.
"""

import os
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

from . import confined

MAX_FILE = 10 * 1024 * 1024  # bytes; larger files are data rather than text to be read
PROBE = 8 * 1024  # bytes that are looked at to tell binary files, which have a NUL there

Trail = tuple[str, ...]  # the names from the start of a walk to a folder


class Entry(NamedTuple):
    """A file or a link that a walk came by."""

    folder: int  #: file descriptor of its folder
    trail: Trail  #: of its folder
    name: str
    path: str  #: relative to the workspace
    is_link: bool


class Walk:
    """A walk through the current folder, and what it had to leave out."""

    def __init__(self) -> None:
        """Open the current folder. Raises OSError."""
        self.skipped = 0  #: files and folders that could not be read, or were too large
        self.root = os.open(".", confined.FOLDER)

    def below(self, top: int, path: str, may_enter: Callable[[Trail], bool]) -> Iterator[Entry]:
        """Give the files and links below the folder `top`, sorted by their paths; `path` is its own."""
        start = os.path.normpath(path or ".")
        prefix = "" if start == "." else start + "/"
        todo: list[tuple[int, Trail, Iterator[_Name]]] = [(top, (), self._names(top))]
        while todo:
            folder, trail, names = todo[-1]
            name = next(names, None)
            if name is None:
                os.close(folder)
                todo.pop()
            elif name.is_file or name.is_link:
                yield Entry(folder, trail, name.text, prefix + "/".join((*trail, name.text)), name.is_link)
            elif name.is_folder and may_enter((*trail, name.text)):
                self._enter(folder, (*trail, name.text), todo)

    def text(self, entry: Entry) -> str:
        """Read a file; what is binary, too large or unreadable has no text."""
        try:
            return self.text_of(os.open(entry.name, confined.FILE | os.O_NOFOLLOW, dir_fd=entry.folder))
        except OSError:
            self.skipped += 1
            return ""

    def text_of(self, opened: int) -> str:
        """Read an open file and close it, like `text`. Raises OSError."""
        with os.fdopen(opened, "rb") as file:
            about = os.fstat(opened)
            if not stat.S_ISREG(about.st_mode):
                return ""
            if about.st_size > MAX_FILE:
                self.skipped += 1
                return ""
            data = file.read(MAX_FILE)
        return "" if b"\0" in data[:PROBE] else data.decode("utf-8", "replace")

    def _enter(self, folder: int, trail: Trail, todo: "list[tuple[int, Trail, Iterator[_Name]]]") -> None:
        try:
            inner = os.open(trail[-1], confined.FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        except OSError:
            self.skipped += 1
        else:
            todo.append((inner, trail, self._names(inner)))

    def _names(self, folder: int) -> "Iterator[_Name]":
        """List a folder in the order that sorts whole paths: a folder's name counts with its slash."""
        try:
            with os.scandir(folder) as entries:
                names = [_name(entry) for entry in entries]
        except OSError:
            self.skipped += 1
            names = []
        return iter(sorted(names, key=lambda name: name.text + "/" * name.is_folder))


class _Name(NamedTuple):
    text: str
    is_folder: bool
    is_file: bool
    is_link: bool


def _name(entry: "os.DirEntry[str]") -> _Name:
    return _Name(
        entry.name,
        entry.is_dir(follow_symlinks=False),
        entry.is_file(follow_symlinks=False),
        entry.is_symlink(),
    )
