"""What the worker asks at each look: begin what is due, and say when the next is.

It keeps nothing that matters: what it forgets by a crash is how quiet a start was to be.
"""

import random
from dataclasses import replace

from baara_engine import errors, operations
from baara_engine.clock import Millis
from baara_engine.schedules import rules
from baara_engine.schedules.records import Schedule
from baara_engine.scheduling import beginning, ledger, turns
from baara_engine.scheduling.firing import Firing
from baara_engine.store import executions, schedules, tasks
from baara_engine.store.transaction import Tx, View

BATCH = 50  # schedules per transaction, so that a thousand due at once do not hold the lock for long
CORRECTION_MS = (
    3 * 3600 * 1000
)  # a clock set forward by more was wrong before; cron has drawn the line here for decades
QUIET_GAP_MS = 2000  # between what is made up for, so that a wake is no burst
QUIET_MOST_MS = 600_000  # however much there is to be made up for, it has begun by then


class Scheduler:
    """Brings due times into the ledger and into the queues."""

    def __init__(self, place: operations.Place, randomness: random.Random) -> None:
        """Take what operations need, and what jitter is drawn from."""
        self._store = place.store
        self._firing = Firing(place, randomness, self._quietly)
        self._quiet_until: Millis = 0
        self._set_forward = False  #: the clock was set by more than a correction, and nobody has dealt with it yet
        self._set_back = True  #: it may have been, before this start

    def clock_was_set(self, ms: Millis) -> None:
        """Take that the clock was set by so much, below 0 for backwards."""
        self._set_forward = self._set_forward or ms > CORRECTION_MS
        self._set_back = self._set_back or ms < 0

    async def look(self) -> None:
        """Deal with all that is due now. Raises `errors.StoreError`, or `errors.Unavailable` if the disk refuses."""
        try:
            await self._look()
        except OSError as error:
            raise errors.Unavailable(f"What is due cannot be queued: {error}.") from error

    def next_due(self, view: View) -> Millis | None:
        """Give the moment when the next timer or schedule is due."""
        found = [one for one in (executions.next_due(view), schedules.next_due(view)) if one is not None]
        return min(found, default=None)

    async def _look(self) -> None:
        while self._set_back and self._store.read(lambda view: schedules.ahead(view, 1)):
            await self._store.awrite(self._begin_again)
        self._set_back = False
        while self._store.read(lambda view: schedules.due(view, 1)):
            await self._store.awrite(self._deal)
        self._set_forward = False
        if self._store.read(turns.is_one):
            await self._store.awrite(lambda tx: turns.take(tx, self._firing.place))

    def _deal(self, tx: Tx) -> None:
        for schedule in schedules.due(tx, BATCH):
            if self._is_readable(tx, schedule):
                self._firing.deal(tx, schedule, clock_was_set=self._set_forward)

    def _begin_again(self, tx: Tx) -> None:
        """Let the ledgers that go beyond now go on from now, or from where the wrong clock had begun to pass over."""
        for schedule in schedules.ahead(tx, BATCH):
            if not self._is_readable(tx, schedule):
                continue
            rule, passed_over = rules.decode(schedule.rule), ledger.passed_over(tx, schedule)
            accounted = tx.now if passed_over is None else passed_over - 1
            due = rules.next_after(rule, accounted) if schedule.enabled else None
            schedules.advance(tx, schedule.id, accounted, due)

    def _is_readable(self, tx: Tx, schedule: Schedule) -> bool:
        """Say whether this computer understands the rule (it may lack the zone); if not, pause it and say why.

        The others must not wait for it.
        """
        try:
            rules.decode(schedule.rule)
        except errors.InvalidInput as error:
            resting = replace(
                schedule, enabled=False, next_due=None, accounted_until=min(schedule.accounted_until, tx.now)
            )
            schedules.change(tx, resting, "paused")
            beginning.tell(
                tx, self._store, tasks.get(tx, schedule.task_id),
                f"The schedule {schedule.id} is paused, because it cannot be understood: {error.message}",
            )  # fmt: skip
            return False
        return True

    def _quietly(self, now: Millis) -> Millis:
        """Give when the next of what is made up for may begin: the first at once, the others one by one."""
        at = min(max(now, self._quiet_until), now + QUIET_MOST_MS)
        self._quiet_until = at + QUIET_GAP_MS
        return at
