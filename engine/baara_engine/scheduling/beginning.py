"""A due time's execution: queued together with the row that says so."""

import itertools
from dataclasses import replace

from baara_engine import errors, operations, requests
from baara_engine.clock import Millis
from baara_engine.records import Execution, Task
from baara_engine.schedules.records import Schedule, Slot, SlotState
from baara_engine.states import Status
from baara_engine.store import executions, slots, tasks, threads
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

SOURCE = "schedule"  #: where such an execution is from


def submission(tx: Tx, task: Task, schedule: Schedule, slot: Slot, not_before: Millis | None) -> requests.Submission:
    """Give what is submitted for a due time: its key is that time, so nothing can run for it twice.

    Raises `errors.InvalidInput` if the task does not fit any more.
    """
    given = operations.submission_of(task, SOURCE)
    extra = {"slot_id": slot.id, "idempotency_key": key(tx, schedule, slot), "not_before": not_before}
    return given.model_copy(update=extra)


def key(tx: Tx, schedule: Schedule, slot: Slot) -> str:
    """Name what runs for a due time.

    What was called off before it began is passed over: it has asked a person about this due time, and the clock has
    been put back since, so that the due time comes again.
    """
    first = f"schedule/{schedule.id}/{slot.due}"
    names = itertools.chain([first], (f"{first}/{again}" for again in itertools.count(2)))
    return next(name for name in names if not _was_called_off(executions.by_key(tx, name)))


def _was_called_off(known: Execution | None) -> bool:
    return known is not None and known.status is Status.CANCELLED and known.started_at is None


def begin(
    tx: Tx, place: operations.Place, schedule: Schedule, slot: Slot, *, not_before: Millis | None, is_new: bool
) -> None:
    """Queue the execution of a due time, and write its row (`is_new`) or settle it.

    Where the task cannot be queued (its folder is gone, say), the row says why, and so does a thread.
    """
    task = tasks.get(tx, schedule.task_id)
    try:
        wanted = submission(tx, task, schedule, slot, not_before)
        execution: Execution | None = operations.submit(tx, place, wanted)
    except errors.BaaraError as error:
        _refused(tx, place, task, schedule, error)
        execution, slot = None, replace(slot, state=SlotState.MISSED, why=f"It could not be queued: {error.message}")
    execution_id = None if execution is None else execution.id
    if is_new:
        slots.make(tx, replace(slot, execution_id=execution_id, settled_at=tx.now))
    else:
        slots.settle(tx, slot.id, slot.state, slot.why, execution_id)


def _refused(tx: Tx, place: operations.Place, task: Task, schedule: Schedule, error: errors.BaaraError) -> None:
    """Say it once: the ledger holds the rest."""
    before = slots.last(tx, schedule.id)
    if before is not None and error.message in before.why:
        return
    what = f"“{task.name}” was due, and could not be queued: {error.message}"
    tell(tx, place.store, task, f"{what} Its due times are missed until that is mended.")


def tell(tx: Tx, store: Store, task: Task, body: str) -> None:
    """Say in a thread of its own what is the matter with the schedules of a task."""
    thread_id = threads.make(tx, store.ids.new(), task.name, SOURCE)
    threads.post(tx, store.ids.new(), thread_id, kind="failure", body=body)
