"""What is not as it should be: a row for each, with an event when it is found and when it is well again."""

from collections.abc import Collection, Mapping

from baara_engine import events, redaction
from baara_engine.clock import Millis
from baara_engine.records import Finding
from baara_engine.store import models
from baara_engine.store.transaction import Tx, View

# What there is to be found about an execution: key of the finding is kind/execution.
SLOW, SILENT, STUCK, TIMED_OUT, REPEATING, NO_PROGRESS = (
    "slow", "silent", "stuck", "timed_out", "repeating", "no_progress",
)  # fmt: skip
OF_A_STEP = frozenset({SLOW, SILENT, STUCK})  #: over with the lease: the step that they are about is over

FOUND = """
INSERT INTO finding (key, kind, execution_id, message, advice, since, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET message = excluded.message, advice = excluded.advice, seen_at = excluded.seen_at,
       since = excluded.since, cleared_at = NULL
WHERE cleared_at IS NOT NULL RETURNING 1
"""
SEEN = "UPDATE finding SET message = ?, seen_at = ? WHERE key = ? AND cleared_at IS NULL"
CLEAR = "UPDATE finding SET cleared_at = ? WHERE key = ? AND cleared_at IS NULL RETURNING kind, execution_id, message"
OPEN_OF = "SELECT key, kind FROM finding WHERE execution_id = ? AND cleared_at IS NULL"


def found(
    tx: Tx, kind: str, message: str, advice: str, execution_id: str | None = None, key: str | None = None
) -> None:
    """Note that something is not as it should be, and tell of it unless that was done and it has been so ever since."""
    key, message = key or key_of(kind, execution_id), redaction.known.text(message)
    if tx.sql(FOUND, (key, kind, execution_id, message, advice, tx.now, tx.now)):
        _tell(tx, key, kind, execution_id, "found", message)
    else:
        tx.sql(SEEN, (message, tx.now, key))


def clear(tx: Tx, key: str) -> None:
    """Note that it is well again, and tell of it if it was not."""
    for kind, execution_id, message in tx.sql(CLEAR, (tx.now, key)):
        _tell(tx, key, kind, execution_id, "cleared", message)


def clear_of(tx: Tx, execution_id: str, kinds: Collection[str] | None = None) -> None:
    """Note that all is well with an execution, or that nothing of these kinds is the matter with it any more."""
    for key, kind in tx.sql(OPEN_OF, (execution_id,)):
        if kinds is None or kind in kinds:
            clear(tx, key)


def key_of(kind: str, execution_id: str | None) -> str:
    """Name what is found once at a time, about an execution or about the engine."""
    return kind if execution_id is None else f"{kind}/{execution_id}"


def listing(view: View, *, open_only: bool = True) -> list[Finding]:
    """Give what was found, oldest first; what is well again only if it is asked for."""
    query = models.select(models.Finding, Finding).order_by(models.Finding.since, models.Finding.key)
    return [
        Finding(*row) for row in view.rows(query.where(models.Finding.cleared_at.is_null()) if open_only else query)
    ]


def cleared_before(view: View, before: Millis) -> bool:
    """Say whether something has been well again since before then."""
    return bool(view.sql("SELECT 1 FROM finding WHERE cleared_at < ? LIMIT 1", (before,)))


def forget(tx: Tx, before: Millis) -> None:
    """Delete what has been well again since before then; its events stay."""
    tx.sql("DELETE FROM finding WHERE cleared_at < ?", (before,))


def _tell(tx: Tx, key: str, kind: str, execution_id: str | None, state: str, message: str) -> None:
    data: Mapping[str, str] = {"key": key, "kind": kind, "state": state, "message": message}
    tx.emit(events.Kind.FINDING, execution_id=execution_id, data=dict(data))
