"""Executions that belong together: what an agent submits is the child of its own execution."""

from collections.abc import Collection

from baara_engine import states
from baara_engine.records import Execution
from baara_engine.store import executions, kinship
from baara_engine.store.transaction import View

CHILDREN = f"{executions.SELECT} WHERE parent_id = ? AND parent_id IS NOT NULL ORDER BY id"
ANCESTORS = f"{kinship.ABOVE} SELECT id FROM above ORDER BY far"
BELOW = f"{kinship.FAMILY} SELECT count(*), coalesce(sum(cost_microusd), 0) FROM execution WHERE id IN family"


def children(view: View, execution_id: str) -> list[Execution]:
    """Give what this execution has submitted, oldest first."""
    return [executions.record(row) for row in view.sql(CHILDREN, (execution_id,))]


def still_open(view: View, execution_id: str, keys: Collection[str] | None = None) -> list[Execution]:
    """Give those of its children that have not ended; of these idempotency keys, if they are named."""
    return [
        child for child in children(view, execution_id)
        if child.status not in states.ENDED and (keys is None or child.idempotency_key in keys)
    ]  # fmt: skip


def ancestors(view: View, execution_id: str) -> list[str]:
    """Give the ids from this execution up to the one that nobody submitted."""
    return [found for (found,) in view.sql(ANCESTORS, (execution_id,))]


def size(view: View, execution_id: str) -> int:
    """Count an execution and all below it."""
    return int(view.sql(BELOW, (execution_id,))[0][0])


def cost(view: View, execution_id: str) -> int:
    """Give what an execution and all below it have cost so far, in millionths of a dollar."""
    return int(view.sql(BELOW, (execution_id,))[0][1])


def committed(view: View, execution_id: str) -> int:
    """Give what its children have cost or may still cost: an open one counts with its whole budget."""
    total = 0
    for child in children(view, execution_id):
        spent = cost(view, child.id)
        total += spent if child.status in states.ENDED else max(spent, child.budget_microusd or 0)
    return total
