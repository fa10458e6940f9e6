"""Opening the database file with the settings that the storage rules demand."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import peewee as pw
from playhouse.apsw_ext import APSWDatabase

from baara_engine import errors

# SQLite 3.7.0 to 3.51.2 can lose committed transactions when two connections write and checkpoint a WAL at the same
# instant; 3.51.3 fixed it. We bring our own SQLite (apsw), so an older one means a broken installation.
OLDEST_SQLITE = (3, 51, 3)

# Thirty processes that submit at once wait for one another in SQLite's own back-off; a wait this long means a hung one.
BUSY_TIMEOUT_S = 30.0

# NORMAL lost acknowledged commits in a third of simulated power cuts; FULL lost none. On macOS fsync alone does not
# reach the platter.
PRAGMAS: dict[str, str | int] = {"synchronous": "FULL", "foreign_keys": "ON", "secure_delete": "ON"}
if sys.platform == "darwin":
    PRAGMAS |= {"fullfsync": "ON", "checkpoint_fullfsync": "ON"}


def require_safe_sqlite(version: str) -> None:
    """Raise `errors.StoreError` if this version of SQLite may lose committed work."""
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST_SQLITE:
        wanted = ".".join(str(part) for part in OLDEST_SQLITE)
        raise errors.StoreError(
            f"SQLite {version} can lose committed work (fixed in {wanted}), so Baara does not run on it. "
            "Install Baara again with its own dependencies (apsw).",
        )


def sqlite_version() -> str:
    """Give the version of the SQLite that is in use."""
    return apsw.sqlitelibversion()


def connect(path: Path, *, create: bool = False, vfs: str | None = None) -> APSWDatabase:
    """Open the file for one thread at a time; unless `create`, it must exist.

    Raises `pw.DatabaseError` if it cannot be opened, and leaves its log as it is then; `errors.StoreError` for a
    SQLite that is not safe.
    """
    require_safe_sqlite(sqlite_version())
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    db = APSWDatabase(  # type: ignore[no-untyped-call]  # the stubs leave apsw_ext out
        str(path), timeout=BUSY_TIMEOUT_S, thread_safe=False, autoconnect=False, flags=flags, vfs=vfs
    )
    db.connect()
    try:
        keep_log(db, keep=True)
        for name, value in PRAGMAS.items():
            execute(db, f"PRAGMA {name} = {value}")
    except BaseException:
        db.close()
        raise
    keep_log(db, keep=False)
    return db


def execute(db: pw.Database, statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run SQL text to its end and give its rows."""
    return list(db.execute_sql(statement, params))  # type: ignore[no-untyped-call]  # the stubs leave it untyped


def connect_to_copy(path: Path) -> APSWDatabase:
    """Open a file that nobody writes, to read it: nothing is made beside it. Raises `pw.DatabaseError`."""
    require_safe_sqlite(sqlite_version())
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    db = APSWDatabase(address, thread_safe=False, autoconnect=False, flags=flags)  # type: ignore[no-untyped-call]  # as above
    db.connect()
    return db


def driver(db: pw.Database) -> apsw.Connection:
    """Give the driver's own connection, for what peewee has no words for."""
    connection: apsw.Connection = db.connection()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    return connection


def keep_log(db: pw.Database, *, keep: bool) -> None:
    """Say whether closing this connection leaves the log as it is, even where nobody else has the database open."""
    driver(db).config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(keep))


def fold_in(db: pw.Database) -> None:
    """Put all of the log into the file, and both on the disk. Raises `errors.StoreBusy` if readers are in the way."""
    [(is_busy_now, _, _)] = execute(db, "PRAGMA wal_checkpoint(TRUNCATE)")
    if is_busy_now:
        raise errors.StoreBusy


def is_read_only(db: pw.Database) -> bool:
    """Say whether the system let the file be opened for reading only."""
    return driver(db).readonly("main")


def in_transaction(db: pw.Database) -> bool:
    """Say whether a transaction is open: SQLite ends one by itself on some disk errors."""
    return not driver(db).getautocommit()


def is_busy(error: BaseException) -> bool:
    """Say whether another process's lock was the reason."""
    return isinstance(getattr(error, "orig", error), apsw.BusyError)  # peewee keeps the driver's own error in `orig`
