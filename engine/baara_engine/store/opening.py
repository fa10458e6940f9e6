"""Opening the database of a home, once it is there, ours, whole, and of a version that this one understands.

Nothing is written before all of that is answered, and what is refused is left as it is: not even its log is folded in.
"""

import contextlib
import json
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import peewee as pw

from baara_engine import clock, errors, homes, ids
from baara_engine.store import backup, connection, damage, disk, layout, migrations, soundness, wal
from baara_engine.store.transaction import Tx, View

APPLICATION = 0x42616172  # "Baar", in the header of the file: `file` and others see whose it is

# Checking takes about 3 ms per MB, and a start has no time for more; larger ones are checked with each backup.
CHECKED_AT_ONCE = 32 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Opener:
    """What is needed to open the database of one home."""

    home: Path
    clock: clock.Clock
    ids: ids.Ids
    vfs: str | None

    @property
    def path(self) -> Path:
        """Give the place of the database."""
        return self.home / layout.DATABASE

    def connect(self) -> pw.Database:
        """Open another connection to a database that has been opened before. Raises `errors.StoreError`."""
        with damage.told(self.path):
            return connection.connect(self.path, vfs=self.vfs)

    def open(self, *, first: bool) -> pw.Database:
        """Open the database, making or migrating it first where that is due.

        `first`: this process does not have it open already. Raises `errors.StoreError`, and leaves all as it is then.
        """
        with damage.told_at_start(self.path):
            db = self._open_if_complete(first=first)
            if db is None:
                with filelock.FileLock(self.home / layout.MIGRATE_LOCK, mode=0o600):
                    db = self._make(first=first)
            connection.keep_log(db, keep=False)
            return db

    def open_carefully(self, *, first: bool) -> pw.Database:
        """Open a database that is there; closing what this gives leaves the log as it is. Raises if it is not sound."""
        left = wal.is_left(self.path)
        promised = wal.promise(self.path) if first else None
        _require_no_rollback(self.home)
        db = self.connect()
        try:
            connection.keep_log(db, keep=True)
            _require_writable(db, self.path)
            wal.require_whole(db, self.path, promised)
            _require_ours(self.home, db)
            if left and is_quickly_checked(self.path) and not homes.is_worked_on(self.home):
                require_sound(View(db, 0), self.path)  # a log of another database would show here
        except BaseException:
            db.close()
            raise
        return db

    def _open_if_complete(self, *, first: bool) -> pw.Database | None:
        """Open the database; None where it still has to be made, migrated or marked as ours."""
        if instance_of(self.home) is None or is_absent(self.home):
            return None
        db = self.open_carefully(first=first)
        if is_complete(self.home, db):
            return db
        db.close()
        return None

    def _make(self, *, first: bool) -> pw.Database:
        """Make or migrate the database, and mark it as this home's. Another process may just have done so."""
        db = self._create() if is_absent(self.home) else self.open_carefully(first=first)
        try:
            self._back_up_before_migrating(db)
            instance = instance_of(self.home) or self.ids.new()
            connection.execute(db, "PRAGMA journal_mode = WAL")
            connection.execute(db, "BEGIN IMMEDIATE")
            migrations.migrate(Tx(db, self.clock.now()))
            mark(db, instance)
            connection.execute(db, "COMMIT")
        except BaseException:
            db.close()
            raise
        if instance_of(self.home) is None:
            self._leave_sentinel(instance)
        return db

    def _create(self) -> pw.Database:
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        return self.connect()

    def _back_up_before_migrating(self, db: pw.Database) -> None:
        seen = migrations.taken(Tx(db, 0))
        if seen and migrations.pending(seen):
            backup.make(self.home, self.connect, self.clock.now())

    def _leave_sentinel(self, instance: str) -> None:
        sentinel = self.home / layout.SENTINEL
        unfinished = sentinel.with_name(sentinel.name + backup.UNFINISHED)
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            json.dump({"instance": instance, "created_at": clock.iso(self.clock.now())}, file)
        disk.sync(unfinished)
        unfinished.replace(sentinel)


@contextlib.contextmanager
def looked_at(home: Path, clock_: clock.Clock) -> Iterator[View | None]:
    """Give a view of the database as it is, and change nothing; None where there is none and never was one.

    Raises `errors.StoreError` if it cannot be opened.
    """
    path = home / layout.DATABASE
    first = wal.open_here.enter(path)
    try:
        with damage.told_at_start(path):
            opener = Opener(home, clock_, ids.Ids(clock_), None)
            db = None if is_absent(home) else opener.open_carefully(first=first)
        try:
            with damage.told(path):
                if db is not None:
                    connection.execute(db, "BEGIN")  # what an engine writes meanwhile must not be seen by halves
                yield None if db is None else View(db, clock_.now())
        finally:
            if db is not None:
                db.close()
    finally:
        wal.open_here.leave(path)


