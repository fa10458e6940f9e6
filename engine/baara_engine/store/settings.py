"""The settings as they are stored: one row."""

from typing import Any

import orjson

from baara_engine import events
from baara_engine.store.transaction import Tx, View

KEY = "settings"  #: of the row


def get(view: View) -> dict[str, Any]:
    """Give what was set; nothing of what was not."""
    rows = view.sql("SELECT value FROM setting WHERE key = ?", (KEY,))
    stored: dict[str, Any] = orjson.loads(rows[0][0]) if rows else {}
    return stored


def put(tx: Tx, values: dict[str, Any], changed: list[str], by: str) -> None:
    """Set all of them anew."""
    tx.sql("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (KEY, orjson.dumps(values).decode()))
    tx.emit(events.Kind.SETTINGS, data={"changed": changed, "by": by})
