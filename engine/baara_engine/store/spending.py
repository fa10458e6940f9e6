"""The ledger of money: before a question to a model the most that it may cost is set aside, after it the truth is kept.

A row is `open` while the question is out, `settled` once the answer is in the journal, in the same transaction, and
`lapsed` if nobody can say what it has cost: then it counts for all that was set aside. What was certainly not charged
has no row. So what is counted is never less than what was spent.
"""

from baara_engine import events
from baara_engine.clock import Millis
from baara_engine.money import Limit, Reached, Scope, Usage
from baara_engine.records import Execution
from baara_engine.store import kinship
from baara_engine.store.transaction import Tx, View

INSERT = """
INSERT INTO spent (execution_id, task_id, project_id, model, at, reserved, cost, state)
VALUES (?, ?, ?, ?, ?, ?, NULL, 'open')
"""
COUNTED = """
SELECT coalesce(sum(CASE WHEN state = 'open' THEN 0 ELSE coalesce(cost, reserved) END), 0),
       coalesce(sum(CASE WHEN state = 'open' THEN reserved ELSE 0 END), 0)
FROM spent WHERE
"""
# Budgets of an execution and of whatever it is part of, its own first, as they are now.
BUDGETS = f"""
{kinship.ABOVE} SELECT execution.id, budget_microusd FROM above JOIN execution ON execution.id = above.id
WHERE budget_microusd IS NOT NULL ORDER BY far
"""
LIMIT = "SELECT microusd FROM spending_limit WHERE scope = ? AND key = ?"
SET = """
INSERT INTO spending_limit (scope, key, microusd, updated_at, updated_by) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (scope, key) DO UPDATE SET microusd = excluded.microusd, updated_at = excluded.updated_at,
    updated_by = excluded.updated_by
"""
WAITING = "SELECT id FROM execution WHERE queue = 'timer' AND status = 'retry_scheduled' AND waiting_reason = 'budget'"
# What usage is told by: the expression, and which rows have one.
BY = {
    "day": "strftime('%Y-%m-%d', at / 1000, 'unixepoch', 'localtime')",
    "task": "coalesce(task_id, '')",
    "project": "coalesce(project_id, '')",
    "model": "model",
}


def reserve(tx: Tx, execution: Execution, least: int, most: int, day_began: Millis) -> int | Reached:
    """Set aside up to `most` for one question, or at least `least`; give how much, or the limit that forbids it.

    What is still open of this execution is of a lease that has ended: nobody can say what it has cost.
    """
    lapse(tx, execution.id)
    give = most
    for limit in limits_of(tx, execution):
        spent, held = counted(tx, limit, day_began)
        left = limit.microusd - spent - held
        if left < least:
            return Reached(limit, spent, held)
        give = min(give, left)
    where = (execution.id, execution.task_id, execution.project_id, execution.model)
    tx.sql(INSERT, (*where, tx.now, give))
    return give


def settle(tx: Tx, execution_id: str, cost: int | None) -> None:
    """Write down what the question that is out has cost; None where its model has no price."""
    state = "lapsed" if cost is None else "settled"
    tx.sql(
        "UPDATE spent SET cost = ?, state = ? WHERE execution_id = ? AND state = 'open'", (cost, state, execution_id)
    )


def lapse(tx: Tx, execution_id: str) -> None:
    """Give up finding out what the question that is out has cost: it counts for what was set aside."""
    tx.sql("UPDATE spent SET state = 'lapsed' WHERE execution_id = ? AND state = 'open'", (execution_id,))


def release(tx: Tx, execution_id: str) -> None:
    """Take back what was set aside for a question that was certainly not charged."""
    tx.sql("DELETE FROM spent WHERE execution_id = ? AND state = 'open'", (execution_id,))


