"""The step of the schema for what persons have allowed, and for what checks must remember."""

from baara_engine.store.transaction import Tx

GRANT = """
CREATE TABLE grant (
    id TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    execution_id TEXT,
    task_id TEXT,
    tool TEXT NOT NULL,
    definition TEXT NOT NULL,
    turn INTEGER,
    tool_use_id TEXT,
    input_hash TEXT,
    input TEXT,
    command TEXT,
    is_prefix INTEGER NOT NULL,
    question_id TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    revoked_by TEXT,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
)
"""
CHECK_NOTE = """
CREATE TABLE check_note (
    id INTEGER NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
)
"""


def m007_grants_and_check_notes(tx: Tx) -> None:
    """Add the table of grants, and that of what checks must remember."""
    tx.sql(GRANT)
    tx.sql("CREATE INDEX grant_execution_id ON grant(execution_id)")
    tx.sql("CREATE INDEX grant_task_id ON grant(task_id)")
    tx.sql(CHECK_NOTE)
    tx.sql("CREATE UNIQUE INDEX check_note_execution_id_key ON check_note(execution_id, key)")
