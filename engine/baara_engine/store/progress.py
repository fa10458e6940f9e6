"""What the agent has noted about its work: what it must hold to, what is done, what comes next.

It is put back word for word whenever the conversation is compacted, so it stands here by itself and under a checksum.
"""

from collections.abc import Iterable

import orjson

from baara_engine import errors, redaction
from baara_engine.records import Progress
from baara_engine.store import checksums
from baara_engine.store.transaction import Tx, View

MOST_CHARS = 20_000  # of all notes together: they are sent with every question, and must stay a small part of it

GET = "SELECT execution_id, next, updated_at, constraints, done, checksum FROM progress WHERE execution_id = ?"
PUT = """
INSERT INTO progress (execution_id, next, updated_at, constraints, done, checksum) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (execution_id) DO UPDATE SET next = excluded.next, updated_at = excluded.updated_at,
       constraints = excluded.constraints, done = excluded.done, checksum = excluded.checksum
"""
TOO_LONG = (
    "Not noted: with this, the notes would have {chars:,} characters, and {most:,} is the most. Note it again with "
    "`replace` set and all lists put shorter."
)


def get(view: View, execution_id: str) -> Progress:
    """Give the notes; empty ones if there are none. Raises `errors.JournalDamaged`."""
    rows = view.sql(GET, (execution_id,))
    if not rows:
        return Progress()
    *facts, constraints, done, checksum = rows[0]
    if checksum != checksums.of(tuple(facts), constraints, done):
        raise errors.JournalDamaged(
            f"What the agent of execution {execution_id} has noted is not what was written: {errors.DAMAGED}"
        )
    return Progress(tuple(orjson.loads(constraints)), tuple(orjson.loads(done)), facts[1], facts[2])


def note(
    tx: Tx, execution_id: str, *, constraints: Iterable[str], done: Iterable[str], next_: str | None, replace: bool
) -> str | None:
    """Add to the notes, or put these in their place. Say what is wrong if they would be too long; None if all is well.

    What stands there already is not added again. Without a next step, the one before stays.
    """
    constraints, done, next_ = redaction.known.json([list(constraints), list(done), next_])
    before = get(tx, execution_id)
    base = Progress(next=before.next) if replace else before
    after = Progress(
        tuple(dict.fromkeys([*base.constraints, *constraints])),
        tuple(dict.fromkeys([*base.done, *done])),
        base.next if next_ is None else next_,
        tx.now,
    )
    chars = sum(map(len, [*after.constraints, *after.done, after.next]))
    if chars > MOST_CHARS:
        return TOO_LONG.format(chars=chars, most=MOST_CHARS)
    facts = (execution_id, after.next, tx.now)
    bodies = (orjson.dumps(after.constraints), orjson.dumps(after.done))
    tx.sql(PUT, (*facts, *bodies, checksums.of(facts, *bodies)))
    return None
