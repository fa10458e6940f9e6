"""A workspace held open: what its paths mean, and what its errors say."""

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from baara_engine import errors
from baara_engine.sandboxes.hands import confined

# Failures of the machine, which nothing that the caller asks for can mend.
BROKEN = frozenset({errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENODEV, errno.ENOMEM, errno.EBADF})

SENTENCES = {
    errno.ENOENT: "There is no “{path}” in the workspace {workspace}.",
    errno.EXDEV: "“{path}” is outside the workspace {workspace}.",
    errno.ELOOP: "“{path}” is a link that leads nowhere in the workspace {workspace}.",
    errno.ENOTDIR: "A part of “{path}” is a file, not a folder.",
    errno.EISDIR: "“{path}” is a folder.",
    errno.ENXIO: "“{path}” is not a regular file.",
    errno.EACCES: "“{path}” may not be accessed.",
    errno.EPERM: "“{path}” may not be changed.",
    errno.ENOSPC: "There is no room left on the disk for “{path}”.",
}


class Workspace:
    """The folder that an execution works in."""

    def __init__(self, path: Path) -> None:
        """Open the folder. Raises `errors.SandboxFailure` if it cannot be used."""
        self.path = path.absolute()
        try:
            self._root = os.open(self.path, confined.FOLDER | os.O_CLOEXEC)
            self._resolved = self.path.resolve(strict=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise errors.SandboxFailure(
                f"The workspace {path} cannot be used: {reason}. Make the folder, or choose another."
            ) from error
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False

    def close(self) -> None:
        """Let the folder go, once the last thread that uses it has finished."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._users += 1
                self._leave()

    def relative(self, path: str) -> str:
        """Make a path relative to the workspace. Raises `errors.InvalidInput` for an absolute one outside."""
        if "\0" in path or not path:
            raise errors.InvalidInput("A path must not be empty or have a NUL character in it.")
        try:
            os.fsencode(path)
        except UnicodeEncodeError as error:
            raise errors.InvalidInput("The path has characters that no file name can have.") from error
        if not path.startswith("/"):
            return path
        for root in (self.path, self._resolved):
            with contextlib.suppress(ValueError):
                return str(PurePosixPath(path).relative_to(root))
        raise self.explained(errno.EXDEV, path)

    @contextlib.contextmanager
    def root(self) -> Iterator[int]:
        """Give the folder's file descriptor, which stays open for the time of the block."""
        with self._lock:
            if self._closed:
                raise errors.SandboxFailure("The session on this workspace is closed.")
            self._users += 1
        try:
            yield self._root
        finally:
            with self._lock:
                self._leave()

    @contextlib.contextmanager
    def opened(self, path: str, flags: int) -> Iterator[int]:
        """Open what is at this path, for the time of the block; OSError within it is explained as well."""
        with self.root() as root, self.explaining(path):
            file = confined.open_beneath(root, self.relative(path), flags)
            try:
                yield file
            finally:
                os.close(file)

    @contextlib.contextmanager
    def explaining(self, path: str) -> Iterator[None]:
        """Turn OSError within the block into an error of ours that names the path."""
        try:
            yield
        except OSError as error:
            raise self.explained(error.errno or 0, path) from error

    def explained(self, code: int, path: str) -> errors.BaaraError:
        """Make the error for a failed access: `errors.SandboxFailure` if the machine failed, else `InvalidInput`."""
        if code in BROKEN:
            return errors.SandboxFailure(f"The disk or the system failed at “{path}”: {os.strerror(code)}.")
        sentence = SENTENCES.get(code, "“{path}” cannot be used: {reason}.")
        return errors.InvalidInput(sentence.format(path=path, workspace=self.path, reason=os.strerror(code)))

    def _leave(self) -> None:
        self._users -= 1
        if self._closed and self._users == 0:
            os.close(self._root)


def require_regular(file: int, path: str) -> os.stat_result:
    """Give what the system knows of an open file. Raises `errors.InvalidInput` unless it is a regular file."""
    about = os.fstat(file)
    if stat.S_ISDIR(about.st_mode):
        raise errors.InvalidInput(f"“{path}” is a folder.")
    if not stat.S_ISREG(about.st_mode):
        raise errors.InvalidInput(f"“{path}” is not a regular file.")
    return about
