"""Answering a question: the answer becomes the result of the call that asked, and the execution goes on."""

from baara_engine import errors, events, journal, queues
from baara_engine.records import Execution, Kind, Question
from baara_engine.states import Status
from baara_engine.store import executions, questions, threads
from baara_engine.store import journal as rows
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

EFFECT_ANSWER = "A person was asked whether this call took effect, and says: "


def answer(tx: Tx, store: Store, question: Question, text: str, by: str) -> Question:
    """Answer a question once. Raises `errors.Refused` if it has been answered or withdrawn."""
    execution = executions.get(tx, question.execution_id)
    text = _as_offered(question, execution, text)
    answered = questions.answer(tx, question, text, by)
    if question.tool_use_id is not None:
        _put_result(tx, execution, question, question.tool_use_id, text)
    threads.post(
        tx, store.ids.new(), execution.thread_id, kind="answer", body=text, execution_id=execution.id,
        key=f"answer/{question.id}",
    )  # fmt: skip
    _go_on(tx, execution)
    return answered


def _as_offered(question: Question, execution: Execution, text: str) -> str:
    """Give the option that is meant, where only the options will do. Raises `errors.InvalidInput` for anything else.

    A command has nobody who could read more than that.
    """
    if question.kind != "effect" or execution.kind is not Kind.COMMAND:
        return text
    meant = text.strip().rstrip(".").casefold()
    for option in question.options:
        if option.casefold() == meant:
            return option
    raise errors.InvalidInput(f"Answer with one of: {', '.join(question.options)}.")


def _put_result(tx: Tx, execution: Execution, question: Question, tool_use_id: str, text: str) -> None:
    told = EFFECT_ANSWER + text if question.kind == "effect" and execution.kind is Kind.AGENT else text
    result = [{"type": "text", "text": told}]
    name = rows.receive(tx, execution.id, question.turn, tool_use_id, result, is_error=False)
    if name is None:
        return
    data = {"turn": question.turn, "tool_use_id": tool_use_id, "name": name, "is_error": False}
    tx.emit(events.Kind.TOOL_ENDED, execution_id=execution.id, thread_id=execution.thread_id, data=data)
    if execution.kind is Kind.AGENT:
        journal.close_turn(tx, execution.id, question.turn, rows.calls_asked(tx, execution.id, question.turn))


def _go_on(tx: Tx, execution: Execution) -> None:
    """Queue the execution once nothing is open any more; a person waits for it, so it goes to their queue."""
    still_open = questions.open_of(tx, execution.id)
    if execution.status is not Status.WAITING_FOR_INPUT:
        return
    if still_open:
        executions.point_at_question(tx, execution.id, still_open[0].id)
    else:
        executions.move(tx, execution.id, execution.status, Status.QUEUED, queue=queues.VISIBILITY)
