"""Dead letters: what a person is told of them, and the verbs that decide what becomes of them.

*Resume* goes on at the last turn with a fresh allowance, if wanted with something said to the agent first; *restart*
begins anew as another execution; *dismiss* puts it aside.
"""

from typing import Any

from baara_engine import errors, events, journal, operations, queues, requests
from baara_engine.errors import FailureKind
from baara_engine.records import DeadLetter, Execution, Kind
from baara_engine.states import ENDED, Status
from baara_engine.store import executions, news
from baara_engine.store import journal as rows
from baara_engine.store.transaction import Tx, View

NOT_RUN = "Not run: the work was interrupted here and is taken up again on a person's word."

ADVICE: dict[FailureKind, str] = {
    FailureKind.SERVER: "The service kept failing. Resume when it is well again.",
    FailureKind.BROKEN_ANSWER: "Answers kept breaking off. Resume; if it goes on, try another model.",
    FailureKind.REQUEST: "The service refuses the request. Read its reason; restart it changed, or with another model.",
    FailureKind.MODEL: "The service does not have the model. Resume it with another: --model.",
    FailureKind.REFUSAL: "The model declined. Resume with an explanation, or restart with other words.",
    FailureKind.CONTEXT: "The conversation has become too long. Restart with a smaller task.",
    FailureKind.TURNS: "It used all its turns. Look whether it was getting anywhere; if so, resume.",
    FailureKind.COMMAND: "Look at the output, mend the cause, then resume to run the command again.",
    FailureKind.TIMED_OUT: "It used up its time. Resume to give it as much again, or restart with a longer limit.",
    FailureKind.SANDBOX: "The sandbox failed. See whether the disk is full or the workspace is gone; then resume.",
    FailureKind.DAMAGED: "Its journal was damaged on disk. Restart it; see to the disk.",
    FailureKind.POISON: "Baara died in the same step of it each time. See what that step is; resume if it is harmless.",
    FailureKind.INTERNAL: "This is a defect of Baara. Resume may help; please report it.",
}
UNKNOWN_CAUSE = "Look at its log; then resume or restart."


AS_IT_IS = requests.Edits()


def letter(view: View, execution: Execution) -> DeadLetter:
    """Say about a dead letter what a person needs to decide."""
    advice = next((text for kind, text in ADVICE.items() if kind == execution.error_cause), UNKNOWN_CAUSE)
    return DeadLetter(execution, tuple(news.attempts(view, execution.id)), advice)


def letters(view: View, cause: str | None) -> list[DeadLetter]:
    """Give the dead letters that nobody has put aside, newest first; of one cause, if it is named."""
    return [letter(view, execution) for execution in executions.dead_letters(view, cause)]


def resume(tx: Tx, execution: Execution, say: str | None, edits: requests.Edits = AS_IT_IS) -> Execution:
    """Go on at the last turn with a fresh allowance of attempts and turns, after changes and a word to the agent."""
    _require_dead(execution)
    changes = _edited(execution, edits)
    if say is not None:
        _tell_agent(tx, execution, say)
    return executions.move(
        tx, execution.id, Status.DEAD_LETTERED, Status.QUEUED, queue=queues.DLQ, allowance_from=execution.attempt,
        turns_from=execution.turn, outcome=None, completed_at=None, error_cause=None,
        error_message=None, dismissed_at=None, cancel_requested_at=None, **changes,
    )  # fmt: skip


def restart(tx: Tx, place: operations.Place, execution: Execution) -> Execution:
    """Begin anew, as another execution in the same thread, and put this one aside."""
    _require_dead(execution)
    executions.dismiss(tx, execution.id)
    return operations.submit(tx, place, requests.parse(requests.Submission, as_submitted(execution)))


def again(tx: Tx, place: operations.Place, execution: Execution) -> Execution:
    """Run the like of what has ended once more, in the same thread. Raises `errors.Refused` for what has not ended."""
    if execution.status not in ENDED:
        raise errors.Refused(f"It has not ended yet; it is {execution.status}. Wait for its end, or cancel it first.")
    return operations.submit(tx, place, requests.parse(requests.Submission, as_submitted(execution)))


def as_submitted(execution: Execution) -> dict[str, Any]:
    """Give what would have to be submitted to run the like of it again, in its thread."""
    shared = {name: getattr(execution, name) for name in requests.Options.model_fields}
    return shared | {
        "prompt": execution.prompt, "name": execution.name, "task_id": execution.task_id, "source": execution.source,
        "queue": _submittable(execution.target_queue),
    }  # fmt: skip


def retry(tx: Tx, execution: Execution) -> Execution:
    """Resume a dead letter, or let one that waits for its next attempt try now."""
    if execution.queue == queues.TIMER and execution.status in {Status.QUEUED, Status.RETRY_SCHEDULED}:
        executions.leave_timer(tx, execution.id, execution.status, queues.VISIBILITY)  # a person waits for it now
        return executions.get(tx, execution.id)
    if execution.status is Status.DEAD_LETTERED:
        return resume(tx, execution, None)
    raise errors.Refused(f"Only what has failed or waits for its time can be tried again; this is {execution.status}.")


def dismiss(tx: Tx, execution: Execution) -> Execution:
    """Put it aside."""
    _require_dead(execution)
    executions.dismiss(tx, execution.id)
    data = {"threads": [execution.thread_id], "how": "dismissed"}
    tx.emit(events.Kind.ARRANGED, execution_id=execution.id, thread_id=execution.thread_id, data=data)
    return executions.get(tx, execution.id)


def _edited(execution: Execution, edits: requests.Edits) -> dict[str, Any]:
    """Give the columns that change. Raises `errors.InvalidInput` for a change that has no meaning for its kind."""
    changes = edits.model_dump(exclude_none=True)
    if edits.command is not None:
        if execution.kind is not Kind.COMMAND:
            raise errors.InvalidInput("The request of an agent stays in its journal: say what is to be different.")
        changes["prompt"] = changes.pop("command")
    elif execution.kind is Kind.COMMAND and (edits.model is not None or edits.max_turns is not None):
        raise errors.InvalidInput("A command has no model and no turns.")
    return changes


def _submittable(queue: str) -> str:
    return queue if queue in queues.FOR_SUBMISSION else queues.TRANSFER


def _require_dead(execution: Execution) -> None:
    if execution.status is not Status.DEAD_LETTERED:
        raise errors.Refused(f"Execution {execution.id} is no dead letter; it is {execution.status}.")


def _tell_agent(tx: Tx, execution: Execution, say: str) -> None:
    """Put a person's words at the end of the conversation, after answering calls that were left open."""
    if execution.kind is not Kind.AGENT:
        raise errors.InvalidInput("Only an agent can be told something; a command is restarted.")
    said = [{"type": "text", "text": say}]
    stored, _ = rows.messages(tx, execution.id)
    if not stored:
        said = [{"type": "text", "text": f"{execution.prompt}\n\n{say}"}]
    elif stored[-1].role == "assistant":
        journal.close_open_calls(tx, execution.id, execution.turn, stored[-1].content, NOT_RUN)
    rows.append(tx, execution.id, turn=execution.turn, role="user", content=said)
