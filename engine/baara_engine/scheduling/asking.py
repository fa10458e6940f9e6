"""Asking a person whether what was missed is to run: one question, attached to the execution that would run."""

from collections.abc import Sequence
from dataclasses import replace

from baara_engine import errors, operations, settle
from baara_engine.records import Execution, Question, QuestionDraft
from baara_engine.schedules.records import Schedule, Slot, SlotState
from baara_engine.scheduling import beginning, policy
from baara_engine.states import Status
from baara_engine.store import executions, questions, slots, tasks, threads
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

RUN_ONE, RUN_ALL, RUN_NONE = "Run it once", "Run all of them", "Run none"
OPTIONS = (RUN_ONE, RUN_ALL, RUN_NONE)
BY_A_PERSON = "A person said so."


def ask(tx: Tx, place: operations.Place, schedule: Schedule, missed: Sequence[Slot]) -> None:
    """Leave due times open until a person has answered, oldest first; what is open already is one question with them.

    It is the execution of the newest that asks.
    """
    if not missed:
        return
    open_ = slots.asked(tx, schedule.id)
    execution_id = open_[0].execution_id if open_ else None
    if execution_id is None:
        try:
            submission = beginning.submission(tx, tasks.get(tx, schedule.task_id), schedule, missed[-1], None)
            execution_id = _ask(tx, place, operations.make(tx, place, submission), missed)
        except errors.BaaraError as error:
            why = f"It could not be asked about: {error.message}"
            missed = [replace(slot, state=SlotState.MISSED, why=why) for slot in missed]
    for slot in missed:
        settled_at = None if slot.state is SlotState.ASKED else tx.now
        slots.make(tx, replace(slot, execution_id=execution_id, settled_at=settled_at))


def answered(tx: Tx, store: Store, question: Question, text: str) -> bool:
    """Do with the missed due times what a person has said, and say whether the execution that asked goes on."""
    execution = executions.get(tx, question.execution_id)
    for slot in slots.asked_by(tx, execution.id):
        if text == RUN_NONE:
            slots.settle(tx, slot.id, SlotState.MISSED, BY_A_PERSON, None)
        elif slot.id == execution.slot_id:
            slots.settle(tx, slot.id, SlotState.CAUGHT_UP, BY_A_PERSON, execution.id)
        elif text == RUN_ALL:
            slots.settle(tx, slot.id, SlotState.CATCHING_UP, BY_A_PERSON, None, is_open=True)
        else:
            slots.settle(tx, slot.id, SlotState.MISSED, f"{BY_A_PERSON} It runs once.", None)
    if text == RUN_NONE:
        settle.cancel(tx, store, execution)
    return text != RUN_NONE


def _ask(tx: Tx, place: operations.Place, execution: Execution, missed: Sequence[Slot]) -> str:
    """Let an execution ask whether it is to begin, and give its id."""
    ids = place.store.ids
    question_id = ids.new()
    questions.ask(tx, question_id, execution, 0, QuestionDraft(_text(execution, missed), OPTIONS, questions.MISSED))
    threads.post(
        tx, ids.new(), execution.thread_id, kind="question", body=_text(execution, missed), execution_id=execution.id,
        key=f"question/{question_id}",
    )  # fmt: skip
    executions.move(
        tx, execution.id, Status.CREATED, Status.WAITING_FOR_INPUT,
        waiting_reason="person", waiting_question=question_id, not_before=None,
    )  # fmt: skip
    return execution.id


def _text(execution: Execution, missed: Sequence[Slot]) -> str:
    first, last = policy.said(missed[0].due), policy.said(missed[-1].due)
    when = f"at {first}" if len(missed) == 1 else f"{len(missed)} times, from {first} to {last}"
    return f"“{execution.name}” was due {when}, while nobody was at work. Is it to run now?"
