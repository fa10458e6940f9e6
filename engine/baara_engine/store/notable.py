"""What is worth a word on the desktop: open questions, fresh failures, and results that were to be announced."""

from baara_engine.clock import Millis
from baara_engine.records_of_threads import Notable
from baara_engine.store.transaction import Tx, View

KEY = "announced_until"  #: of the setting that says up to which moment this was told
MOST = 100  # of each kind: whoever has more is told a number
QUESTIONS = """
SELECT 'needs you', q.thread_id, t.title, q.text, q.created_at FROM question q JOIN thread t ON t.id = q.thread_id
WHERE q.status = 'open' ORDER BY q.created_at DESC LIMIT ?
"""
FAILURES = """
SELECT 'failed', e.thread_id, t.title, coalesce(e.error_message, ''), e.completed_at
FROM execution e JOIN thread t ON t.id = e.thread_id
WHERE t.lane = 'failed' AND e.status = 'dead_lettered' AND e.completed_at > ? ORDER BY e.completed_at DESC LIMIT ?
"""
RESULTS = """
SELECT coalesce(e.outcome, 'Ran'), e.thread_id, t.title, coalesce(e.output, ''), e.completed_at
FROM execution e JOIN thread t ON t.id = e.thread_id
WHERE e.announce = 1 AND e.status = 'completed' AND e.completed_at > ? ORDER BY e.completed_at DESC LIMIT ?
"""


def since(view: View, moment: Millis) -> list[Notable]:
    """Give all open questions, and what has failed, or ended and was to be announced, since a moment."""
    rows = [
        *view.sql(QUESTIONS, (MOST,)), *view.sql(FAILURES, (moment, MOST)), *view.sql(RESULTS, (moment, MOST)),
    ]  # fmt: skip
    return [Notable(*row) for row in rows]


def told_until(view: View) -> Millis | None:
    """Give the moment up to which it was told; None if nothing ever was."""
    rows = view.sql("SELECT value FROM setting WHERE key = ?", (KEY,))
    return int(rows[0][0]) if rows else None


def note_told(tx: Tx, moment: Millis) -> None:
    """Note that all up to a moment was told."""
    tx.sql("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (KEY, str(moment)))
