"""The store of one home: opens its database, writes through the group-commit writer, reads from snapshots."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import filelock
import peewee as pw

from baara_engine import clock, errors, ids
from baara_engine.records import Event
from baara_engine.store import connection, migrations
from baara_engine.store.transaction import Tx, View
from baara_engine.store.writer import GroupWriter

log = logging.getLogger(__name__)

T = TypeVar("T")

DATABASE = "baara.db"
SENTINEL = "instance.json"  #: says that there was a database here, so that an empty one is never made in its place


class Store:
    """Everything that Baara remembers. Safe to use from any thread."""

    def __init__(self, home: Path, clock_: clock.Clock, *, vfs: str | None = None) -> None:
        """Open the database in `home`, making it only where there never was one. Raises `errors.StoreError`."""
        self.clock = clock_
        self.ids = ids.Ids(clock_)
        self._path = home / DATABASE
        self._vfs = vfs
        self._readers: list[pw.Database] = []
        self._lock = threading.Lock()
        self._listeners: list[Callable[[list[Event]], None]] = []
        with connection.told(self._path):
            self._prepare(home)
        self._writer = GroupWriter(self._connect, self.ids.new(), clock_, self._tell)

    def write(self, work: Callable[[Tx], T]) -> T:
        """Do one write, all or nothing, and return once it is on the disk."""
        return self.submit(work).result()

    def submit(self, work: Callable[[Tx], T]) -> Future[T]:
        """Hand over one write; the future ends once it is on the disk."""
        return self._writer.submit(work)

    async def awrite(self, work: Callable[[Tx], T]) -> T:
        """Do one write without blocking the loop. A caller that is cancelled meanwhile still lets the write happen."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def read(self, work: Callable[[View], T]) -> T:
        """Read from one consistent snapshot. Raises `errors.StoreError` if the database cannot be read."""
        with self._reader() as db, connection.told(self._path):
            connection.execute(db, "BEGIN")
            try:
                return work(View(db, self.clock.now()))
            finally:
                connection.execute(db, "COMMIT")

    def watch(self) -> "ChangeWatch":
        """Start watching for commits of any process."""
        return ChangeWatch(self._connect())

    def listen(self, listener: Callable[[list[Event]], None]) -> Callable[[], None]:
        """Call `listener` with the events of each commit of this process, in the writer's thread: be quick.

        Gives what ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Finish writing and close."""
        self._writer.close()
        with self._lock:
            while self._readers:
                self._readers.pop().close()

    def _tell(self, events: list[Event]) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(events)
            except Exception:
                log.exception("telling of committed events failed; they stand in the store")

    @contextmanager
    def _reader(self) -> Iterator[pw.Database]:
        with self._lock:
            db = self._readers.pop() if self._readers else None
        db = db or self._connect()
        try:
            yield db
        finally:
            with self._lock:
                self._readers.append(db)

    def _connect(self) -> pw.Database:
        return connection.connect(self._path, vfs=self._vfs)

    def _prepare(self, home: Path) -> None:
        """Make or migrate the database, one process at a time; most starts find nothing to do and take no lock."""
        if self._is_ready(home):
            return
        with filelock.FileLock(home / "migrate.lock", mode=0o600):
            create = self._must_create(home)
            if create:
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            db = connection.connect(self._path, vfs=self._vfs)
            try:
                connection.execute(db, "PRAGMA journal_mode = WAL")
                connection.execute(db, "BEGIN IMMEDIATE")
                migrations.migrate(Tx(db, self.clock.now()))
                connection.execute(db, "COMMIT")
            finally:
                db.close()
            self._leave_sentinel(home)

    def _is_ready(self, home: Path) -> bool:
        if not (home / SENTINEL).exists() or self._must_create(home):
            return False
        with self._reader() as db:
            return not migrations.pending(migrations.taken(Tx(db, 0)))

    def _must_create(self, home: Path) -> bool:
        """Say whether there never was a database. Raises `errors.DatabaseMissing` if there was one and it is gone."""
        if self._path.exists() and self._path.stat().st_size > 0:
            return False
        if (home / SENTINEL).exists():
            raise errors.DatabaseMissing(
                f"{self._path} is missing or empty, although this folder has held a database. Nothing was made in its "
                f"place. Put the file back from a backup; to start anew on purpose, move {home} away.",
            )
        return True

    def _leave_sentinel(self, home: Path) -> None:
        sentinel = home / SENTINEL
        if sentinel.exists():
            return
        with os.fdopen(os.open(sentinel, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump({"instance": self.ids.new(), "created_at": clock.iso(self.clock.now())}, file)
            file.flush()
            os.fsync(file.fileno())


class ChangeWatch:
    """Tells whether anything was committed since it was last asked. Costs about 40 µs, and no write."""

    def __init__(self, db: pw.Database) -> None:
        self._db = db
        self._seen: int | None = None

    def changed(self) -> bool:
        """Say whether any process has committed since the last call; the first call says yes."""
        before = self._seen
        [(self._seen,)] = connection.execute(self._db, "PRAGMA data_version")
        return self._seen != before

    def close(self) -> None:
        """Stop watching."""
        self._db.close()
