"""Answering a question: the answer becomes the result of the call that asked, and the execution goes on."""

from dataclasses import replace

from baara_engine import approving, errors, events, journal, money, queues, requests, settle
from baara_engine.agent import budget, successors
from baara_engine.health import asking
from baara_engine.mcp_client import outside
from baara_engine.permission.choices import Accepted, Instead
from baara_engine.records import Effect, Execution, Kind, Question
from baara_engine.sandboxes import asking as sandbox
from baara_engine.scheduling import asking as asking_missed
from baara_engine.states import Status
from baara_engine.store import executions, questions, spending, threads
from baara_engine.store import journal as rows
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

#: kinds whose options mean something
WITH_CHOICES = frozenset(
    {
        budget.KIND, "effect", questions.STUCK, questions.REPEATING, questions.MISSED, sandbox.KIND, successors.KIND,
        outside.KIND,
    }
)  # fmt: skip
NO_WORDS = frozenset({questions.MISSED, sandbox.KIND, outside.KIND})  #: kinds that nobody reads words to
#: kinds that offer to stop it all
STOPPED = frozenset({questions.REPEATING, sandbox.KIND, successors.KIND, outside.KIND})
EFFECT_ANSWER = "A person was asked whether this call took effect, and says: "


def answer(tx: Tx, store: Store, question: Question, text: str, by: str) -> Question:
    """Answer a question once. Raises `errors.Refused` if it has been answered or withdrawn."""
    execution = executions.get(tx, question.execution_id)
    text = _as_offered(question, execution, text)
    decision = approving.decide(question, text) if question.kind == questions.APPROVAL else None
    answered = questions.answer(tx, question, text, by)
    goes_on = True
    match question.kind:
        case questions.STUCK:
            _answer_stuck(tx, execution, question, text)
        case questions.REPEATING:
            _answer_repeating(tx, execution, question, text)
        case sandbox.KIND | successors.KIND | outside.KIND:
            _answer_instead(tx, execution, question, text)
        case budget.KIND:
            goes_on = _answer_budget(tx, store, question, text, by)
        case questions.APPROVAL if isinstance(decision, Accepted):
            approving.accept(tx, store, execution, question, decision, by)
        case questions.APPROVAL if isinstance(decision, Instead):
            _in_place_of_call(tx, execution, question, decision.text)
        case questions.MISSED:
            goes_on = asking_missed.answered(tx, store, question, text)
        case _:
            _put_result(tx, execution, question, _told(question, execution, text), is_error=False)
    threads.post(
        tx, store.ids.new(), execution.thread_id, kind="answer", body=text, execution_id=execution.id,
        key=f"answer/{question.id}",
    )  # fmt: skip
    if question.kind in STOPPED and text == asking.STOP:
        settle.cancel(tx, store, execution)
    elif goes_on:
        _go_on(tx, execution)
    return answered


def _answer_stuck(tx: Tx, execution: Execution, question: Question, text: str) -> None:
    """Say what becomes of a step that gives no sign of life. Its owner ends it, if that is wanted."""
    if text == asking.CANCEL:
        executions.request_cancel(tx, execution)
    elif text != asking.KEEP_WAITING:
        said = "" if text in {asking.END_CALL, asking.ASK_AGAIN, asking.END_CHECK} else text
        if question.tool_use_id is not None:
            _put_result(tx, execution, question, f"{asking.ENDED} {said}".strip(), is_error=True)
        elif said:
            content = [{"type": "text", "text": said}]
            rows.append(tx, execution.id, turn=execution.turn, role="user", content=content)


def _answer_repeating(tx: Tx, execution: Execution, question: Question, text: str) -> None:
    """Let the call run, end it all, or give the agent a person's words in place of the call."""
    if text in {asking.GO_ON, asking.STOP}:
        return
    _in_place_of_call(tx, execution, question, f"{asking.NOT_RUN} {text}")


def _in_place_of_call(tx: Tx, execution: Execution, question: Question, text: str) -> None:
    """Make these words the result of a call that has not begun and does not run."""
    blocks = rows.calls_asked(tx, execution.id, question.turn)
    [(ordinal, block)] = [one for one in enumerate(blocks) if one[1]["id"] == question.tool_use_id]
    rows.intend(tx, execution.id, question.turn, ordinal, block, Effect.READ, {})
    _put_result(tx, execution, question, text, is_error=True)


