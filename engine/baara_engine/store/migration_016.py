"""The step of the schema that keeps what people say to work in progress until the agent has heard it."""

from baara_engine.store.transaction import Tx

SAID = """
CREATE TABLE said (
    id TEXT NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL,
    text TEXT NOT NULL,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    heard_at INTEGER,
    turn INTEGER,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
)
"""


def m016_said(tx: Tx) -> None:
    """Add the words that wait to be heard."""
    tx.sql(SAID)
    tx.sql("CREATE INDEX said_unheard ON said(execution_id, id) WHERE heard_at IS NULL")
