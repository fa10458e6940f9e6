"""What persons have allowed: for one call, for those of a task, or for an hour."""

from dataclasses import replace

import orjson
import peewee as pw

from baara_engine import errors, events, redaction
from baara_engine.clock import Millis
from baara_engine.records import Execution, Grant, Scope
from baara_engine.store import lookup, models
from baara_engine.store.transaction import Row, Tx, View

SELECT = models.select(models.Grant, Grant)
TABLE = models.Grant
NEWEST_FIRST = (TABLE.created_at.desc(), pw.SQL("rowid DESC"))
REVOKE = "UPDATE grant SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL RETURNING 1"


def give(tx: Tx, grant: Grant) -> None:
    """Store a grant and tell of it."""
    body = None if grant.input is None else orjson.dumps(redaction.known.json(grant.input)).decode()
    row = {name: getattr(grant, name) for name in grant.__slots__} | {"input": body}
    tx.change(TABLE.insert(row))
    _tell(tx, grant, "given")


def of_call(view: View, execution_id: str, turn: int, tool_use_id: str) -> Grant | None:
    """Give what was allowed of just this call, if it is still."""
    about = (TABLE.execution_id == execution_id) & (TABLE.turn == turn) & (TABLE.tool_use_id == tool_use_id)
    rows = view.rows(SELECT.where(about & TABLE.revoked_at.is_null()).order_by(*NEWEST_FIRST).limit(1))
    return _grant(rows[0]) if rows else None


def standing(view: View, execution: Execution, now: Millis) -> list[Grant]:
    """Give what holds now for several calls of an execution: those of its task, or of itself if it has none."""
    whose = TABLE.execution_id == execution.id if execution.task_id is None else TABLE.task_id == execution.task_id
    holds = TABLE.revoked_at.is_null() & (TABLE.expires_at.is_null() | (TABLE.expires_at > now))
    rows = view.rows(SELECT.where(whose & holds & (TABLE.scope != Scope.CALL)).order_by(TABLE.id))
    return [_grant(row) for row in rows]


def listing(view: View, *, every: bool, now: Millis, limit: int) -> list[Grant]:
    """Give grants, newest first: those for several calls that hold now, or all that were ever given."""
    query = SELECT
    if not every:
        holds = TABLE.revoked_at.is_null() & (TABLE.expires_at.is_null() | (TABLE.expires_at > now))
        query = query.where(holds & (TABLE.scope != Scope.CALL))
    return [_grant(row) for row in view.rows(query.order_by(*NEWEST_FIRST).limit(limit))]


def find(view: View, prefix: str) -> Grant:
    """Give the one grant whose id begins like this. Raises `errors.NotFound` or `errors.InvalidInput`."""
    [row] = view.rows(SELECT.where(TABLE.id == lookup.by_prefix(view, "grant", prefix)))
    return _grant(row)


def revoke(tx: Tx, grant: Grant, by: str) -> Grant:
    """Take a grant back; what has run has run. Raises `errors.Refused` if that was done before."""
    if not tx.sql(REVOKE, (tx.now, by, grant.id)):
        raise errors.Refused(f"This grant was revoked already, by {grant.revoked_by}.")
    _tell(tx, grant, "revoked")
    return find(tx, grant.id)


def _grant(row: Row) -> Grant:
    raw = Grant(*row)
    value = None if raw.input is None else orjson.loads(str(raw.input))
    return replace(raw, scope=Scope(raw.scope), input=value, is_prefix=bool(raw.is_prefix))


def _tell(tx: Tx, grant: Grant, state: str) -> None:
    data = {"grant_id": grant.id, "state": state, "scope": grant.scope, "tool": grant.tool}
    tx.emit(events.Kind.GRANT, execution_id=grant.execution_id, data=data)
