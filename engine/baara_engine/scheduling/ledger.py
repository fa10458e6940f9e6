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


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says already about the due times that come now."""

    after: Millis  #: what is due later than this is looked at
    until: Millis
    rows: Sequence[Slot]  #: oldest first

    def gaps(self) -> list[tuple[Millis, Millis]]:
        """Give the stretches that no row is about, each from after the first moment until the second, oldest first."""
        begins = [self.after, *(max(row.last_due, self.after) for row in self.rows)]
        return list(zip(begins, [*(row.due - 1 for row in self.rows), self.until], strict=True))

    def without(self, rule: rules.Rule, count: int) -> list[Millis]:
        """Give the newest `count` due times that have no row, oldest first."""
        found: list[Millis] = []
        for after, until in reversed(self.gaps()):
            if len(found) == count:
                break
            found = [*times.newest(rule, after, until, count - len(found)), *found]
        return found


def standing(tx: Tx, store: Store, schedule: Schedule, rule: rules.Rule) -> Standing:
    """Give what the ledger says, without what is void; of more than can be looked at, the newest."""
    after = schedule.accounted_until
    found = slots.between(tx, schedule.id, after, tx.now, ROWS)
    if len(found) >= ROWS:
        after = max(after, found[0].due - 1)
    return Standing(after, tx.now, [one for one in found if not _is_void(tx, store, schedule, rule, one)])


def passed_over(tx: Tx, schedule: Schedule) -> Millis | None:
    """Give the first due time by now that a wrong clock has passed over at a time still to come, if there is one."""
    found = slots.between(tx, schedule.id, 0, tx.now, ROWS)
    return next((one.due for one in found if one.why == policy.CLOCK_SET and (one.settled_at or 0) > tx.now), None)


def fill(
    tx: Tx, store: Store, schedule: Schedule, rule: rules.Rule, known: Standing, single: Sequence[Millis],
    verdict: Verdict,
) -> None:  # fmt: skip
    """Account for the due times until now that neither have a row nor are among `single`, a row for each run."""
    for after, until in known.gaps():
        cursor = after
        for due in single:
            if after < due <= until:
                _fill(tx, store, schedule, rule, cursor, due - 1, verdict)
                cursor = due
        _fill(tx, store, schedule, rule, cursor, until, verdict)


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
            last, count = times.newest(rule, after, until, 1)[0], _count(rule, row, after, until)
            slots.make(tx, replace(row, id=store.ids.new(), due=first, last_due=last, count=count))
    return True


def _count(rule: rules.Rule, row: Slot, after: Millis, until: Millis) -> int | None:
    """Count a part of a row; most of what was too much to be counted is so still, and is met at each due time."""
    if row.count is None and 2 * (until - after) > row.last_due - row.due:
        return None
    return times.count(rule, after, until)
