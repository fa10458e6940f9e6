"""What happens at the start of an engine: the leases of the dead are given back. It queues, and never runs anything."""

import logging
from collections.abc import Callable, Mapping

from baara_engine import owner, settle
from baara_engine.errors import FailureKind
from baara_engine.records import Execution
from baara_engine.states import Status
from baara_engine.store import deaths, executions, news
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

log = logging.getLogger(__name__)

POISONOUS = 3  # deaths in one step: one is chance and two may be, but what kills a third time would kill for ever
POISON = f"Baara died {POISONOUS} times in the same step of this execution, so it is not tried again by itself."


def recover(store: Store, me: str, is_alive: Callable[[str | None], bool] = owner.alive) -> int:
    """Queue whatever an engine that is dead had in its hands, and give how many that were."""
    taken = _take_back(store, settle.CRASHED, lambda one: one.owner != me and _is_abandoned(one, store, is_alive))
    if taken:
        log.info("took back %d executions of an engine that died", taken)
    return taken


def take_back_orphans(store: Store, me: str, at_work: Mapping[str, int]) -> int:
    """Queue what this engine holds and nobody in it works on, and give how many that were.

    There is such work after a lease could not be settled, because the disk was full, say. `at_work` gives the epochs of
    the leases that are worked on, by execution.
    """
    taken = _take_back(store, settle.UNSETTLED, lambda one: one.owner == me and at_work.get(one.id) != one.epoch)
    if taken:
        log.warning("took back %d executions that could not be settled", taken)
    return taken


def _take_back(store: Store, ended_by: str, is_wanted: Callable[[Execution], bool]) -> int:
    """Look first without a lock, and again in the write: meanwhile somebody may have cancelled what is held."""

    def work(tx: Tx) -> int:
        held = [execution for execution in executions.leased(tx) if is_wanted(execution)]
        for execution in held:
            _take_one_back(tx, store, execution, ended_by)
        return len(held)

    return store.write(work) if any(is_wanted(one) for one in store.read(executions.leased)) else 0


def _take_one_back(tx: Tx, store: Store, execution: Execution, ended_by: str) -> None:
    """Give one execution back to its queue; one that was to be cancelled is cancelled, and poison is put away."""
    if execution.cancel_requested_at is not None:
        settle.cancel(tx, store, execution, epoch=execution.epoch)
        return
    news.mark_attempt(tx, execution.id, execution.epoch, ended_by)
    if deaths.in_this_step(tx, execution) >= POISONOUS:
        settle.bury(tx, store, execution, settle.Failure(FailureKind.POISON, POISON))
    else:
        executions.move(tx, execution.id, execution.status, Status.QUEUED, epoch=execution.epoch)


def _is_abandoned(execution: Execution, store: Store, is_alive: Callable[[str | None], bool]) -> bool:
    """Say whether nobody works on it: its owner is dead, or its lease has run out (the clock is only a backstop)."""
    return not is_alive(execution.owner) or (execution.lease_until or 0) < store.clock.now()