def limits_of(view: View, execution: Execution) -> list[Limit]:
    """Give the limits that hold for an execution, as they are now: its own, those of what it is part of, and so on."""
    found = [Limit(Scope.EXECUTION, one, int(amount)) for one, amount in view.sql(BUDGETS, (execution.id,))]
    wanted = [(Scope.DAY, ""), (Scope.TASK, execution.task_id), (Scope.PROJECT, execution.project_id)]
    for scope, key in wanted:
        rows = [] if key is None else view.sql(LIMIT, (scope, key))
        found += [Limit(scope, key or "", int(amount)) for (amount,) in rows]
    return found


def counted(view: View, limit: Limit, day_began: Millis) -> tuple[int, int]:
    """Give what counts against a limit: what was spent, and what is set aside just now.

    Against the budget of an execution counts all that it has submitted, too.
    """
    if limit.scope is Scope.EXECUTION:
        rows = view.sql(f"{kinship.FAMILY}{COUNTED} execution_id IN family", (limit.key,))
    elif limit.scope is Scope.DAY:
        rows = view.sql(f"{COUNTED} at >= ?", (day_began,))
    else:
        rows = view.sql(f"{COUNTED} at >= ? AND {limit.scope}_id = ?", (day_began, limit.key))
    [(spent, held)] = rows
    return int(spent), int(held)


def limits(view: View) -> list[Limit]:
    """Give the limits of days, tasks and projects."""
    rows = view.sql("SELECT scope, key, microusd FROM spending_limit ORDER BY scope, key")
    return [Limit(Scope(scope), key, int(amount)) for scope, key, amount in rows]


def set_limit(tx: Tx, limit: Limit, by: str) -> Limit:
    """Say how much may be spent, from now on."""
    if limit.scope is Scope.EXECUTION:
        tx.sql("UPDATE execution SET budget_microusd = ? WHERE id = ?", (limit.microusd, limit.key))
    else:
        tx.sql(SET, (limit.scope, limit.key, limit.microusd, tx.now, by))
    tx.emit(events.Kind.LIMIT, data={"scope": limit.scope, "key": limit.key, "microusd": limit.microusd})
    return limit


def remove_limit(tx: Tx, scope: Scope, key: str) -> bool:
    """Take a limit away, and say whether there was one."""
    gone = bool(tx.sql("DELETE FROM spending_limit WHERE scope = ? AND key = ? RETURNING 1", (scope, key)))
    if gone:
        tx.emit(events.Kind.LIMIT, data={"scope": scope, "key": key, "microusd": None})
    return gone


def get(view: View, scope: Scope, key: str) -> Limit | None:
    """Give the limit of this scope, None if there is none."""
    if scope is Scope.EXECUTION:
        rows = view.sql("SELECT budget_microusd FROM execution WHERE id = ? AND budget_microusd IS NOT NULL", (key,))
    else:
        rows = view.sql(LIMIT, (scope, key))
    return Limit(scope, key, int(rows[0][0])) if rows else None


def waiting_for(view: View, scope: Scope, key: str) -> list[str]:
    """Give the ids of executions that wait for money under a limit."""
    if scope is Scope.EXECUTION:
        rows = view.sql(f"{kinship.FAMILY}{WAITING} AND id IN family ORDER BY id", (key,))
    else:
        column = {Scope.TASK: "task_id", Scope.PROJECT: "project_id"}.get(scope)
        also, params = ("", ()) if column is None else (f" AND {column} = ?", (key,))
        rows = view.sql(f"{WAITING}{also} ORDER BY id", params)
    return [one for (one,) in rows]


def usage(view: View, by: str, since: Millis) -> list[Usage]:
    """Add up what was spent since then by day, task, project or model, the dearest first; days in their order."""
    rows = view.sql(
        f"SELECT {BY[by]} AS what, count(*), sum(coalesce(cost, reserved)), "
        "sum(CASE WHEN state = 'settled' THEN 0 ELSE reserved END) "
        f"FROM spent WHERE at >= ? GROUP BY what ORDER BY {'what' if by == 'day' else '3 DESC'}",
        (since,),
    )
    return [Usage(str(what), int(count), int(cost), int(unknown)) for what, count, cost, unknown in rows]
