"""The files that an execution has made or changed, by the time of their last change."""

import mimetypes
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from baara_engine.clock import Millis
from baara_engine.records import Artifact

MOST_LOOKED_AT = 50_000  # entries of a workspace; a person's whole disk may be one
MOST_TOLD = 500
NS_PER_MS = 1_000_000
# Of other programs, or of ours: nobody has asked for these.
LEFT_OUT = frozenset({".baara", ".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", ".mypy_cache"})


def changed(workspace: Path, begun: Millis, ended: Millis | None) -> list[Artifact]:
    """Give the regular files that were changed within a time, the newest first; links are not followed."""
    found = [one for one in _files(workspace) if one.changed_at >= begun and (ended is None or one.changed_at <= ended)]
    return sorted(found, key=lambda one: one.changed_at, reverse=True)[:MOST_TOLD]


def _files(workspace: Path) -> Iterator[Artifact]:
    looked_at = 0
    for folder, folders, names in os.walk(workspace, onerror=lambda _error: None):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in names:
            looked_at += 1
            if looked_at > MOST_LOOKED_AT:
                return
            made = _artifact(workspace, Path(folder, name))
            if made is not None:
                yield made


def _artifact(workspace: Path, path: Path) -> Artifact | None:
    try:
        seen = path.lstat()
        told = str(path.relative_to(workspace)).encode("utf-8", "surrogateescape").decode("utf-8")
    except (OSError, UnicodeError):  # gone meanwhile, or of a name that cannot be told
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Artifact(told, seen.st_size, seen.st_mtime_ns // NS_PER_MS, media_type)
