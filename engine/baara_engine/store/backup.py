"""Copies of the database: made from one snapshot, verified, and under their name only once they are.

A copy is taken piece by piece inside one read transaction, so writers are not kept waiting, and what they write
meanwhile is not in it.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import apsw
import filelock
import peewee as pw

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.store import connection, disk, layout, migrations, soundness
from baara_engine.store.transaction import Tx, View

PIECE = 1024  # pages that are copied at once, 4 MiB: between two pieces the copying can be called off
STAMP = "%Y%m%dT%H%M%S"  # in a name, with milliseconds and Z behind it: names sort by time, on every system
UNFINISHED = ".part"
PREFIX, SUFFIX = "baara-", ".db"

LOCK_S = 30.0  # seconds: another process copies and verifies hundreds of MB in that time

MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy."""

    path: Path
    at: Millis  #: when it was made
    size: int  #: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands in a copy."""

    executions: int
    threads: int
    last_event: tuple[int, Millis] | None  #: number and time: tells whether anything has changed since


def go_on() -> None:
    """Never call copying off."""


def make(home: Path, connect: Callable[[], pw.Database], at: Millis, go_on: Callable[[], None] = go_on) -> Backup:
    """Make a verified copy; `go_on` is called between pieces and may raise to call it off.

    Raises `errors.DatabaseDamaged` if the copy is not sound (it is not kept then), `errors.DiskFull`, or
    `errors.StoreError`.
    """
    folder = home / layout.BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    with alone(home):
        while (target := folder / f"{PREFIX}{stamp(at)}{SUFFIX}").exists():
            at += 1
        for left in folder.glob(f"*{UNFINISHED}*"):
            left.unlink()  # a process died while it made one
        unfinished = target.with_name(target.name + UNFINISHED)
        try:
            _copy(connect, unfinished, go_on)
            _require_verified(unfinished, go_on)
            unfinished.replace(target)
            disk.sync(folder)
        finally:
            unfinished.unlink(missing_ok=True)
    return Backup(target, at, target.stat().st_size)


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Keep other processes from making backups, or thinning them out. Raises `errors.StoreBusy`."""
    lock = filelock.FileLock(home / layout.BACKUP_LOCK, timeout=LOCK_S, mode=0o600)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise errors.StoreBusy("Another process has been making a backup for long. Try again.") from None
    try:
        yield
    finally:
        lock.release()


def listing(home: Path) -> list[Backup]:
    """Give the copies of a home, newest first."""
    found = (_backup(path) for path in (home / layout.BACKUPS).glob(f"{PREFIX}*{SUFFIX}"))
    return sorted((one for one in found if one is not None), key=lambda one: one.at, reverse=True)


def verify(path: Path, go_on: Callable[[], None] = go_on) -> Contents:
    """Check a copy thoroughly and say what stands in it.

    Raises `errors.DatabaseDamaged`, `errors.JournalDamaged`, `errors.DatabaseForeign`, `errors.DatabaseTooNew`, or
    `errors.StoreError` if it cannot be opened.
    """
    with _opened(path) as view:
        seen = migrations.taken(Tx(view.db, view.now))
        if migrations.STEPS[0].__name__ not in seen:
            raise errors.DatabaseForeign(f"{path} is no database of Baara.")
        is_current = not migrations.pending(seen)
        go_on()
        found = soundness.problems(view) or (soundness.missing(view) if is_current else [])
        if found:
            raise errors.DatabaseDamaged(f"{path} is damaged: {'; '.join(found)}.")
        if is_current:  # who migrates cannot yet read the journals of before
            soundness.require_journals(view, go_on)
        return _contents(view)


def contents(path: Path) -> Contents:
    """Say what stands in a copy, without verifying it. Raises `errors.StoreError` if it cannot be read."""
    with _opened(path) as view:
        return _contents(view)


def stamp(at: Millis) -> str:
    """Write a point in time as it may stand in a name."""
    moment = datetime.fromtimestamp(at // MS_PER_S, UTC)
    return f"{moment.strftime(STAMP)}{at % MS_PER_S:03}Z"


def last_event(view: View) -> tuple[int, Millis] | None:
    """Give number and time of the newest event: two databases of one home that agree in it say the same."""
    rows = view.sql("SELECT seq, at FROM event ORDER BY seq DESC LIMIT 1")
    return (rows[0][0], rows[0][1]) if rows else None


def _contents(view: View) -> Contents:
    [(executions, threads)] = view.sql("SELECT (SELECT count(*) FROM execution), (SELECT count(*) FROM thread)")
    return Contents(executions, threads, last_event(view))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[View]:
    """Open a copy to read it; nothing is written beside it."""
    try:
        db = connection.connect_to_copy(path)
        try:
            yield View(db, 0)
        finally:
            db.close()
    except (pw.DatabaseError, apsw.Error, ValueError) as error:
        raise errors.DatabaseDamaged(f"{path} cannot be read: {error}.") from error


def _copy(connect: Callable[[], pw.Database], target: Path, go_on: Callable[[], None]) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    source = connect()
    try:
        connection.execute(source, "BEGIN")
        connection.execute(source, "SELECT 1 FROM sqlite_master LIMIT 1")  # from here on the snapshot stands
        _copy_pages(connection.driver(source), target, go_on)
    except (apsw.FullError, apsw.IOError) as error:
        raise errors.DiskFull(f"There is no room for a backup in {target.parent} ({error}).") from error
    except (apsw.Error, pw.DatabaseError) as error:
        raise errors.StoreError(f"The database could not be copied: {error}.") from error
    finally:
        source.close()
    disk.sync(target)


def _copy_pages(source: apsw.Connection, target: Path, go_on: Callable[[], None]) -> None:
    copy = apsw.Connection(str(target))
    try:
        copy.execute("PRAGMA journal_mode = OFF")  # half a copy is thrown away, and a whole one is synced at the end
        copy.execute("PRAGMA synchronous = OFF")
        with copy.backup("main", source, "main") as copying:
            while not copying.done:
                go_on()
                copying.step(PIECE)
    finally:
        copy.close()


def _require_verified(unfinished: Path, go_on: Callable[[], None]) -> None:
    try:
        verify(unfinished, go_on)
    except errors.StoreError as error:
        problem = error.message.replace(str(unfinished), "it")
        raise errors.DatabaseDamaged(
            f"The new backup was not kept, because {problem} Those from before are kept. What was copied may be "
            "damaged itself: see `baara doctor`.",
        ) from error


def _backup(path: Path) -> Backup | None:
    """Describe a copy; None for a name that is not ours, what is no file, or a file that was just thinned out."""
    written = path.name.removeprefix(PREFIX).removesuffix(f"Z{SUFFIX}")
    try:
        moment = datetime.strptime(written[:-3], STAMP).replace(tzinfo=UTC)
        found = path.stat()
        at = int(moment.timestamp()) * MS_PER_S + int(written[-3:])
        return Backup(path, at, found.st_size) if stat.S_ISREG(found.st_mode) else None  # a pipe would be waited for
    except (ValueError, FileNotFoundError):
        return None