def _answer_budget(tx: Tx, store: Store, question: Question, text: str, by: str) -> bool:
    """Raise the limit for all that wait for it, or call them off."""
    scope, key = money.Scope(question.detail["scope"]), str(question.detail["key"])
    if text == budget.STOP:
        for waiting in spending.waiting_for(tx, scope, key):
            settle.cancel(tx, store, executions.get(tx, waiting))
        return False
    limit = spending.get(tx, scope, key)
    if limit is not None:
        amount = money.parse(text.removeprefix("+"))
        spending.set_limit(tx, replace(limit, microusd=limit.microusd + amount), by)
    settle.wake_for_money(tx)
    return False


def _answer_instead(tx: Tx, execution: Execution, question: Question, text: str) -> None:
    """Let it go on with what a person has named in place of what is missing, or try again."""
    if question.kind == sandbox.KIND:
        _answer_sandbox(tx, execution, text)
    elif question.kind == successors.KIND:
        _answer_model(tx, execution, text)


def _answer_sandbox(tx: Tx, execution: Execution, text: str) -> None:
    """Let it go on in the sandbox that a person has chosen instead, or try again."""
    name = sandbox.chosen(text)
    if name is not None:
        executions.move_to_sandbox(tx, execution.id, name)


def _answer_model(tx: Tx, execution: Execution, text: str) -> None:
    """Let it go on with the model that a person has named, or try again. Raises `errors.InvalidInput` for neither."""
    name = successors.chosen(text)
    if name is not None:
        executions.move_to_model(tx, execution.id, requests.parse(requests.Edits, {"model": name}).model or name)
    elif text not in {successors.TRY_AGAIN, successors.STOP}:
        raise errors.InvalidInput(f"Answer “{successors.USE}” and a model, or “{successors.TRY_AGAIN}”.")


def _as_offered(question: Question, execution: Execution, text: str) -> str:
    """Give the option that is meant, or the words as they are.

    Raises `errors.InvalidInput` for words to a command, or to what has not begun: nobody could read them.
    """
    if question.kind not in WITH_CHOICES:
        return text
    if question.kind == budget.KIND and text.strip().casefold() != budget.STOP.casefold():
        money.parse(text.strip().removeprefix("+"))
        return text.strip()
    meant = text.strip().rstrip(".").casefold()
    for option in question.options:
        if option.casefold() == meant:
            return option
    if execution.kind is Kind.COMMAND or question.kind in NO_WORDS:
        raise errors.InvalidInput(f"Answer with one of: {', '.join(question.options)}.")
    return text


def _told(question: Question, execution: Execution, text: str) -> str:
    return EFFECT_ANSWER + text if question.kind == "effect" and execution.kind is Kind.AGENT else text


def _put_result(tx: Tx, execution: Execution, question: Question, text: str, *, is_error: bool) -> None:
    """Make these words the result of the call that the question is about, if it is about one that has none."""
    if question.tool_use_id is None:
        return
    result = [{"type": "text", "text": text}]
    name = rows.receive(tx, execution.id, question.turn, question.tool_use_id, result, is_error=is_error)
    if name is None:
        return
    data = {"turn": question.turn, "tool_use_id": question.tool_use_id, "name": name, "is_error": is_error}
    tx.emit(events.Kind.TOOL_ENDED, execution_id=execution.id, thread_id=execution.thread_id, data=data)
    if execution.kind is Kind.AGENT:
        journal.close_turn(tx, execution.id, question.turn, len(rows.calls_asked(tx, execution.id, question.turn)))


def _go_on(tx: Tx, execution: Execution) -> None:
    """Queue the execution once nothing is open any more; a person waits for it, so it goes to their queue."""
    still_open = questions.open_of(tx, execution.id)
    if execution.status is not Status.WAITING_FOR_INPUT:
        return
    if still_open:
        executions.point_at_question(tx, execution.id, still_open[0].id)
    else:
        executions.move(tx, execution.id, execution.status, Status.QUEUED, queue=queues.VISIBILITY)
