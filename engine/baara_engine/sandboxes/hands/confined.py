"""Opening files beneath a folder and nowhere else, however the path is made and whoever swaps links meanwhile.

Linux does it in one call (`openat2` with RESOLVE_BENEATH). Elsewhere the path is walked component by component, each
opened relative to the last without following links; links are read and their targets walked likewise. A path that
leads out raises OSError with EXDEV in both ways. Checking a path first and opening it afterwards would be a race.
"""

import ctypes
import errno
import os
import sys
from functools import cache

FOLDER = os.O_RDONLY | os.O_DIRECTORY
# For files to be read: neither a pipe without a writer nor a terminal may hold us up or become ours.
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
MAX_LINKS = 40  # links followed in one path, as in Linux

OPENAT2 = 437  # number of the system call, the same on every architecture Python is built for
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_BENEATH = 0x08
RETRIES = 100  # the kernel says EAGAIN when something was renamed while it resolved a `..`


def open_beneath(root: int, path: str, flags: int) -> int:
    """Open an existing file or folder whose path, relative to the folder `root`, stays beneath it. Raises OSError."""
    if "\0" in path:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    opener = by_kernel if kernel_confines() else by_walking
    return opener(root, path or ".", flags | os.O_CLOEXEC)


@cache
def kernel_confines() -> bool:
    """Say whether this system has `openat2` (Linux 5.6 or later, and not forbidden by a filter)."""
    if sys.platform != "linux":
        return False
    root = os.open("/", FOLDER)
    try:
        os.close(by_kernel(root, ".", FOLDER))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def by_kernel(root: int, path: str, flags: int) -> int:
    """Open beneath `root` with one system call."""
    how = _How(flags, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
    name = os.fsencode(path)
    for _ in range(RETRIES):
        opened: int = _libc().syscall(OPENAT2, root, name, ctypes.byref(how), ctypes.sizeof(how))
        if opened >= 0:
            return opened
        if ctypes.get_errno() not in {errno.EAGAIN, errno.EINTR}:
            break
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code), path)


def by_walking(root: int, path: str, flags: int) -> int:
    """Open beneath `root` component by component."""
    todo = _components(path, path)
    held = [os.dup(root)]  # the folders from the root to where we are
    links = 0
    try:
        while todo:
            name = todo.pop()
            if name == "..":
                os.close(held.pop())
                if not held:
                    raise _outside(path)
                continue
            target = link_target(name, held[-1])
            if target is not None:
                links += 1
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                todo += _components(target, path)
            elif todo:
                held.append(os.open(name, FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=held[-1]))
            else:
                return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=held[-1])
        return os.open(".", flags | os.O_CLOEXEC, dir_fd=held[-1])
    finally:
        for folder in held:
            os.close(folder)


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _components(path: str, whole: str) -> list[str]:
    """Split a path, last component first."""
    if path.startswith("/"):
        raise _outside(whole)
    return [part for part in reversed(path.split("/")) if part not in {"", "."}]


def link_target(name: str, folder: int) -> str | None:
    """Give where a link leads, None if the name is no link or not there at all."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT}:
            return None
        raise


def _outside(path: str) -> OSError:
    return OSError(errno.EXDEV, "outside the folder", path)
