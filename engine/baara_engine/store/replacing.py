"""Putting another database in the place of a home's own. Nothing is deleted: what was there is moved aside."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import peewee as pw

from baara_engine import errors
from baara_engine.store import backup, connection, disk, layout, opening, wal

if os.name == "posix":
    import fcntl

# Where SQLite's unix locks lie in a database file: whoever has read it holds a shared lock on these bytes.
SHARED_FIRST = 0x40000002
SHARED_SIZE = 510


@contextlib.contextmanager
def alone(database: Path) -> Iterator[None]:
    """Hold everybody off a database file. Raises `errors.Refused` if anybody has it open."""
    first = wal.open_here.enter(database)
    try:
        if not first:
            raise errors.Refused(f"This process has {database} open itself.")
        with _locked(database):
            yield
    finally:
        wal.open_here.leave(database)


def stage(source: Path, folder: Path, home: Path) -> Path:
    """Copy a database into `folder` as one verified file that is marked as this home's, and give it.

    A log beside it goes along: `baara restore` can undo itself. Raises `errors.StoreError` if it is not sound.
    """
    staged = folder / layout.DATABASE
    for suffix in ("", layout.LOG):
        beside = source.with_name(source.name + suffix)
        if not suffix or beside.exists():
            shutil.copyfile(beside, staged.with_name(staged.name + suffix))
    staged.chmod(0o600)
    try:
        _fold_in(staged, home)
        backup.verify(staged)
    except (pw.DatabaseError, apsw.Error) as error:
        raise errors.DatabaseDamaged(f"{source} cannot be read: {error}.") from error
    except errors.StoreError as error:
        raise type(error)(error.message.replace(str(staged), str(source))) from error
    disk.sync(staged)
    return staged


def set_aside(home: Path, folder: Path) -> Path | None:
    """Move the database of a home, with its log, into `folder`, and give that; None where there is nothing to move.

    The database goes first: a start in between then finds it missing, and never without its log.
    """
    names = [layout.DATABASE + suffix for suffix in ("", *layout.COMPANIONS)]
    there = [home / name for name in names if os.path.lexists(home / name)]
    if not there:
        return None
    folder.mkdir(mode=0o700, parents=True)
    for path in there:
        path.rename(folder / path.name)
    disk.sync(folder)
    disk.sync(home)
    return folder


def put(staged: Path, home: Path) -> None:
    """Put a staged database in place."""
    staged.rename(home / layout.DATABASE)
    disk.sync(home)


@contextlib.contextmanager
def _locked(database: Path) -> Iterator[None]:
    """Lock out other processes. Windows needs no lock for that: there, a file that is open cannot be moved."""
    if os.name != "posix" or not database.is_file():
        yield
        return
    with database.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
        except (BlockingIOError, PermissionError):
            raise errors.Refused(f"Another program has {database} open. Let it end first, then restore.") from None
        yield


def _fold_in(staged: Path, home: Path) -> None:
    """Put what stands in the log into the file, and mark it; the log is gone when the connection is closed."""
    db = connection.connect(staged)
    try:
        opening.mark(db, opening.instance_of(home))
    finally:
        db.close()
