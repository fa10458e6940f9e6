"""What an engine does when the computer has slept or its clock was set.

Working time is counted by the monotonic clock, so a sleep uses up nobody's time limit. What waits for a length of time
(the next attempt, the end of a rate limit) waits for that length whatever the wall clock says; what waits for a moment
that a person has named waits for the wall clock.
"""

import logging
from collections.abc import Mapping

from baara_engine import clock, events, resuming, retry, states
from baara_engine.clock import Break, Millis
from baara_engine.records import Execution, Kind
from baara_engine.store import executions, journal, threads, waits
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

log = logging.getLogger(__name__)

MS_PER_S = 1000
NOTED_MS = 60 * MS_PER_S  # a shorter sleep is no news to whoever reads the thread
LONGEST_PARK_S = 24 * 3600.0  # what a service asks for counts up to a day (`agent.failures`)

# By what it waits for, the longest that something can have been told to wait, in ms.
LONGEST: Mapping[str, Millis] = {
    "retry": round(retry.LONGEST_DELAY_S * (1 + retry.JITTER) * MS_PER_S),
    **{kind.value: round(LONGEST_PARK_S * MS_PER_S) for kind in retry.PARK_S},
}


def shorten_waits(store: Store) -> None:
    """Let nothing wait for longer than it can have been meant to, because the clock was wrong before this start."""
    if store.read(lambda view: waits.has_too_long(view, LONGEST)):
        shortened = store.write(lambda tx: waits.shorten(tx, LONGEST))
        log.info("shortened %d waits that a wrong clock had made too long", shortened)


def bring_back_slots(store: Store) -> None:
    """Let what schedules queued while the clock was ahead begin now, rather than when that time comes."""
    if store.read(waits.of_slots_too_long):
        store.write(_bring_back)
        log.info("brought back what a clock that was ahead had put off")


def _bring_back(tx: Tx) -> None:
    for execution_id in waits.of_slots_too_long(tx):
        executions.bring_forward(tx, execution_id, tx.now)


class Timekeeper:
    """Notices breaks of time and sees to what depends on them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watch = clock.Watch(store.clock)
        self._pending: list[tuple[str, Break]] = []  #: noticed and not seen to; each with an id

    def is_off(self) -> bool:
        """Look at the clocks, and say whether there is something to see to."""
        found = self._watch.look()
        if found is not None:
            self._pending.append((self._store.ids.new(), found))
        return bool(self._pending)

    async def see_to(self, in_flight: list[Execution]) -> list[Break]:
        """Tell of the breaks that were noticed, shift what waits, and give them. Raises `errors.StoreError`."""
        seen = list(self._pending)

        def work(tx: Tx) -> None:
            for break_id, found in seen:
                self._tell(tx, break_id, found, in_flight)

        if seen:
            await self._store.awrite(work)
            del self._pending[: len(seen)]
        return [found for _, found in seen]

    def _tell(self, tx: Tx, break_id: str, found: Break, in_flight: list[Execution]) -> None:
        if found.slept_ms:
            tx.emit(events.Kind.SLEPT, data={"ms": found.slept_ms})
        if found.slept_ms >= NOTED_MS:
            for execution in in_flight:
                self._note(tx, break_id, found.slept_ms, execution)
        if found.jumped_ms:
            tx.emit(events.Kind.CLOCK_JUMPED, data={"ms": found.jumped_ms})
            waits.shift(tx, found.jumped_ms, LONGEST)

    def _note(self, tx: Tx, break_id: str, slept_ms: int, held: Execution) -> None:
        """Say in the thread of what is still at work how long it slept and where it goes on."""
        execution = executions.get(tx, held.id)
        if execution.status not in states.LEASED or execution.epoch != held.epoch:
            return
        where = f" at turn {_turn(tx, execution)}" if execution.kind is Kind.AGENT else ""
        threads.post(
            tx, self._store.ids.new(), execution.thread_id, kind="note", execution_id=execution.id,
            body=f"Asleep for {resuming.duration(slept_ms)}; goes on{where}.", key=f"{execution.id}/slept/{break_id}",
        )  # fmt: skip


def _turn(tx: Tx, execution: Execution) -> int:
    """Give the turn that is in progress: that of the calls at work, or the next one."""
    is_acting = journal.last_role(tx, execution.id) == "assistant"
    return execution.turn if is_acting else execution.turn + 1
