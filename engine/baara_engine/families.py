"""Sub-tasks and the execution that submitted them: whoever ends tells its parent, in the transaction in which it ends.

The call of `submit_task` stays without a receipt while its sub-task works, and the parent holds no worker. The
sub-task's end writes the receipt and queues the parent, so neither a crash of the one nor of the other can lose a
result or give it twice. A routed sub-task (`wait: false`) has its receipt at once, so its end tells nobody here.
"""

import hashlib

from baara_engine import errors, events, journal, states
from baara_engine.records import Execution, Json, ToolCall
from baara_engine.states import Outcome, Status
from baara_engine.store import executions, families
from baara_engine.store import journal as rows
from baara_engine.store.transaction import Tx, View
from baara_engine.tools import Done

TOOL = "submit_task"
MAX_KEY = 200  # characters of an idempotency key
MAX_RESULT = 32_000  # characters of a result that its parent gets; the rest stands in the sub-task's thread


def key_of(call_key: str) -> str:
    """Give the idempotency key of the sub-task that a call submits."""
    return call_key if len(call_key) <= MAX_KEY else hashlib.sha256(call_key.encode()).hexdigest()


def awaits(view: View, execution_id: str) -> bool:
    """Say whether an execution waits for a sub-task that has not ended."""
    parent = executions.get(view, execution_id)
    keys = [key_of(call.key) for call in _open_calls(view, parent)]
    return bool(keys and families.still_open(view, parent.id, keys))


def ended(tx: Tx, execution_id: str) -> None:
    """Give the result of a sub-task that has just ended to the call that awaits it, and let its parent go on."""
    child = executions.get(tx, execution_id)
    parent = _parent(tx, child)
    if parent is None or parent.status in {Status.COMPLETED, Status.CANCELLED}:
        return
    try:
        call = next((one for one in _open_calls(tx, parent) if key_of(one.key) == child.idempotency_key), None)
        if call is not None:
            _receive(tx, parent, call, told(child))
    except errors.JournalDamaged:
        _go_on(tx, parent)  # it finds that out by itself, and ends as a dead letter that says so
        return
    if not awaits(tx, parent.id):
        _go_on(tx, parent)


def told(child: Execution) -> Done:
    """Put the end of a sub-task into the words that its parent gets."""
    head = f"Sub-task “{child.name}” (execution {child.id}) ended: {child.outcome}."
    match child.status:
        case Status.COMPLETED:
            failed = child.outcome is Outcome.INCOMPLETE
            return Done(f"{head}\n\n{_cut(child.output or 'It ended without a text.')}", is_error=failed)
        case Status.CANCELLED:
            return Done(f"{head} Somebody called it off.", is_error=True)
        case _:
            return Done(f"{head} {_cut(child.error_message or '')} A person decides what becomes of it.", is_error=True)


def _parent(view: View, child: Execution) -> Execution | None:
    if child.parent_id is None:
        return None
    try:
        return executions.get(view, child.parent_id)
    except errors.NotFound:
        return None  # its history was deleted


def _open_calls(view: View, parent: Execution) -> list[ToolCall]:
    calls = rows.calls(view, parent.id, parent.turn)
    return [call for call in calls if call.name == TOOL and call.receipt_at is None]


def _receive(tx: Tx, parent: Execution, call: ToolCall, done: Done) -> None:
    result: list[Json] = [{"type": "text", "text": done.text}]
    if rows.receive(tx, parent.id, call.turn, call.tool_use_id, result, is_error=done.is_error) is None:
        return
    data = {"turn": call.turn, "tool_use_id": call.tool_use_id, "name": call.name, "is_error": done.is_error}
    tx.emit(events.Kind.TOOL_ENDED, execution_id=parent.id, thread_id=parent.thread_id, data=data)
    journal.close_turn(tx, parent.id, call.turn, len(rows.calls_asked(tx, parent.id, call.turn)))


def _go_on(tx: Tx, parent: Execution) -> None:
    """Queue the parent, if it waits for nothing but sub-tasks."""
    if parent.status is Status.WAITING_FOR_INPUT and parent.waiting_reason == states.SUB_TASK:
        executions.move(tx, parent.id, parent.status, Status.QUEUED)


def _cut(text: str) -> str:
    if len(text) <= MAX_RESULT:
        return text
    return f"{text[:MAX_RESULT]}\n[cut here: {len(text):,} characters in all; the whole stands in its thread]"
