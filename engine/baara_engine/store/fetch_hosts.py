"""The hosts that agents may read pages of, because the person said so."""

from baara_engine.store.transaction import Tx, View


def add(tx: Tx, pattern: str) -> None:
    """Allow a host, in the form of `fetching.hosts.pattern`."""
    tx.sql("INSERT INTO fetch_host (pattern, at) VALUES (?, ?) ON CONFLICT (pattern) DO NOTHING", (pattern, tx.now))


def remove(tx: Tx, pattern: str) -> bool:
    """Allow a host no longer, and say whether it was on the list."""
    return bool(tx.sql("DELETE FROM fetch_host WHERE pattern = ? RETURNING 1", (pattern,)))


def listing(view: View) -> list[str]:
    """Give the list, sorted."""
    return [pattern for (pattern,) in view.sql("SELECT pattern FROM fetch_host ORDER BY pattern")]
