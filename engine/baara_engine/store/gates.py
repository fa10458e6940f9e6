"""What the gate of an execution has said, so that it is not asked twice in one attempt."""

from dataclasses import replace

import orjson

from baara_engine import owner, redaction
from baara_engine.records import Json
from baara_engine.schedules.records import GateRun
from baara_engine.store.transaction import Tx, View

COLUMNS = "execution_id, attempt, key, boot_id, begun_at, ended_at, result"
BEGIN = f"""
INSERT INTO gate_run ({COLUMNS}) VALUES (?, ?, ?, ?, ?, NULL, NULL)
ON CONFLICT (execution_id, attempt) DO UPDATE SET key = excluded.key, boot_id = excluded.boot_id
"""


def begin(tx: Tx, execution_id: str, attempt: int, key: str) -> None:
    """Note that the gate of an attempt is about to run, under this key of the sandbox."""
    tx.sql(BEGIN, (execution_id, attempt, key, owner.boot_id(), tx.now))


def end(tx: Tx, execution_id: str, attempt: int, result: Json) -> None:
    """Note what it has said."""
    statement = "UPDATE gate_run SET ended_at = ?, result = ? WHERE execution_id = ? AND attempt = ?"
    tx.sql(statement, (tx.now, orjson.dumps(redaction.known.json(result)).decode(), execution_id, attempt))


def of(view: View, execution_id: str, attempt: int) -> GateRun | None:
    """Give the gate's run of an attempt, if it has begun."""
    rows = view.sql(f"SELECT {COLUMNS} FROM gate_run WHERE execution_id = ? AND attempt = ?", (execution_id, attempt))
    if not rows:
        return None
    raw = GateRun(*rows[0])
    return raw if raw.result is None else replace(raw, result=orjson.loads(str(raw.result)))
