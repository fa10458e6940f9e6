"""The pause of all work, as it is stored: one setting, which outlives the engine."""

import orjson

from baara_engine import events
from baara_engine.clock import Millis
from baara_engine.records import Pause
from baara_engine.store.transaction import Tx, View

KEY = "pause"  #: of the setting


def get(view: View) -> Pause | None:
    """Give the pause that holds now; None if there is none, or its time is over."""
    rows = view.sql("SELECT value FROM setting WHERE key = ?", (KEY,))
    stored = orjson.loads(rows[0][0]) if rows else None
    pause = None if stored is None else Pause(**stored)
    return pause if pause is not None and (pause.until is None or view.now < pause.until) else None


def set_(tx: Tx, until: Millis | None, by: str) -> Pause:
    """Pause until then, or until somebody says otherwise."""
    pause = Pause(tx.now, until, by)
    _put(tx, {"since": pause.since, "until": until, "by": by})
    tx.emit(events.Kind.PAUSED, data={"until": until, "by": by})
    return pause


def lift(tx: Tx, by: str) -> bool:
    """Let work go on; say whether there was a pause."""
    if get(tx) is None:
        return False
    _put(tx, None)
    tx.emit(events.Kind.UNPAUSED, data={"by": by})
    return True


def _put(tx: Tx, value: dict[str, int | str | None] | None) -> None:
    tx.sql("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (KEY, orjson.dumps(value).decode()))
