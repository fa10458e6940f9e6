"""When somebody last looked, and what happened since."""

from baara_engine.clock import Millis
from baara_engine.records import Absence, Day
from baara_engine.states import Outcome
from baara_engine.store.transaction import Tx, View

SEEN = "seen_at"  #: setting: when somebody last had a page open
ENDED = """
SELECT outcome, count(*), sum(cost_microusd) FROM execution
WHERE completed_at >= ? AND outcome IS NOT NULL GROUP BY outcome
"""
BY_DAY = """
SELECT date(completed_at / 1000, 'unixepoch', 'localtime'), count(*), sum(input_tokens + output_tokens), sum(worked_ms)
FROM execution WHERE completed_at >= ? GROUP BY 1 ORDER BY 1
"""


def seen(view: View) -> Millis | None:
    """Give when somebody last looked, None if nobody has."""
    rows = view.sql("SELECT value FROM setting WHERE key = ?", (SEEN,))
    return int(rows[0][0]) if rows and str(rows[0][0]).isdecimal() else None


def note(tx: Tx) -> None:
    """Note that somebody looks now."""
    tx.sql(
        "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (SEEN, str(tx.now)),
    )


def since(view: View, moment: Millis) -> Absence:
    """Give what happened since a moment."""
    rows = view.sql(ENDED, (moment,))
    [(missed,)] = view.sql("SELECT count(*) FROM slot WHERE state = 'missed' AND due >= ?", (moment,))
    [(resumed,)] = view.sql(
        "SELECT count(DISTINCT execution_id) FROM event WHERE kind = 'resumed' AND at >= ?", (moment,)
    )
    [(asked,)] = view.sql("SELECT count(*) FROM question WHERE status = 'open' AND created_at >= ?", (moment,))
    ended = {Outcome(outcome): int(count) for outcome, count, _ in rows}
    return Absence(moment, ended, sum(int(cost or 0) for *_, cost in rows), missed, resumed, asked)


def by_day(view: View, since: Millis) -> list[Day]:
    """Give what ended on each day of this computer's calendar since a moment, oldest first."""
    return [Day(*row) for row in view.sql(BY_DAY, (since,))]
