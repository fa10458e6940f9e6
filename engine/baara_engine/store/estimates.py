"""What work like this has cost and taken before: from the executions of a task that came to their end."""

import statistics

from baara_engine.records import Estimate
from baara_engine.store.transaction import View

MOST = 200  # of the newest executions: older ones tell of another task by that name
LEAST = 3  # of which anything can be said
ENDED = """
SELECT cost_microusd, completed_at - started_at FROM execution
WHERE task_id = ? AND status = 'completed' AND started_at IS NOT NULL AND cost_known ORDER BY id DESC LIMIT ?
"""


def of_task(view: View, task_id: str) -> Estimate | None:
    """Give what an execution of a task costs and takes, by the newest of them; None if there are too few."""
    rows = view.sql(ENDED, (task_id, MOST))
    if len(rows) < LEAST:
        return None
    costs, times = ([row[column] for row in rows] for column in (0, 1))
    return Estimate(
        len(rows), round(statistics.median(costs)), _most_of(costs), round(statistics.median(times)), _most_of(times)
    )


def _most_of(values: list[int]) -> int:
    """Give what nine of ten stay below."""
    return round(statistics.quantiles(values, n=10, method="inclusive")[8])
