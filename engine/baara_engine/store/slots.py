"""The ledger of due times: what became of each. Rows of one schedule never overlap."""

from dataclasses import fields

from baara_engine import events, redaction
from baara_engine.clock import Millis
from baara_engine.schedules.records import Slot, SlotState
from baara_engine.store.transaction import Row, Tx, View

NAMES = tuple(field.name for field in fields(Slot))
SELECT = f"SELECT {', '.join(NAMES)} FROM slot"
INSERT = f"INSERT INTO slot ({', '.join(NAMES)}) VALUES ({', '.join('?' for _ in NAMES)})"
SETTLE = f"""
UPDATE slot SET state = ?, why = ?, execution_id = ?, settled_at = ?
WHERE id = ? AND state IN ('waiting', 'catching_up', 'asked') RETURNING {", ".join(NAMES)}
"""

OPEN = "state IN ('waiting', 'catching_up', 'asked')"  # as the partial index has it
QUEUED = f"{OPEN} AND state IN ('waiting', 'catching_up')"
CAN_BEGIN = f"""
SELECT 1 FROM slot JOIN schedule ON schedule.id = slot.schedule_id
WHERE slot.{OPEN} AND slot.state IN ('waiting', 'catching_up') AND NOT EXISTS (
    SELECT 1 FROM execution WHERE execution.task_id = schedule.task_id
    AND status NOT IN ('completed', 'cancelled', 'dead_lettered')
    AND execution.id NOT IN (
        SELECT asked.execution_id FROM slot AS asked
        WHERE asked.{OPEN} AND asked.state = 'asked' AND asked.execution_id IS NOT NULL
    )
) LIMIT 1
"""
CALLED_OFF = f"""
SELECT {", ".join(f"slot.{name}" for name in NAMES)} FROM slot JOIN execution ON execution.id = slot.execution_id
WHERE slot.{OPEN} AND slot.state = 'asked' AND execution.status = 'cancelled'
"""
AHEAD = "due <= ? OR execution_id IS NOT NULL"  # what a wrong clock wrote about times that have not come is no news


def make(tx: Tx, slot: Slot) -> Slot:
    """Put a row into the ledger. Raises an error of SQLite if that due time has one, which is a defect."""
    tx.sql(INSERT, [getattr(slot, name) for name in NAMES])
    return _told(tx, slot)


def settle(
    tx: Tx, slot_id: str, state: SlotState, why: str, execution_id: str | None, *, is_open: bool = False
) -> None:
    """Say what became of an open slot, or how it is open now."""
    for row in tx.sql(SETTLE, (state, redaction.known.text(why), execution_id, None if is_open else tx.now, slot_id)):
        _told(tx, _slot(row))


def between(view: View, schedule_id: str, after: Millis, until: Millis, limit: int) -> list[Slot]:
    """Give the newest rows about due times in (after, until], oldest first."""
    inside = f"{SELECT} WHERE schedule_id = ? AND due > ? AND due <= ? ORDER BY due DESC LIMIT ?"
    found = [_slot(row) for row in view.sql(inside, (schedule_id, after, until, limit))]
    reaching = f"{SELECT} WHERE schedule_id = ? AND due <= ? ORDER BY due DESC LIMIT 1"
    before = [_slot(row) for row in view.sql(reaching, (schedule_id, after))]
    return [one for one in before if one.last_due > after] + found[::-1]


def last(view: View, schedule_id: str) -> Slot | None:
    """Give the row of the latest due time, if there is one."""
    rows = view.sql(f"{SELECT} WHERE schedule_id = ? ORDER BY due DESC LIMIT 1", (schedule_id,))
    return _slot(rows[0]) if rows else None


def lengthen(tx: Tx, slot: Slot, last_due: Millis, count: int | None) -> None:
    """Let a row be about later due times as well."""
    tx.sql("UPDATE slot SET last_due = ?, count = ?, settled_at = ? WHERE id = ?", (last_due, count, tx.now, slot.id))


def remove(tx: Tx, slot: Slot) -> None:
    """Take a row out of the ledger that is void."""
    tx.sql("DELETE FROM slot WHERE id = ?", (slot.id,))


def listing(view: View, schedule_id: str | None, limit: int) -> list[Slot]:
    """Give the latest due times that have come, of all schedules or of one, latest first."""
    if schedule_id is None:
        rows = view.sql(f"{SELECT} WHERE {AHEAD} ORDER BY due DESC LIMIT ?", (view.now, limit))
    else:
        statement = f"{SELECT} WHERE schedule_id = ? AND ({AHEAD}) ORDER BY due DESC LIMIT ?"
        rows = view.sql(statement, (schedule_id, view.now, limit))
    return [_slot(row) for row in rows]


def count_waiting(view: View, schedule_id: str) -> int:
    """Give how many due times of a schedule wait for their turn."""
    [(count,)] = view.sql(f"SELECT count(*) FROM slot WHERE schedule_id = ? AND {QUEUED}", (schedule_id,))
    return int(count)


def waiting(view: View, schedule_id: str) -> list[Slot]:
    """Give the due times of a schedule that wait for their turn, oldest first."""
    return [_slot(row) for row in view.sql(f"{SELECT} WHERE schedule_id = ? AND {QUEUED} ORDER BY due", (schedule_id,))]


def first_waiting(view: View) -> list[Slot]:
    """Give for each schedule the oldest due time that waits for its turn, oldest first."""
    oldest = f"SELECT schedule_id, min(due) FROM slot WHERE {QUEUED} GROUP BY schedule_id"
    rows = view.sql(f"{SELECT} WHERE {OPEN} AND (schedule_id, due) IN ({oldest}) ORDER BY due")
    return [_slot(row) for row in rows]


def asked(view: View, schedule_id: str) -> list[Slot]:
    """Give the due times of a schedule that a person is asked about, oldest first."""
    statement = f"{SELECT} WHERE schedule_id = ? AND {OPEN} AND state = 'asked' ORDER BY due"
    return [_slot(row) for row in view.sql(statement, (schedule_id,))]


def asked_by(view: View, execution_id: str) -> list[Slot]:
    """Give the due times that wait for the answer to an execution's question, oldest first."""
    statement = f"{SELECT} WHERE {OPEN} AND state = 'asked' AND execution_id = ? ORDER BY due"
    return [_slot(row) for row in view.sql(statement, (execution_id,))]


def called_off(view: View) -> list[Slot]:
    """Give the due times whose question was called off together with its execution."""
    return [_slot(row) for row in view.sql(CALLED_OFF)]


def can_begin(view: View) -> bool:
    """Say whether a due time that waits for its turn has it now."""
    return bool(view.sql(CAN_BEGIN))


def _slot(row: Row) -> Slot:
    given = dict(zip(NAMES, row, strict=True))
    return Slot(**given | {"state": SlotState(given["state"])})


def _told(tx: Tx, slot: Slot) -> Slot:
    data = {"slot_id": slot.id, "schedule_id": slot.schedule_id, "due": slot.due, "state": slot.state}
    tx.emit(events.Kind.SLOT, execution_id=slot.execution_id, data=data)
    return slot
