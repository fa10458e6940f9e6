"""The write-ahead log that a dead process has left, and whether it is whole.

SQLite takes a log up to the first frame that is not sound and drops the rest without a word, and it applies any sound
log to any database. So before the first connection is opened, the log is held against what the index beside it
promises. The index is not synced: after a power cut it may promise less than the log has, but never more. Where both
are gone, nothing tells that they were there.
"""

import struct
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import peewee as pw

from baara_engine import errors
from baara_engine.store import connection, layout

HEADER_BYTES = 32  # of the log; the two salts and the checksum are its last 16
INDEX_BYTES = 48  # of the index: its header, which stands there twice, with the pages in the database file behind it
INDEX_VERSION = 3007000  # of the only format that there is; 0 in an index that was never used
MAGIC = {b"\x37\x7f\x06\x82": "<", b"\x37\x7f\x06\x83": ">"}  #: beginning of a log → byte order of its checksums


@dataclass(frozen=True, slots=True)
class Promise:
    """What the index says that the log holds."""

    frames: int  #: pages in the log
    kept: int  #: of them, those that are in the database file as well
    salts: bytes  #: of the log that it speaks of; each new log has others


class OpenHere:
    """The databases that this process has open.

    Reading the index of one of these by other means than SQLite would drop the locks that SQLite holds on it: closing
    any descriptor of a file drops all POSIX locks that a process has on it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stores: Counter[Path] = Counter()

    def enter(self, database: Path) -> bool:
        """Count one more who has it open; say whether it is the first."""
        with self._lock:
            self._stores[database.absolute()] += 1
            return self._stores[database.absolute()] == 1

    def leave(self, database: Path) -> None:
        """Count one less."""
        with self._lock:
            self._stores[database.absolute()] -= 1


open_here = OpenHere()


def is_left(database: Path) -> bool:
    """Say whether there is a log with something in it: after a crash, or because another process is at work."""
    log = _beside(database, layout.LOG)
    try:
        return log.stat().st_size > 0
    except FileNotFoundError:  # there is none, or whoever was last to close has just deleted it
        return False


def promise(database: Path) -> Promise | None:
    """Read what the index promises, None if it says nothing. Raises `errors.DatabaseDamaged` for a senseless log.

    Only for a database that this process does not have open (see `OpenHere`).
    """
    promised = _promise(_read(_beside(database, layout.INDEX), 2 * INDEX_BYTES + 4))
    log = _read(_beside(database, layout.LOG), HEADER_BYTES)
    if any(log) and not _is_sound(log):
        raise errors.DatabaseDamaged(f"The log {database.name}{layout.LOG} is not what was written.")
    if promised is not None and not any(log) and promised.kept < promised.frames:
        raise errors.DatabaseDamaged(f"The log {database.name}{layout.LOG} is missing or empty, and work was in it.")
    return promised


def require_whole(db: pw.Database, database: Path, promised: Promise | None) -> None:
    """Raise `errors.DatabaseDamaged` unless SQLite finds all of the log that the index had promised."""
    if promised is None:
        return
    connection.execute(db, "SELECT 1 FROM sqlite_master LIMIT 1")  # SQLite looks at the log when it first reads
    [(_, frames, _)] = connection.execute(db, "PRAGMA wal_checkpoint(NOOP)")
    log = _read(_beside(database, layout.LOG), HEADER_BYTES)
    if log[16:24] == promised.salts and frames < promised.frames:
        raise errors.DatabaseDamaged(
            f"The log {database.name}{layout.LOG} is damaged: of {promised.frames} pages in it, "
            f"{promised.frames - max(frames, 0)} cannot be read."
        )


def _beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def _read(path: Path, size: int) -> bytes:
    """Read the beginning of a file; nothing if there is no such file."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError:
        return b""


def _promise(index: bytes) -> Promise | None:
    """Understand an index. Two unequal halves were just being written, so they say nothing."""
    first, second, rest = index[:INDEX_BYTES], index[INDEX_BYTES : 2 * INDEX_BYTES], index[2 * INDEX_BYTES :]
    if first != second or len(rest) < 4:  # noqa: PLR2004 - bytes of the number that is read below
        return None
    version, _, _, _, frames = struct.unpack("=IIIII", first[:20])
    (kept,) = struct.unpack("=I", rest)
    return Promise(frames, kept, first[32:40]) if version == INDEX_VERSION and frames else None


def _is_sound(log: bytes) -> bool:
    """Say whether the header of a log carries its own checksum."""
    order = MAGIC.get(log[:4])
    if order is None or len(log) < HEADER_BYTES:
        return False
    words = struct.unpack(f"{order}6I", log[:24])
    one = two = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return struct.pack(">2I", one, two) == log[24:HEADER_BYTES]
