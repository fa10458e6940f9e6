"""Due times that wait for their turn: each begins once nothing else of its task runs."""

from dataclasses import replace

from baara_engine import operations
from baara_engine.schedules.records import Slot, SlotState
from baara_engine.scheduling import beginning, policy
from baara_engine.store import schedules, slots, tasks
from baara_engine.store.transaction import Tx, View

BEGUN_AS = {
    SlotState.WAITING: (SlotState.LATE, "It waited until the execution before it had ended."),
    SlotState.CATCHING_UP: (SlotState.CAUGHT_UP, ""),
}


def is_one(view: View) -> bool:
    """Say whether there is something to do."""
    return slots.can_begin(view) or bool(slots.called_off(view))


def take(tx: Tx, place: operations.Place) -> None:
    """Begin what has its turn, and settle what a person has called off."""
    for slot in slots.called_off(tx):
        slots.settle(tx, slot.id, SlotState.MISSED, "A person called it off.", slot.execution_id)
    for slot in slots.first_waiting(tx):
        _take(tx, place, slot)


def _take(tx: Tx, place: operations.Place, slot: Slot) -> None:
    schedule = schedules.get(tx, slot.schedule_id)
    if not tasks.get(tx, schedule.task_id).enabled:
        slots.settle(tx, slot.id, SlotState.SKIPPED, policy.OFF, None)
    elif not schedules.unfinished(tx, schedule.task_id):
        state, why = BEGUN_AS[slot.state]
        begun = replace(slot, state=state, why=why or slot.why)
        beginning.begin(tx, place, schedule, begun, not_before=None, is_new=False)
