"""Schedules: when a task is due. What is due is found by an index, so what is not due costs nothing."""

from dataclasses import fields

import orjson

from baara_engine import errors, events
from baara_engine.clock import Millis
from baara_engine.schedules.records import Missed, Overlap, Schedule
from baara_engine.store import lookup
from baara_engine.store.transaction import Row, Tx, View

NAMES = tuple(field.name for field in fields(Schedule))
SELECT = f"SELECT {', '.join(NAMES)} FROM schedule"
INSERT = f"INSERT INTO schedule ({', '.join(NAMES)}) VALUES ({', '.join('?' for _ in NAMES)})"
CHANGED = ("rule", "missed", "overlap", "jitter_s", "catch_up", "enabled", "accounted_until", "next_due", "updated_at")
CHANGE = f"UPDATE schedule SET {', '.join(f'{name} = ?' for name in CHANGED)} WHERE id = ?"

# What a schedule must not run beside: whatever of its task has not ended, except what only asks whether to begin.
UNFINISHED = """
SELECT id FROM execution WHERE task_id = ? AND status NOT IN ('completed', 'cancelled', 'dead_lettered')
AND id NOT IN (
    SELECT execution_id FROM slot
    WHERE state IN ('waiting', 'catching_up', 'asked') AND state = 'asked' AND execution_id IS NOT NULL
)
ORDER BY id
"""


def make(tx: Tx, schedule: Schedule) -> Schedule:
    """Store a new schedule."""
    tx.sql(INSERT, [_stored(schedule, name) for name in NAMES])
    return _told(tx, schedule, "created")


def change(tx: Tx, schedule: Schedule, what: str) -> Schedule:
    """Put a changed schedule in the place of the one of its id, and tell `what` was done."""
    tx.sql(CHANGE, [*(_stored(schedule, name) for name in CHANGED), schedule.id])
    return _told(tx, schedule, what)


def advance(tx: Tx, schedule_id: str, accounted_until: Millis, next_due: Millis | None) -> None:
    """Note how far the ledger goes, and when the next due time comes."""
    statement = "UPDATE schedule SET accounted_until = ?, next_due = ? WHERE id = ?"
    tx.sql(statement, (accounted_until, next_due, schedule_id))


def delete(tx: Tx, schedule: Schedule) -> None:
    """Delete a schedule with its ledger; what it has run stays."""
    tx.sql("DELETE FROM schedule WHERE id = ?", (schedule.id,))
    _told(tx, schedule, "deleted")


def get(view: View, schedule_id: str) -> Schedule:
    """Give the schedule of this full id. Raises `errors.NotFound`."""
    rows = view.sql(f"{SELECT} WHERE id = ?", (schedule_id,))
    if not rows:
        raise errors.NotFound(f"There is no schedule {schedule_id}.")
    return _schedule(rows[0])


def find(view: View, prefix: str) -> Schedule:
    """Give the one schedule whose id begins like this. Raises `errors.NotFound` or `errors.InvalidInput`."""
    return get(view, lookup.by_prefix(view, "schedule", prefix))


def listing(view: View, task_id: str | None = None) -> list[Schedule]:
    """Give all schedules, or those of a task, oldest first."""
    if task_id is None:
        return [_schedule(row) for row in view.sql(f"{SELECT} ORDER BY id")]
    return [_schedule(row) for row in view.sql(f"{SELECT} WHERE task_id = ? ORDER BY id", (task_id,))]


def due(view: View, limit: int) -> list[Schedule]:
    """Give schedules that are due now, the longest due first."""
    return [
        _schedule(row) for row in view.sql(f"{SELECT} WHERE next_due <= ? ORDER BY next_due LIMIT ?", (view.now, limit))
    ]


def ahead(view: View, limit: int) -> list[Schedule]:
    """Give schedules whose ledger goes beyond now: the clock was put back."""
    return [_schedule(row) for row in view.sql(f"{SELECT} WHERE accounted_until > ? LIMIT ?", (view.now, limit))]


def next_due(view: View) -> Millis | None:
    """Give the moment when the next schedule is due."""
    [(found,)] = view.sql("SELECT min(next_due) FROM schedule WHERE next_due IS NOT NULL")
    return None if found is None else int(found)


def soonest(view: View) -> tuple[Millis, str] | None:
    """Give the next due time with its task's name."""
    rows = view.sql(
        "SELECT s.next_due, t.name FROM schedule s JOIN task t ON t.id = s.task_id"
        " WHERE s.next_due IS NOT NULL ORDER BY s.next_due LIMIT 1"
    )
    return (int(rows[0][0]), str(rows[0][1])) if rows else None


def unfinished(view: View, task_id: str) -> list[str]:
    """Give the ids of a task's executions that have not ended, but not of those that ask whether to begin."""
    return [execution_id for (execution_id,) in view.sql(UNFINISHED, (task_id,))]


def _schedule(row: Row) -> Schedule:
    given = dict(zip(NAMES, row, strict=True))
    given |= {"rule": orjson.loads(given["rule"]), "enabled": bool(given["enabled"])}
    return Schedule(**given | {"missed": Missed(given["missed"]), "overlap": Overlap(given["overlap"])})


def _stored(schedule: Schedule, name: str) -> object:
    value = getattr(schedule, name)
    return orjson.dumps(value).decode() if name == "rule" else value


def _told(tx: Tx, schedule: Schedule, what: str) -> Schedule:
    data = {"schedule_id": schedule.id, "task_id": schedule.task_id, "change": what}
    tx.emit(events.Kind.SCHEDULE, data=data)
    return schedule
