"""What store functions work on: a `View` (one consistent snapshot) or a `Tx` (one write, all or nothing)."""

from collections.abc import Sequence
from typing import Any

import orjson
import peewee as pw

from baara_engine import redaction
from baara_engine.clock import Millis
from baara_engine.events import Kind
from baara_engine.records import Event, Json
from baara_engine.store import connection

Row = tuple[Any, ...]

INSERT_EVENT = "INSERT INTO event (at, kind, execution_id, thread_id, data) VALUES (?, ?, ?, ?, ?) RETURNING seq"


class View:
    """A snapshot to read from."""

    def __init__(self, db: pw.Database, now: Millis) -> None:
        self.db = db
        self.now = now  #: the moment of this transaction

    def rows(self, query: Any) -> list[Row]:
        """Run a peewee select and give its rows."""
        return list(query.tuples().execute(self.db))

    def sql(self, statement: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run SQL text and give its rows. For statements too hot for peewee to compile each time."""
        return connection.execute(self.db, statement, params)


class Tx(View):
    """A write in progress. Nothing in it is acknowledged, and no event is told, before its commit returned."""

    def __init__(self, db: pw.Database, now: Millis) -> None:
        super().__init__(db, now)
        self.events: list[Event] = []

    def change(self, query: Any) -> int:
        """Run a peewee insert, update or delete, and give the number of rows it changed."""
        done = query.execute(self.db)
        return done if isinstance(done, int) else 1

    def emit(
        self, kind: Kind, *, execution_id: str | None = None, thread_id: str | None = None, data: Json | None = None
    ) -> None:
        """Write an event that is told after the commit."""
        content: Json = redaction.known.json(data or {})
        params = (self.now, kind, execution_id, thread_id, orjson.dumps(content))
        [(seq,)] = self.sql(INSERT_EVENT, params)
        self.events.append(Event(seq, self.now, kind, execution_id, thread_id, content))
