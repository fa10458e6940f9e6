"""Comparing the ledger with the model, and with what must hold of it whatever the model says."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from tests.crash.slotted.expected import RUN, Plan, within
from tests.crash.slotted.house import House

from baara_engine import states
from baara_engine.clock import Millis
from baara_engine.records import Execution
from baara_engine.schedules import rules
from baara_engine.schedules.records import Slot
from baara_engine.scheduling import policy
from baara_engine.states import Status

Made = Mapping[tuple[str, Millis], Execution]


def check(house: House, plans: Mapping[str, Plan], begun: Millis) -> Counter[str]:
    """Count the due times by what became of them. Raises AssertionError with the first that is wrong."""
    counts: Counter[str] = Counter()
    made, ledger = house.executions(), house.rows()
    assert all(one.status in states.ENDED for one in made.values()), "something runs that nobody expected"
    for schedule_id, plan in plans.items():
        rows = ledger[schedule_id]
        try:
            _without_gaps(rows, rules.decode(house.engine.schedule(schedule_id).rule))
            _complete(rows, within(plan.due, begun + 1, house.clock.now()))
            for due, state in _each_as_expected(rows, plan):
                counts[state] += 1
                _ran_once(made.get((schedule_id, due)), plan, due, state)
        except AssertionError as error:
            raise AssertionError(f"schedule {plan.number} ({plan.missed}, {plan.overlap}): {error}") from None
    return counts


def _without_gaps(rows: list[Slot], rule: rules.Rule) -> None:
    """No two rows are about the same due time, and between those of one time of life none is left out."""
    for one, other in itertools.pairwise(rows):
        assert one.last_due < other.due, f"{said(other.due)} is in the ledger twice"
    for row in rows:
        if row.count is not None and row.count < 1000:
            count = sum(1 for _ in rules.between(rule, row.due - 1, row.last_due))
            assert row.count == count, f"the row of {said(row.due)} counts {row.count} of {count}"


def _complete(rows: list[Slot], due: Sequence[Millis]) -> None:
    """Each due time of the month is there, whatever the clock has shown meanwhile."""
    lost = [at for at in due if not any(row.due <= at <= row.last_due for row in rows)]
    assert not lost, f"{len(lost)} are lost, the first of them {said(lost[0])}"


def _each_as_expected(rows: list[Slot], plan: Plan) -> Iterator[tuple[Millis, str]]:
    """Give each due time that is followed, with its state."""
    found = {at: row for row in rows for at in within(plan.due, row.due, row.last_due)}
    for at in sorted(found.keys() | plan.entries.keys()):
        row, entry = found.get(at), plan.entries.get(at)
        assert row is not None, f"{said(at)} is lost, and should be {entry and entry.state}"
        assert entry is not None, f"{said(at)} is {row.state}, and should not be there"
        is_as = row.state.value == entry.state and (row.why == policy.CLOCK_SET) == entry.passed_over
        assert is_as, f"{said(at)} is {row.state} (“{row.why}”), and should be {entry.state}"
        yield at, entry.state


def _ran_once(execution: Execution | None, plan: Plan, due: Millis, state: str) -> None:
    """See that what ran has an execution, which has ended, and what did not has none but for an answered question."""
    if state not in RUN:
        return
    assert execution is not None, f"nothing ran at {said(due)}"
    ended = Status.CANCELLED if due in plan.cancelled else Status.COMPLETED
    assert execution.status is ended, f"what ran at {said(due)} is {execution.status}"


def said(at: Millis) -> str:
    """Write a due time for a person who looks for what is wrong."""
    return f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%d %H:%M}Z"
