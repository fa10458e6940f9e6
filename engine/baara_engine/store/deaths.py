"""How often an engine has died in the middle of one and the same step of an execution.

When a lease begins its first step, it notes where the journal stands. A lease that crashed with the journal still
there has died in that step. One that died before any step, while the model's library was loaded say, shows nothing.
"""

from baara_engine.records import Execution
from baara_engine.store.transaction import Tx, View

CRASHED = "crashed"  #: how a lease ended: the engine died

# The last message, the last turn with calls, and how many of its calls have a receipt: any step moves one of these.
POSITION = """
SELECT (SELECT coalesce(max(seq), -1) FROM message WHERE execution_id = ?1)
       || '/' || coalesce(max(turn), -1) || '/' || count(receipt_at)
FROM tool_call WHERE execution_id = ?1 AND turn = (SELECT max(turn) FROM tool_call WHERE execution_id = ?1)
"""
LEASES = "SELECT ended_by, began FROM attempt WHERE execution_id = ? AND attempt > ? ORDER BY epoch DESC"


def begin_step(tx: Tx, execution_id: str, epoch: int) -> None:
    """Note where the journal stands as a lease begins its first step; nothing, if the lease is gone."""
    statement = "UPDATE attempt SET began = ? WHERE execution_id = ? AND epoch = ? AND ended_at IS NULL"
    tx.sql(statement, (_position(tx, execution_id), execution_id, epoch))


def in_this_step(view: View, execution: Execution) -> int:
    """Count the leases in a row that ended by a crash in the step at which the journal stands, newest first.

    Leases from before a person gave it a fresh allowance do not count.
    """
    position = _position(view, execution.id)
    deaths = 0
    for ended_by, began in view.sql(LEASES, (execution.id, execution.allowance_from)):
        if ended_by != CRASHED or began not in {None, position}:
            break
        deaths += began == position
    return deaths


def _position(view: View, execution_id: str) -> str:
    [(position,)] = view.sql(POSITION, (execution_id,))
    return str(position)
