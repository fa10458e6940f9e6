"""What may go after a while, because nothing asks for it any more."""

from collections.abc import Sequence

from baara_engine.clock import Millis
from baara_engine.store.transaction import Tx, View

# A dead letter may still be resumed, and then what its sandbox remembers of its calls counts; so only these are done.
DONE = "status IN ('completed', 'cancelled') AND completed_at < ?"


# Rows of the ledger that are closed and old, but for the newest of each schedule. What ran stays known by the keys of
# its executions, so nothing runs again whatever a clock shows.
OLD_SLOTS = """
SELECT id FROM (
    SELECT id, state, last_due, row_number() OVER (PARTITION BY schedule_id ORDER BY due DESC) AS place FROM slot
) WHERE place > ? AND last_due < ? AND state NOT IN ('waiting', 'catching_up', 'asked') LIMIT ?
"""


def old_slots(view: View, before: Millis, newest: int, limit: int) -> list[str]:
    """Give rows about due times before then, except the `newest` of each schedule and what is open."""
    return [slot_id for (slot_id,) in view.sql(OLD_SLOTS, (newest, before, limit))]


def forget_slots(tx: Tx, slot_ids: Sequence[str]) -> None:
    """Delete these rows."""
    for slot_id in slot_ids:
        tx.sql("DELETE FROM slot WHERE id = ?", (slot_id,))


def has_old_writers(view: View, before: Millis) -> bool:
    """Say whether there are notes of writers that have committed nothing since `before`."""
    return bool(view.sql("SELECT 1 FROM writer WHERE at < ? LIMIT 1", (before,)))


def forget_writers(tx: Tx, before: Millis) -> None:
    """Delete those notes. A writer that lives makes a new one with its next commit."""
    tx.sql("DELETE FROM writer WHERE at < ?", (before,))


# What came of the commands of these stands in the journal, or in an attempt, and nobody asks their sandbox about it.
OVER = "status IN ('completed', 'cancelled') OR (status = 'dead_lettered' AND kind = 'command')"


def over(view: View, execution_ids: Sequence[str]) -> list[str]:
    """Give those of these executions of which their sandbox need not remember anything."""
    statement = f"SELECT 1 FROM execution WHERE id = ? AND ({OVER})"
    return [one for one in execution_ids if view.sql(statement, (one,))]


def done_before(view: View, execution_ids: Sequence[str], before: Millis) -> list[str]:
    """Give those of these executions that were completed or cancelled before then."""
    statement = f"SELECT 1 FROM execution WHERE id = ? AND {DONE}"
    return [one for one in execution_ids if view.sql(statement, (one, before))]
