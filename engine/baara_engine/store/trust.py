"""The folders whose own skills may be used, because the person said so."""

from baara_engine.store.transaction import Tx, View


def add(tx: Tx, path: str) -> None:
    """Trust a folder, named by its real path."""
    tx.sql("INSERT INTO trusted_folder (path, at) VALUES (?, ?) ON CONFLICT (path) DO NOTHING", (path, tx.now))


def remove(tx: Tx, path: str) -> bool:
    """Trust a folder no longer, and say whether it was trusted."""
    return bool(tx.sql("DELETE FROM trusted_folder WHERE path = ? RETURNING 1", (path,)))


def listing(view: View) -> list[str]:
    """Give the trusted folders, sorted."""
    return [path for (path,) in view.sql("SELECT path FROM trusted_folder ORDER BY path")]
