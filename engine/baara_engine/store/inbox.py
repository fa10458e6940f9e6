"""The inbox as it is read and put in order: lanes, rows, and what a person does to threads."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields

from baara_engine import errors, events
from baara_engine.records import Lane, Latest, Row, Thread
from baara_engine.states import Outcome, Status
from baara_engine.store.transaction import Tx, View

COLUMNS = ", ".join(f"thread.{field.name}" for field in fields(Thread))
# Newest first within a lane, whatever happens in them: no row moves under the pointer. What is pinned stands above.
IN_LANE = f"""
SELECT {COLUMNS} FROM thread WHERE lane = ?
ORDER BY (pinned_at IS NULL), created_at DESC, id DESC LIMIT ? OFFSET ?
"""
BY_IDS = f"SELECT {COLUMNS} FROM thread WHERE id IN ({{}})"
LATEST = """
SELECT id, name, kind, status, outcome, queue, turn, beat, cost_microusd, cost_known, started_at, completed_at,
       waiting_reason, waiting_until, cancel_requested_at, error_cause, project_id, model, sandbox
FROM execution WHERE thread_id = ? ORDER BY created_at DESC, id DESC LIMIT 1
"""
LINE = """
SELECT kind, title, substr(body, 1, 600) FROM thread_message
WHERE thread_id = ? AND kind IN ('result', 'report', 'failure', 'question') ORDER BY rowid DESC LIMIT 1
"""
MARKS = ("unread", "settled_at", "archived_at", "snoozed_until", "returned_at", "pinned_at")
MOST_TOLD = 100  # threads that an event names: whoever reads it looks at the whole list anyway
MARKS_OF_TEXT = re.compile(r"\*\*|__|`")  # of Markdown, which a line does without
LINE_CHARS = 240  # of the one line that a row shows

Marks = Mapping[str, int | None]  #: what a person has said of a thread: the columns of `MARKS`


def counts(view: View) -> dict[Lane, int]:
    """Give how many threads each lane has; those that have none are left out."""
    return {Lane(lane): int(number) for lane, number in view.sql("SELECT lane, count(*) FROM thread GROUP BY lane")}


def rows(view: View, lane: Lane, limit: int, offset: int = 0) -> list[Row]:
    """Give threads of a lane with what their rows show, newest first."""
    return [_row(view, _thread(row)) for row in view.sql(IN_LANE, (lane, limit, offset))]


def rows_of(view: View, ids: Sequence[str]) -> list[Row]:
    """Give these threads with what their rows show, in this order; those that are gone are left out."""
    found = {row[0]: _thread(row) for row in view.sql(BY_IDS.format(", ".join("?" * len(ids))), tuple(ids))}
    return [_row(view, found[one]) for one in ids if one in found]


def arrange(tx: Tx, ids: Sequence[str], changes: Marks, how: str) -> dict[str, Marks]:
    """Change what is said of threads, and give what was said before, for `restore`.

    Raises `errors.NotFound`, or `errors.Refused` if something that waits for the person is to be snoozed.
    """
    before = marks(tx, ids)
    missing = [one for one in ids if one not in before]
    if missing:
        raise errors.NotFound(f"There is no thread {missing[0]}.")
    if changes.get("snoozed_until") is not None:
        _require_nothing_waits(tx, ids)
    for one in ids:
        _mark(tx, one, changes)
    _tell(tx, ids, how)
    return before


def restore(tx: Tx, before: Mapping[str, Marks]) -> None:
    """Put back what was said of threads before."""
    for one, said in before.items():
        _mark(tx, one, said)
    _tell(tx, list(before), "undone")


def marks(view: View, ids: Sequence[str]) -> dict[str, Marks]:
    """Give what is said of these threads."""
    statement = f"SELECT id, {', '.join(MARKS)} FROM thread WHERE id IN ({', '.join('?' * len(ids))})"
    return {row[0]: dict(zip(MARKS, row[1:], strict=True)) for row in view.sql(statement, tuple(ids))}


def due_back(view: View) -> list[str]:
    """Give the threads whose time to come back has come."""
    return [one for (one,) in view.sql("SELECT id FROM thread WHERE snoozed_until <= ?", (view.now,))]


def bring_back(tx: Tx) -> int:
    """Bring back what was snoozed until now, marked, and give how many threads that were."""
    ids = due_back(tx)
    for one in ids:
        _mark(tx, one, {"snoozed_until": None, "returned_at": tx.now, "unread": 1})
    if ids:
        _tell(tx, ids, "returned")
    return len(ids)


def in_lane(view: View, lane: Lane) -> list[str]:
    """Give the ids of all threads of a lane."""
    return [one for (one,) in view.sql("SELECT id FROM thread WHERE lane = ?", (lane,))]


def _mark(tx: Tx, thread_id: str, changes: Marks) -> None:
    settings = ", ".join(f"{name} = ?" for name in changes)
    tx.sql(f"UPDATE thread SET {settings} WHERE id = ?", (*changes.values(), thread_id))


def _tell(tx: Tx, ids: Sequence[str], how: str) -> None:
    only = ids[0] if len(ids) == 1 else None
    tx.emit(events.Kind.ARRANGED, thread_id=only, data={"threads": list(ids[:MOST_TOLD]), "how": how})


def _require_nothing_waits(tx: Tx, ids: Sequence[str]) -> None:
    statement = f"SELECT count(*) FROM thread WHERE lane = 'needs_you' AND id IN ({', '.join('?' * len(ids))})"
    [(waiting,)] = tx.sql(statement, tuple(ids))
    if waiting:
        raise errors.Refused("It waits for you, so it cannot be snoozed. Answer its question, or cancel it.")


def _row(view: View, thread: Thread) -> Row:
    latest = [_latest(row) for row in view.sql(LATEST, (thread.id,))]
    said = view.sql(LINE, (thread.id,))
    return Row(thread, latest[0] if latest else None, _line(*said[0][1:]) if said else "")


def _line(title: str, body: str) -> str:
    text = title or next((line for line in body.splitlines() if line.strip(" #*_-`>")), "")
    return MARKS_OF_TEXT.sub("", text).strip(" #>-")[:LINE_CHARS]


def _thread(row: Sequence[object]) -> Thread:
    values = dict(zip((field.name for field in fields(Thread)), row, strict=True))
    return Thread(**values | {"unread": bool(values["unread"]), "lane": Lane(str(values["lane"]))})  # type: ignore[arg-type]


def _latest(row: Sequence[object]) -> Latest:
    values = dict(zip((field.name for field in fields(Latest)), row, strict=True))
    outcome = None if values["outcome"] is None else Outcome(str(values["outcome"]))
    typed = {"status": Status(str(values["status"])), "outcome": outcome, "cost_known": bool(values["cost_known"])}
    return Latest(**values | typed)  # type: ignore[arg-type]
