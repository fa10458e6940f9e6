"""The step of the schema that keeps whose results are to be announced."""

from baara_engine.store.transaction import Tx


def m019_announce(tx: Tx) -> None:
    """Add the wish, to tasks and to executions: nothing that is there has one."""
    for table in ("task", "execution"):
        tx.sql(f"ALTER TABLE {table} ADD COLUMN announce INTEGER NOT NULL DEFAULT 0")
