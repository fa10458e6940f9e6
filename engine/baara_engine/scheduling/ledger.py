"""Writing the ledger: rows for runs of due times, and what a wrong clock has made void."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baara_engine.clock import Millis
from baara_engine.schedules import rules
from baara_engine.schedules.records import Schedule, Slot, SlotState
from baara_engine.scheduling import policy, times
from baara_engine.store import slots
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

RUN = frozenset({SlotState.RAN, SlotState.LATE, SlotState.CAUGHT_UP})  #: something ran for these
ROWS = 1000  # that are looked at beside a stretch of new due times; only a clock that was years behind leaves more


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a whole run of due times."""

    state: SlotState
    why: str


def standing(tx: Tx, store: Store, schedule: Schedule, rule: rules.Rule) -> list[Slot]:
    """Give what the ledger says about the due times that come now, without what is void; of much, the newest."""
    found = slots.between(tx, schedule.id, schedule.accounted_until, tx.now, ROWS)
    return [one for one in found if not _is_void(tx, store, schedule, rule, one)]


def covers(rows: Sequence[Slot], due: Millis) -> bool:
    """Say whether one of the rows is about this due time."""
    return any(row.due <= due <= row.last_due for row in rows)


def passed_over(tx: Tx, schedule: Schedule) -> Millis | None:
    """Give the first due time by now that a wrong clock has passed over at a time still to come, if there is one."""
    found = slots.between(tx, schedule.id, 0, tx.now, ROWS)
    return next((one.due for one in found if one.why == policy.CLOCK_SET and (one.settled_at or 0) > tx.now), None)


def fill(
    tx: Tx, store: Store, schedule: Schedule, rule: rules.Rule, rows: Sequence[Slot], single: Sequence[Millis],
    verdict: Verdict,
) -> None:  # fmt: skip
    """Account for the due times until now that neither have a row nor are among `single`, a row for each run."""
    taken = sorted([(row.due, row.last_due) for row in rows] + [(due, due) for due in single])
    cursor = schedule.accounted_until
    if len(rows) >= ROWS:
        cursor = max(cursor, rows[0].due - 1)
    for begin, end in taken:
        _fill(tx, store, schedule, rule, cursor, begin - 1, verdict)
        cursor = max(cursor, end)
    _fill(tx, store, schedule, rule, cursor, tx.now, verdict)


def _fill(
    tx: Tx, store: Store, schedule: Schedule, rule: rules.Rule, after: Millis, until: Millis, verdict: Verdict
) -> None:
    first = rules.next_after(rule, after)
    if first is None or first > until:
        return
    [last] = times.newest(rule, after, until, 1)
    count = times.count(rule, after, until)
    before = slots.last(tx, schedule.id)
    if before is not None and _goes_on(before, first, verdict):
        slots.lengthen(tx, before, last, None if count is None or before.count is None else before.count + count)
        return
    row = Slot(
        id=store.ids.new(), schedule_id=schedule.id, due=first, last_due=last, count=count, state=verdict.state,
        why=verdict.why, execution_id=None, settled_at=tx.now,
    )  # fmt: skip
    slots.make(tx, row)


def _goes_on(before: Slot, first: Millis, verdict: Verdict) -> bool:
    """Say whether a task that is switched off goes on being so: that is one row, however long it lasts."""
    same = (before.state, before.why) == (verdict.state, verdict.why)
    return same and verdict.why == policy.OFF and before.last_due < first


def _is_void(tx: Tx, store: Store, schedule: Schedule, rule: rules.Rule, row: Slot) -> bool:
    """Take from a row the due times that come now, where a wrong clock has settled it before its time.

    What ran, did; what is open, is; what the ledger has dealt with before now and what is still to come stay.
    """
    if row.state in RUN or row.settled_at is None or row.settled_at <= tx.now:
        return False
    parts = [(row.due - 1, schedule.accounted_until), (tx.now, row.last_due)]
    slots.remove(tx, row)
    for after, until in parts:
        first = rules.next_after(rule, after)
        if first is not None and first <= until:
            last, count = times.newest(rule, after, until, 1)[0], times.count(rule, after, until)
            slots.make(tx, replace(row, id=store.ids.new(), due=first, last_due=last, count=count))
    return True
