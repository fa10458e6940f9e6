"""What went wrong with the database file, in a sentence that says what to do about it."""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

import apsw
import peewee as pw

from baara_engine import clock, errors
from baara_engine.store import backup, connection, layout

RAISED = (pw.DatabaseError, apsw.Error)  # by a statement, and by the rows that it gives later
DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)
OUT_OF_REACH = (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.AuthError)

LOOK = "Look at who owns it, and at the permissions of it and of its folder."

# Errors that a backup is the remedy for, and that are raised without naming one.
MENDED_BY_RESTORING = (
    errors.DatabaseDamaged, errors.DatabaseForeign, errors.DatabaseMissing, errors.DatabaseTooNew,
    errors.DatabaseOutOfReach,
)  # fmt: skip


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what reading raises into an error that can be shown: SQLite's own, and values that nobody wrote."""
    try:
        yield
    except RAISED as error:
        raise explained(error, path, "cannot be read") from error
    except errors.JournalDamaged as error:
        raise errors.JournalDamaged(f"{error.message} {remedy(path.parent)}") from error
    except ValueError as error:  # text that is no UTF-8, JSON that is none, a state that there is not
        problem = f"The database {path} holds something that Baara never wrote ({error})."
        raise errors.DatabaseDamaged(f"{problem} {remedy(path.parent)}") from error


@contextlib.contextmanager
def told_at_start(path: Path) -> Iterator[None]:
    """Do the same while a database is opened, where our own findings need a remedy too."""
    try:
        with told(path):
            yield
    except MENDED_BY_RESTORING as error:
        help_ = remedy(path.parent)
        raise type(error)(error.message if help_ in error.message else f"{error.message} {help_}") from error
    except OSError as error:
        problem = f"{error.filename or path} cannot be used: {error.strerror}."
        raise errors.DatabaseOutOfReach(f"{problem} {LOOK} {remedy(path.parent)}") from error


def explained(error: Exception, path: Path, what: str) -> errors.BaaraError:
    """Give an error of SQLite as it can be shown; `what` says what could not be done with the database."""
    cause = getattr(error, "orig", error)  # peewee keeps the driver's own error in `orig`
    if connection.is_busy(error) or isinstance(cause, apsw.LockedError):
        return errors.StoreBusy()
    if isinstance(cause, apsw.FullError):
        return errors.DiskFull(f"The database {path} {what}: the disk is full. Make room; work then goes on.")
    problem = f"The database {path} {what}: {error}."
    if is_found(error):
        return errors.DatabaseDamaged(f"{problem} {remedy(path.parent)}")
    if isinstance(cause, OUT_OF_REACH):
        return errors.DatabaseOutOfReach(f"{problem} {LOOK} {remedy(path.parent)}")
    return errors.StoreError(f"{problem} {remedy(path.parent)}")


def is_found(error: Exception) -> bool:
    """Say whether SQLite raised this because the file is not what was written."""
    return isinstance(getattr(error, "orig", error), DAMAGED)


def remedy(home: Path) -> str:
    """Name the newest backup that is sound, and the command that puts it in place."""
    for found in _listed(home):
        contents = _verified(found)
        if contents is not None:
            held = f"{contents.executions} execution{'' if contents.executions == 1 else 's'}"
            return (
                f"Nothing was deleted. The newest verified backup is {found.path.name} (made {clock.iso(found.at)}, "
                f"with {held}): `baara restore --latest` puts it in place, and keeps the present "
                "files aside."
            )
    return f"Nothing was deleted. There is no verified backup in {home / layout.BACKUPS}; `baara doctor` says more."


def _listed(home: Path) -> list[backup.Backup]:
    try:
        return backup.listing(home)
    except OSError:
        return []  # a folder that may not be looked into is what the error is about


def _verified(found: backup.Backup) -> backup.Contents | None:
    try:
        return _look(found.path, found.path.stat().st_mtime_ns)
    except (errors.BaaraError, OSError):
        return None


@functools.lru_cache(maxsize=8)  # a worker that meets the same damage every second must not verify as often
def _look(path: Path, _changed_at: int) -> backup.Contents:
    return backup.verify(path)
