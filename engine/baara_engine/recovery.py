"""What happens at the start of an engine: the leases of the dead are given back. It queues, and never runs anything."""

import logging
from collections.abc import Collection

from baara_engine import owner, settle
from baara_engine.records import Execution
from baara_engine.states import Status
from baara_engine.store import executions, news
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

log = logging.getLogger(__name__)


def recover(store: Store, me: str) -> int:
    """Queue whatever an engine that is dead had in its hands, and give how many that were."""
    held = [execution for execution in store.read(executions.leased) if _is_abandoned(execution, me, store)]
    if held:
        store.write(lambda tx: _take_all_back(tx, store, held))
        log.info("took back %d executions of an engine that died", len(held))
    return len(held)


def _take_all_back(tx: Tx, store: Store, held: list[Execution]) -> None:
    for execution in held:
        take_back(tx, store, execution)


def take_back_orphans(store: Store, me: str, at_work: Collection[str]) -> int:
    """Queue what this engine holds and nobody in it works on, and give how many that were.

    There is such work after a lease could not be settled, because the disk was full, say.
    """
    held = [one for one in store.read(executions.leased) if one.owner == me and one.id not in at_work]
    if held:
        store.write(lambda tx: _take_all_back(tx, store, held))
        log.warning("took back %d executions that could not be settled", len(held))
    return len(held)


def take_back(tx: Tx, store: Store, execution: Execution) -> None:
    """Give one execution back to its queue; one that was to be cancelled is cancelled."""
    if execution.cancel_requested_at is not None:
        settle.cancel(tx, store, execution, epoch=execution.epoch)
        return
    news.mark_attempt(tx, execution.id, execution.epoch, settle.CRASHED)
    executions.move(tx, execution.id, execution.status, Status.QUEUED, epoch=execution.epoch)


def _is_abandoned(execution: Execution, me: str, store: Store) -> bool:
    """Say whether nobody works on it: its owner is dead, or its lease has run out (the clock is only a backstop)."""
    if execution.owner == me:
        return False
    return not owner.alive(execution.owner) or (execution.lease_until or 0) < store.clock.now()
