"""The store of one home: opens its database, writes through the group-commit writer, reads from snapshots."""

import asyncio
import logging
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import peewee as pw

from baara_engine import clock, errors, ids
from baara_engine.records import Event
from baara_engine.store import backup, connection, damage, layout, opening, wal
from baara_engine.store.transaction import Tx, View
from baara_engine.store.writer import Committer, GroupWriter, Writer

log = logging.getLogger(__name__)

T = TypeVar("T")

DATABASE = layout.DATABASE
SENTINEL = layout.SENTINEL


class Store:
    """Everything that Baara remembers. Safe to use from any thread."""

    def __init__(
        self,
        home: Path,
        clock_: clock.Clock,
        *,
        vfs: str | None = None,
        randomness: random.Random | None = None,
        writer: Callable[[Committer], Writer] = GroupWriter,
    ) -> None:
        """Open the database in `home`, making it only where there never was one.

        `randomness` is what ids are made of, and `writer` what brings writes to the committer: a test that must do the
        same twice gives its own. Raises `errors.StoreError`, which names the remedy, and leaves all as it is then.
        """
        self.clock = clock_
        self.ids = ids.Ids(clock_, randomness)
        self._home = home
        self._path = home / DATABASE
        self._opener = opening.Opener(home, clock_, self.ids, vfs)
        self._lock = threading.Lock()
        self._listeners: list[Callable[[list[Event]], None]] = []
        self._on_trouble: list[Callable[[Exception], None]] = []
        self._readers = [self._open()]
        self._writer = writer(Committer(self._opener.connect, self.ids.new(), clock_, self._tell, self._explained))

    def write(self, work: Callable[[Tx], T]) -> T:
        """Do one write, all or nothing, and return once it is on the disk."""
        return self.submit(work).result()

    def submit(self, work: Callable[[Tx], T]) -> Future[T]:
        """Hand over one write; the future ends once it is on the disk."""
        return self._writer.submit(work)

    def write_soon(self, work: Callable[[Tx], T]) -> None:
        """Hand over a write that nobody waits for: it may be lost, and if it fails, that is told in the log."""
        self.submit(work).add_done_callback(_tell_failure)

    async def awrite(self, work: Callable[[Tx], T]) -> T:
        """Do one write without blocking the loop. A caller that is cancelled meanwhile still lets the write happen."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def read(self, work: Callable[[View], T]) -> T:
        """Read from one consistent snapshot. Raises `errors.StoreError` if the database cannot be read."""
        with self._reader() as db, damage.told(self._path):
            connection.execute(db, "BEGIN")
            try:
                return work(View(db, self.clock.now()))
            finally:
                connection.execute(db, "COMMIT")

    def watch(self) -> "ChangeWatch":
        """Start watching for commits of any process."""
        return ChangeWatch(self._opener.connect())

    def listen(self, listener: Callable[[list[Event]], None]) -> Callable[[], None]:
        """Call `listener` with the events of each commit of this process, in the writer's thread: be quick.

        Gives what ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def listen_for_trouble(self, listener: Callable[[Exception], None]) -> Callable[[], None]:
        """Call `listener` with the error of each commit of this process that failed, in the writer's thread.

        Gives what ends it.
        """
        self._on_trouble.append(listener)
        return lambda: self._on_trouble.remove(listener)

    def require_sound(self) -> None:
        """Check the whole database, unless it is too large for that. Raises `errors.DatabaseDamaged`."""
        if opening.is_quickly_checked(self._path):
            with damage.told_at_start(self._path):
                self.read(lambda view: opening.require_sound(view, self._path))

    def back_up(self, go_on: Callable[[], None] = backup.go_on) -> backup.Backup:
        """Make a verified copy of what is committed now, while others may write (see `backup.make`)."""
        return backup.make(self._home, self._opener.connect, self.clock.now(), go_on)

    def close(self) -> None:
        """Finish writing and close."""
        self._writer.close()
        with self._lock:
            is_open = bool(self._readers)
            while self._readers:
                self._readers.pop().close()
        if is_open:
            wal.open_here.leave(self._path)

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
        db = db or self._opener.connect()
        try:
            yield db
        finally:
            with self._lock:
                self._readers.append(db)

    def _open(self) -> pw.Database:
        first = wal.open_here.enter(self._path)
        try:
            return self._opener.open(first=first)
        except BaseException:
            wal.open_here.leave(self._path)
            raise

    def _explained(self, error: Exception) -> Exception:
        """Give the error of a failed commit as its callers should see it, and tell whoever minds the disk."""
        if not isinstance(error, errors.BaaraError):
            error = damage.explained(error, self._path, "could not be written, and nothing of this was kept")
        for listener in tuple(self._on_trouble):
            listener(error)
        return error


def _tell_failure(done: Future[T]) -> None:
    if done.exception() is not None:
        log.warning("a write that nobody waits for failed: %s", done.exception())


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
