"""Where a home may lie: on a disk of this computer, and in no folder that something else copies about.

SQLite's locks do not hold over a network, and a program that synchronises a folder takes a database apart: it copies
the file without its log, or while it is written.
"""

import errno
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import filelock

from baara_engine import config, errors

LOCK = "engine.lock"  #: held by the engine of a home as long as it works

VARIABLE = "BAARA_ALLOW_SHARED_HOME"
MOUNTS = Path("/proc/self/mounts")

# Types of file systems that lie on another computer; everything mounted by a FUSE program counts as one.
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "sshfs", "9p", "afs", "ncpfs", "ceph"})
FUSE = "fuse."

# A folder of that name, alone or with an account behind it (“OneDrive - Contoso”).
SYNCED = re.compile(r"(dropbox|onedrive|google ?drive|icloud ?drive|icloud)( .*)?", re.IGNORECASE)
# Folders below which macOS keeps what it synchronises.
SYNCED_ON_MACOS = {"Mobile Documents": "iCloud", "CloudStorage": "a cloud service"}

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})  #: what the system says when a disk is full

ESCAPE = re.compile(r"\\([0-7]{3})")  # how spaces and the like are written in the list of mounts


def require_fit(home: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Raise `errors.Refused` for a home on a network or in a synced folder, unless the environment allows it."""
    reason = why_unfit(home)
    if reason is not None and environment.get(VARIABLE) != "1":
        raise errors.Refused(
            f"The data folder {home} {reason}, where databases get damaged. Choose a folder on a disk of this "
            f"computer (BAARA_HOME, or --home); {VARIABLE}=1 in the environment uses this one all the same."
        )


def around(path: Path) -> Path | None:
    """Give the home that an engine works on and that this path lies in; None if there is none."""
    return next((folder for folder in path.parents if (folder / LOCK).exists()), None)


def require_apart(home: Path, folder: str | Path) -> None:
    """Raise `errors.Refused` for a folder that would give its work the data folder, or a part of it.

    What is made there for works without a folder of their own is theirs.
    """
    ours, theirs = home.resolve(), Path(folder).resolve()
    inside = theirs.is_relative_to(ours) and (ours / config.WORKSPACES) not in theirs.parents
    if inside or ours.is_relative_to(theirs):
        raise errors.Refused(
            f"{theirs} holds Baara's own data folder ({ours}), or lies in it, and work in it could change what Baara "
            "knows. Choose another folder, such as one folder below."
        )


def make_folder(folder: Path) -> None:
    """Make a private folder, with those above it, if it is not there. Raises `errors.StoreError` if it cannot be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        require_room(error, folder)
        raise errors.DatabaseOutOfReach(f"The folder {folder} cannot be made: {error.strerror}.") from error


def require_room(error: OSError, path: Path) -> None:
    """Raise `errors.DiskFull` if this error says that there is no room; else return."""
    if error.errno in NO_ROOM:
        raise errors.DiskFull(
            f"There is no room for {path}: the disk is full. Make room; work then goes on."
        ) from error


def is_worked_on(home: Path) -> bool:
    """Say whether an engine of any process works on this home."""
    lock = filelock.FileLock(home / LOCK, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    lock.release()
    return False


def why_unfit(home: Path) -> str | None:
    """Say why a home should not lie there; None if it may."""
    place = Path(os.path.realpath(home))
    return problem(place, MOUNTS.read_text("utf-8", "surrogateescape") if sys.platform == "linux" else "")


def problem(place: Path, mounts: str) -> str | None:
    """Say why a folder is not fit, from its real path and the list of mounts alone."""
    for part in place.parts:
        if SYNCED.fullmatch(part) or part in SYNCED_ON_MACOS:
            service = SYNCED_ON_MACOS.get(part, part)
            return f"is kept in step with other computers ({service})"
    kind = _file_system(place, mounts)
    if kind in NETWORK or kind.startswith(FUSE):
        return f"is on a network file system ({kind})"
    return None


def _file_system(place: Path, mounts: str) -> str:
    """Give the type of the file system that a path is on; empty if the list does not say."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 - device, folder, type
            continue
        folder = Path(ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields[1]))
        if place.is_relative_to(folder) and len(folder.parts) >= best:  # of two on one folder, the later one shows
            best, kind = len(folder.parts), fields[2]
    return kind
