"""The step of the schema for what was spent, and for what may be."""

from baara_engine.store.transaction import Tx

SPENT = """
CREATE TABLE spent (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    execution_id TEXT NOT NULL,
    task_id TEXT,
    project_id TEXT,
    model TEXT NOT NULL,
    at INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    cost INTEGER,
    state TEXT NOT NULL
)
"""
LIMIT = """
CREATE TABLE spending_limit (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    microusd INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (scope, key)
)
"""


def m008_spending(tx: Tx) -> None:
    """Add the ledger of what model calls cost, and the limits."""
    tx.sql(SPENT)
    tx.sql("CREATE INDEX spent_at ON spent(at)")
    tx.sql("CREATE INDEX spent_execution_id ON spent(execution_id)")
    tx.sql(LIMIT)
