"""The step of the schema that lets conversations be compacted, and the agent note how far its work is."""

from baara_engine.store.transaction import Tx

COMPACTION = """
CREATE TABLE compaction (
    execution_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    covers INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    at_turn INTEGER NOT NULL,
    kind TEXT NOT NULL,
    head BLOB NOT NULL,
    words BLOB NOT NULL,
    chain BLOB NOT NULL,
    model TEXT,
    at INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    PRIMARY KEY (execution_id, number),
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
)
"""
PROGRESS = """
CREATE TABLE progress (
    execution_id TEXT NOT NULL PRIMARY KEY,
    constraints BLOB NOT NULL,
    done BLOB NOT NULL,
    next TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
)
"""


def m013_long_work(tx: Tx) -> None:
    """Add what stands in place of a long conversation when it is sent, and what the agent has noted of its work."""
    tx.sql(COMPACTION)
    tx.sql(PROGRESS)