def is_absent(home: Path) -> bool:
    """Say whether there is no database, and never was one.

    Raises `errors.DatabaseMissing` if there was one and it is gone, `errors.DatabaseOutOfReach` for what is no file.
    """
    path = home / layout.DATABASE
    try:
        found = path.stat() if path.is_symlink() else path.lstat()
    except FileNotFoundError:
        found = None
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise errors.DatabaseOutOfReach(f"{path} is not a file. Baara leaves it as it is; move it away.")
    if found is not None and found.st_size > 0:
        return False
    if is_lived_in(home) or wal.is_left(path):
        raise errors.DatabaseMissing(
            f"{path} is missing or empty, although this folder has held a database. Nothing was made in its place; "
            f"to start anew on purpose, move {home} away."
        )
    return True


def is_lived_in(home: Path) -> bool:
    """Say whether anything but the database shows that there was one."""
    return (home / layout.SENTINEL).exists() or bool(backup.listing(home))


def is_complete(home: Path, db: pw.Database) -> bool:
    """Say whether all steps are taken and the database is marked as this home's."""
    instance = instance_of(home)
    done = not migrations.pending(migrations.taken(Tx(db, 0)))
    return done and instance is not None and _pragma(db, "user_version") == _number(instance)


def is_current(view: View) -> bool:
    """Say whether a database has the schema of this version; one that is older is migrated when it is next opened."""
    return not migrations.pending(migrations.taken(Tx(view.db, view.now)))


def is_quickly_checked(path: Path) -> bool:
    """Say whether a check of the whole database fits into a start."""
    return path.stat().st_size <= CHECKED_AT_ONCE


def require_sound(view: View, path: Path) -> None:
    """Raise `errors.DatabaseDamaged` if the database is not."""
    found = soundness.problems(view)
    if found:
        raise errors.DatabaseDamaged(f"The database {path} is damaged: {'; '.join(found)}.")


def instance_of(home: Path) -> str | None:
    """Give the id of this home's database; None if there is none, or its note was cut short."""
    try:
        return str(json.loads((home / layout.SENTINEL).read_text("ascii"))["instance"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def mark(db: pw.Database, instance: str | None) -> None:
    """Write into the file's header whose it is; None: nobody's yet."""
    connection.execute(db, f"PRAGMA application_id = {APPLICATION}")
    connection.execute(db, f"PRAGMA user_version = {0 if instance is None else _number(instance)}")


def _require_writable(db: pw.Database, path: Path) -> None:
    if connection.is_read_only(db):
        raise errors.DatabaseOutOfReach(f"{path} may not be written. {damage.LOOK}")


def _require_no_rollback(home: Path) -> None:
    """Raise if opening would undo a change that is not ours: SQLite applies such a file to any database beside it.

    The only change that we make without a log is the first of all, before the home has its sentinel.
    """
    left = home / (layout.DATABASE + layout.ROLLBACK)
    if instance_of(home) is not None and left.exists() and left.stat().st_size:
        raise errors.DatabaseDamaged(
            f"Beside the database lies {left.name}, which Baara never leaves there, and opening would change the "
            "database by it. Move it away if you know it to be another's."
        )


def _require_ours(home: Path, db: pw.Database) -> None:
    """Raise unless this is a database of Baara, of this home, and of a version that this one understands."""
    seen = migrations.taken(Tx(db, 0))
    tables = connection.execute(db, "SELECT count(*) FROM sqlite_master")[0][0]
    path = home / layout.DATABASE
    if tables and migrations.STEPS[0].__name__ not in seen:
        raise errors.DatabaseForeign(f"{path} is a database of another program. Nothing in it was changed.")
    if not tables and is_lived_in(home):
        raise errors.DatabaseDamaged(f"{path} holds nothing, although this folder has held a database.")
    if _pragma(db, "application_id") not in {0, APPLICATION}:
        raise errors.DatabaseDamaged(f"The header of {path} is not what was written.")
    instance = instance_of(home)
    if instance is not None and _pragma(db, "user_version") not in {0, _number(instance)}:
        raise errors.DatabaseForeign(
            f"{path} is the database of another home. To use it here on purpose: `baara restore {path}`."
        )
    gone = [] if migrations.pending(seen) else soundness.missing(View(db, 0))
    if gone:
        raise errors.DatabaseDamaged(f"The database {path} is damaged: {'; '.join(gone)}.")


def _pragma(db: pw.Database, name: str) -> int:
    return int(connection.execute(db, f"PRAGMA {name}")[0][0])


def _number(instance: str) -> int:
    """Give the number that stands for an instance in the header: 31 bits, and never 0, which means nobody's."""
    return (zlib.crc32(instance.encode()) & 0x7FFFFFFF) or 1
