"""Threads and what stands in them."""

import orjson
import peewee as pw

from baara_engine import errors, events, redaction
from baara_engine.records import Thread, ThreadMessage
from baara_engine.store import lookup, models, models_of_threads
from baara_engine.store.transaction import Row, Tx, View

SELECT = models.select(models_of_threads.Thread, Thread)
POST = """
INSERT INTO thread_message (id, thread_id, execution_id, kind, title, body, files, at, key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id
"""
# What is new brings a thread back from wherever a person has put it, as mail does.
CAME_BACK = """
UPDATE thread SET updated_at = ?, unread = 1, settled_at = NULL, archived_at = NULL, snoozed_until = NULL,
       returned_at = CASE WHEN snoozed_until IS NULL THEN returned_at ELSE ? END
WHERE id = ?
"""

TYPED = "prompt"  #: the kind of what a person has said: it stays as it was typed
UNREAD_KINDS = frozenset({"report", "result", "question", "failure"})  #: what makes a thread new to the person


def make(tx: Tx, thread_id: str, title: str, source: str) -> str:
    """Make a thread and give its id."""
    tx.sql(
        "INSERT INTO thread (id, title, source, created_at, updated_at, unread, lane) VALUES (?, ?, ?, ?, ?, 0, 'new')",
        (thread_id, title, source, tx.now, tx.now),
    )
    return thread_id


def post(
    tx: Tx,
    message_id: str,
    thread_id: str,
    *,
    kind: str,
    body: str,
    title: str = "",
    execution_id: str | None = None,
    files: tuple[str, ...] = (),
    key: str | None = None,
) -> bool:
    """Put a message into a thread; with a `key` at most once. Say whether it is there now for the first time."""
    if kind != TYPED:
        title, body, files = redaction.known.text(title), redaction.known.text(body), tuple(redaction.known.json(files))
    params = (message_id, thread_id, execution_id, kind, title, body, orjson.dumps(files).decode(), tx.now, key)
    if not tx.sql(POST, params):
        return False
    if kind in UNREAD_KINDS:
        tx.sql(CAME_BACK, (tx.now, tx.now, thread_id))
    else:
        tx.sql("UPDATE thread SET updated_at = ? WHERE id = ?", (tx.now, thread_id))
    data = {"message_id": message_id, "kind": kind}
    tx.emit(events.Kind.POSTED, execution_id=execution_id, thread_id=thread_id, data=data)
    return True


def find(view: View, prefix: str) -> Thread:
    """Give the one thread whose id begins like this. Raises `errors.NotFound` or `errors.InvalidInput`."""
    return get(view, lookup.by_prefix(view, "thread", prefix))


def get(view: View, thread_id: str) -> Thread:
    """Give the thread of this full id. Raises `errors.NotFound`."""
    rows = view.rows(SELECT.where(models_of_threads.Thread.id == thread_id))
    if not rows:
        raise errors.NotFound(f"There is no thread {thread_id}.")
    return Thread(*rows[0])


def listing(view: View, limit: int) -> list[Thread]:
    """Give the newest threads, newest first."""
    newest = SELECT.order_by(models_of_threads.Thread.created_at.desc(), models_of_threads.Thread.id.desc()).limit(
        limit
    )
    return [Thread(*row) for row in view.rows(newest)]


def messages(view: View, thread_id: str) -> list[ThreadMessage]:
    """Give what stands in a thread, oldest first."""
    table = models_of_threads.ThreadMessage
    query = models.select(table, ThreadMessage).where(table.thread_id == thread_id).order_by(pw.SQL("rowid"))
    return [_message(row) for row in view.rows(query)]


def latest_messages(view: View, thread_id: str, limit: int) -> tuple[list[ThreadMessage], int]:
    """Give the last messages of a thread, oldest first, and how many there are before them."""
    table = models_of_threads.ThreadMessage
    query = models.select(table, ThreadMessage).where(table.thread_id == thread_id)
    newest = [*view.rows(query.order_by(pw.SQL("rowid").desc()).limit(limit))]
    [(count,)] = view.sql("SELECT count(*) FROM thread_message WHERE thread_id = ?", (thread_id,))
    return [_message(row) for row in reversed(newest)], int(count) - len(newest)


def _message(row: Row) -> ThreadMessage:
    return ThreadMessage(*(*row[:6], tuple(orjson.loads(row[6])), row[7]))
