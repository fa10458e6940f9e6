"""Events, queues and attempts as they are read."""

import orjson

from baara_engine import events, queues
from baara_engine.records import Attempt, Event, Queue
from baara_engine.store import models
from baara_engine.store.transaction import Tx, View

EVENTS = "SELECT seq, at, kind, execution_id, thread_id, data FROM event"
IN_QUEUE = """
SELECT queue, sum(status IN ('queued', 'retry_scheduled')), sum(status IN ('assigned', 'running'))
FROM execution WHERE status IN ('queued', 'retry_scheduled', 'assigned', 'running') GROUP BY queue
"""

MOST = 2**63 - 1  # that SQLite can count to; no event has a higher number


def after(view: View, seq: int, *, execution_id: str | None = None, limit: int = 1000) -> list[Event]:
    """Give the events that came after `seq`, oldest first; of one execution, if it is named."""
    seq = min(seq, MOST)
    if execution_id is None:
        rows = view.sql(f"{EVENTS} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    else:
        rows = view.sql(f"{EVENTS} WHERE execution_id = ? AND seq > ? ORDER BY seq LIMIT ?", (execution_id, seq, limit))
    return [Event(*(*row[:5], orjson.loads(row[5]))) for row in rows]


def last_seq(view: View) -> int:
    """Give the number of the newest event, 0 if there is none."""
    [(seq,)] = view.sql("SELECT coalesce(max(seq), 0) FROM event")
    return int(seq)


def first_at(view: View) -> int | None:
    """Give the time of the oldest event that is kept, None if there is none."""
    rows = view.sql("SELECT at FROM event ORDER BY seq LIMIT 1")
    return int(rows[0][0]) if rows else None


def last_sign_of_life(view: View, execution_id: str, lease: Attempt) -> int:
    """Give the moment of the last thing that an owner wrote about an execution before its lease ended."""
    statement = "SELECT at FROM event WHERE execution_id = ? AND at < ? ORDER BY seq DESC LIMIT 1"
    rows = view.sql(statement, (execution_id, lease.ended_at or view.now))
    return int(rows[0][0]) if rows else lease.started_at


def concurrency(view: View) -> dict[str, int]:
    """Give how many each queue may run at once."""
    return dict(view.sql("SELECT name, concurrency FROM queue"))


def set_concurrency(tx: Tx, name: str, value: int) -> None:
    """Change how many a queue may run at once; it holds from the next claim on."""
    tx.sql("UPDATE queue SET concurrency = ? WHERE name = ?", (value, name))
    tx.emit(events.Kind.QUEUE, data={"name": name, "concurrency": value})


def all_queues(view: View) -> list[Queue]:
    """Give the queues with what is in them now."""
    inside = {name: (queued, running) for name, queued, running in view.sql(IN_QUEUE)}
    allowed = concurrency(view)
    return [Queue(name, allowed[name], text, *inside.get(name, (0, 0))) for name, text in queues.PURPOSE.items()]


def attempts(view: View, execution_id: str) -> list[Attempt]:
    """Give the leases of an execution in their order."""
    table = models.Attempt
    query = models.select(table, Attempt).where(table.execution_id == execution_id).order_by(table.epoch)
    return [Attempt(*row) for row in view.rows(query)]


def mark_attempt(tx: Tx, execution_id: str, epoch: int, ended_by: str) -> None:
    """Say how a lease ended, where the state that follows does not say it (a crash, a stop)."""
    statement = "UPDATE attempt SET ended_by = ? WHERE execution_id = ? AND epoch = ?"
    tx.sql(statement, (ended_by, execution_id, epoch))
