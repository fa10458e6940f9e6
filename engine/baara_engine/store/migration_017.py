"""The step of the schema that keeps which hosts agents may read pages of."""

from baara_engine.store.transaction import Tx


def m017_fetch_hosts(tx: Tx) -> None:
    """Add the list, empty: nothing is read before a person has said so."""
    tx.sql("CREATE TABLE fetch_host (pattern TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL)")
