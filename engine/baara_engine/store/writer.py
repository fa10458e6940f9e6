"""The one writer of a process: writes that arrive together share one transaction and one fsync.

Each write runs in its own savepoint, so one that fails takes nothing along, and each caller is answered after the
commit returned. A COMMIT that raised has an unknown result: the file is opened again and asked whether this writer's
batch is in it.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import peewee as pw

from baara_engine import clock, errors
from baara_engine.records import Event
from baara_engine.store import connection, damage
from baara_engine.store.transaction import Tx

log = logging.getLogger(__name__)

MAX_BATCH = 256  # writes per commit: bounds how long other processes wait for the lock

SAVE_BATCH = (
    "INSERT INTO writer (name, batch, at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET batch = ?2, at = ?3"
)


@dataclass(slots=True)
class Write:
    """One write that waits for its commit."""

    work: Callable[[Tx], Any]
    answer: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None


class Writer(Protocol):
    """What a store hands its writes to."""

    def submit(self, work: Callable[[Tx], Any]) -> Future[Any]:
        """Hand over a write. The future ends after the commit, with what `work` returned or raised."""
        ...

    def close(self) -> None:
        """Finish what was handed over and close the connection."""
        ...


class GroupWriter:
    """A thread that owns the writing connection."""

    def __init__(self, committer: "Committer") -> None:
        self._committer = committer
        self._waiting: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="baara-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Tx], Any]) -> Future[Any]:
        """Hand over a write. The future ends after the commit, with what `work` returned or raised."""
        write = Write(work)
        self._waiting.put(write)
        return write.answer

    def close(self) -> None:
        """Finish what was handed over and close the connection."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                break
            batch = self._gather(first)
            self._committer.commit([write for write in batch if write is not None])
            if batch[-1] is None:
                break
        self._committer.close()

    def _gather(self, first: Write) -> list[Write | None]:
        batch: list[Write | None] = [first]
        while len(batch) < MAX_BATCH and batch[-1] is not None:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch


class Committer:
    """The writing connection, and the way in which writes are committed together. For one thread."""

    def __init__(
        self,
        connect: Callable[[], pw.Database],
        name: str,
        clock_: clock.Clock,
        on_commit: Callable[[list[Event]], None],
        explain: Callable[[Exception], Exception],
    ) -> None:
        """Take how to open the file, a name unique among all writers ever, whom to tell after each commit.

        `explain` gives the error of a write that failed as callers should see it.
        """
        self._connect = connect
        self._name = name
        self._clock = clock_
        self._on_commit = on_commit
        self._explain = explain
        self._batch = 0
        self._db: pw.Database | None = None

    def commit(self, writes: list[Write]) -> None:
        """Commit a batch, answer its callers, and tell of it."""
        events: list[Event] = []
        try:
            events = self._transact(writes)
        except Exception as error:  # noqa: BLE001 - whatever it was, every caller must hear of it
            for write in writes:
                write.error = write.error or self._explain(error)
            self.close()
        for write in writes:
            _answer(write)
        if events:
            self._tell(events)

    def close(self) -> None:
        """Close the connection; the next commit opens another."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _transact(self, writes: list[Write]) -> list[Event]:
        db = self._open()
        self._batch += 1
        connection.execute(db, "BEGIN IMMEDIATE")
        tx = Tx(db, self._clock.now())
        for write in writes:
            self._run_one(db, tx, write)
        tx.sql(SAVE_BATCH, (self._name, self._batch, tx.now))
        try:
            connection.execute(db, "COMMIT")
        except pw.DatabaseError as error:
            log.warning("a commit raised, so the file is asked whether it was kept: %s", error)
            self._require_kept(error)
        return tx.events

    def _run_one(self, db: pw.Database, tx: Tx, write: Write) -> None:
        told = len(tx.events)
        connection.execute(db, "SAVEPOINT one")
        try:
            write.result = write.work(tx)
        except Exception as error:
            if not connection.in_transaction(db):
                raise  # SQLite itself ended the whole transaction (disk full, I/O error)
            write.error = self._explain(error) if damage.is_found(error) else error
            del tx.events[told:]
            connection.execute(db, "ROLLBACK TO one")
        connection.execute(db, "RELEASE one")

    def _require_kept(self, error: Exception) -> None:
        """Return if the batch whose COMMIT raised is in the file; raise if it is not, or if that cannot be told."""
        self.close()
        try:
            kept = self._is_kept(self._open())
        except Exception as again:
            raise errors.CommitUnknown from again
        if not kept:
            raise error

    def _is_kept(self, db: pw.Database) -> bool:
        """Say whether the last batch is in the file, and see to it that this stays so.

        A commit whose sync failed is not seen after opening again while others have the file open, and yet its pages
        may stand in the WAL, where the next crash would bring them back: a commit behind it writes over them. Where
        nobody else has it open it is seen, and yet only the system's cache may have it: then it counts as kept once
        the log is folded into the file, and that is synced.
        """
        [(last,)] = Tx(db, 0).sql("SELECT max(batch) FROM writer WHERE name = ?", (self._name,))
        if last == self._batch:
            connection.fold_in(db)
            return True
        connection.execute(db, "BEGIN IMMEDIATE")
        connection.execute(db, SAVE_BATCH, (self._name, self._batch - 1, self._clock.now()))
        connection.execute(db, "COMMIT")
        return False

    def _tell(self, events: list[Event]) -> None:
        try:
            self._on_commit(events)
        except Exception:
            log.exception("telling of committed events failed; they stand in the store")

    def _open(self) -> pw.Database:
        if self._db is None:
            self._db = self._connect()
        return self._db


def _answer(write: Write) -> None:
    if write.error is not None:
        write.answer.set_exception(write.error)
    else:
        write.answer.set_result(write.result)
