"""What waits in the timer queue for a length of time, as opposed to a moment that a person has named."""

from collections.abc import Mapping

import orjson

from baara_engine.clock import Millis
from baara_engine.store.transaction import Tx, View

# The lengths are the parameter: {reason: ms}. What waits for another reason waits for a moment, and stays as it is.
LONGEST = "(SELECT value FROM json_each(?) WHERE key = waiting_reason)"
FOR_A_LENGTH = f"queue = 'timer' AND status = 'retry_scheduled' AND {LONGEST} IS NOT NULL"
TOO_LONG = f"{FOR_A_LENGTH} AND not_before > ? + {LONGEST}"


# What a schedule has queued waits for its jitter, or for its turn after a wake: for a length, though until a moment.
OF_A_SLOT = "SELECT id FROM execution WHERE queue = 'timer' AND status = 'queued' AND slot_id IS NOT NULL"
LONGEST_OF_A_SLOT_MS = 25 * 3600 * 1000  # a day of jitter at most, and the minutes of a quiet start


def of_slots_too_long(view: View) -> list[str]:
    """Give the ids of what a schedule has queued for later than it can have meant: its clock was ahead then."""
    latest = view.now + LONGEST_OF_A_SLOT_MS
    return [one for (one,) in view.sql(f"{OF_A_SLOT} AND not_before > ? ORDER BY id", (latest,))]


def shift(tx: Tx, ms: Millis, longest: Mapping[str, Millis]) -> int:
    """Move the ends of waits along with a clock that was set by `ms`, and give how many that were.

    None ends later than its longest wait from now: what was written after the clock was set is right already.
    """
    lengths = orjson.dumps(longest).decode()
    moved = f"min(not_before + ?, ? + {LONGEST})"
    rows = tx.sql(
        f"UPDATE execution SET not_before = {moved}, waiting_until = {moved} WHERE {FOR_A_LENGTH} RETURNING 1",
        (ms, tx.now, lengths, ms, tx.now, lengths, lengths),
    )
    return len(rows)


def has_too_long(view: View, longest: Mapping[str, Millis]) -> bool:
    """Say whether something waits for longer than it can have been meant to."""
    lengths = orjson.dumps(longest).decode()
    statement = f"SELECT 1 FROM execution INDEXED BY execution_retrying WHERE {TOO_LONG} LIMIT 1"
    return bool(view.sql(statement, (lengths, view.now, lengths)))


def shorten(tx: Tx, longest: Mapping[str, Millis]) -> int:
    """Let nothing wait for longer than it can have been meant to, and give how many that were."""
    lengths = orjson.dumps(longest).decode()
    latest = f"? + {LONGEST}"
    rows = tx.sql(
        f"UPDATE execution SET not_before = {latest}, waiting_until = {latest} WHERE {TOO_LONG} RETURNING 1",
        (tx.now, lengths, tx.now, lengths, lengths, tx.now, lengths),
    )
    return len(rows)
