"""How a lease ends: each ending is one transaction that moves the execution and says so in its thread."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from baara_engine import clock, families, queues, retry, states
from baara_engine.checks.verdict import UNCHECKED, Verdict
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, QuestionDraft
from baara_engine.states import Outcome, Status
from baara_engine.store import checks, deaths, executions, journal, news, questions, said, threads
from baara_engine.store import families as rows_of_families
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

BUDGET = str(FailureKind.BUDGET)  #: kind of a question that one asks for all that wait for the same limit
STOPPED = "stopped"  #: how a lease ended: the engine was stopped in order
CRASHED = deaths.CRASHED
UNSETTLED = "unsettled"  #: how a lease ended: the store could not be written when it did
INTERRUPTED = frozenset({STOPPED, CRASHED, UNSETTLED})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt ended without a result."""

    kind: FailureKind
    message: str
    retry_after_s: float | None = None
    output: str | None = None
    question: QuestionDraft | None = None  #: what a person is asked while it waits, once for all that wait for the same


class SpokenTo(Exception):  # it is no error
    """A person has said something that the agent has not heard yet."""


class Settler:
    """Ends leases. `worked_ms` is the working time of the attempt so far."""

    def __init__(self, store: Store, randomness: random.Random) -> None:
        self._store = store
        self._random = randomness

    async def completed(self, execution: Execution, output: str, verdict: Verdict = UNCHECKED) -> None:
        """End it as completed, with this output and what came of its checks.

        Raises `SpokenTo` if a person has said something meanwhile, which is to be heard first.
        """

        def work(tx: Tx) -> None:
            if said.is_any(tx, execution.id):
                raise SpokenTo
            if verdict.results:
                checks.put_results(tx, execution, verdict.results, verdict.rounds)
            _move(
                tx, execution, Status.COMPLETED,
                outcome=verdict.outcome, output=output, error_cause=None, error_message=None,
            )  # fmt: skip
            body = (output or "It ended without a text.") + verdict.told
            self._post(tx, execution, "result", body, f"{execution.id}/result")
            families.ended(tx, execution.id)

        await self._store.awrite(work)

    async def nothing_to_do(self, execution: Execution, said: str) -> None:
        """End it as completed because there was nothing to do: a note in its thread, which does not become unread."""

        def work(tx: Tx) -> None:
            _move(
                tx, execution, Status.COMPLETED,
                outcome=Outcome.NOTHING_TO_DO, output=said, error_cause=None, error_message=None,
            )  # fmt: skip
            self._post(tx, execution, "note", f"Nothing to do. {said}".strip(), f"{execution.id}/result")
            families.ended(tx, execution.id)

        await self._store.awrite(work)

    async def failed(self, execution: Execution, failure: Failure) -> None:
        """End this attempt without a result: try again later, wait, or give up."""

        def work(tx: Tx) -> None:
            decision = retry.decide(
                failure.kind,
                attempt=execution.attempt - execution.allowance_from,
                max_retries=execution.max_retries,
                now=tx.now,
                retry_after_s=failure.retry_after_s,
                randomness=self._random,
            )
            match decision:
                case retry.Park(until=until):
                    self._park(tx, execution, failure, until)
                case retry.RetryAt(at=at):
                    _fail(tx, execution, failure)
                    self._schedule(tx, execution, failure, at)
                case retry.GiveUp():
                    bury(tx, self._store, execution, failure)

        await self._settle(execution, work)

    async def waiting(self, execution: Execution, drafts: list[QuestionDraft], turn: int, worked_ms: int) -> None:
        """Ask a person, or wait for sub-tasks, and free the worker."""

        def work(tx: Tx) -> None:
            for draft in drafts:
                self._ask(tx, execution, turn, draft)
            still_open = questions.open_of(tx, execution.id)
            first = still_open[0].id if still_open else None
            awaits = first is None and families.awaits(tx, execution.id)
            _move(
                tx, execution, Status.WAITING_FOR_INPUT,
                waiting_reason=states.SUB_TASK if awaits else "person", waiting_question=first, worked_ms=worked_ms,
            )  # fmt: skip
            if first is None and not awaits:
                executions.move(tx, execution.id, Status.WAITING_FOR_INPUT, Status.QUEUED)

        await self._settle(execution, work)

    async def cancelled(self, execution: Execution) -> None:
        """End it as called off."""
        await self._store.awrite(lambda tx: cancel(tx, self._store, execution, epoch=execution.epoch))

    async def released(self, execution: Execution, worked_ms: int) -> None:
        """Give it back to its queue, because the engine stops; it is taken up at its last step."""

        def work(tx: Tx) -> None:
            news.mark_attempt(tx, execution.id, execution.epoch, STOPPED)
            _move(tx, execution, Status.QUEUED, worked_ms=worked_ms)

        await self._settle(execution, work)

    async def _settle(self, execution: Execution, work: Callable[[Tx], None]) -> None:
        """End a lease in a way that lets the execution go on later, unless somebody has called it off meanwhile."""

        def unless_called_off(tx: Tx) -> None:
            executions.require_owner(tx, execution.id, execution.epoch)
            if executions.get(tx, execution.id).cancel_requested_at is None:
                work(tx)
            else:
                cancel(tx, self._store, execution, epoch=execution.epoch)

        await self._store.awrite(unless_called_off)

    def _park(self, tx: Tx, execution: Execution, failure: Failure, until: int) -> None:
        _move(
            tx, execution, Status.RETRY_SCHEDULED, not_before=until, waiting_reason=failure.kind, waiting_until=until,
            error_cause=failure.kind, error_message=failure.message,
        )  # fmt: skip
        if failure.question is not None and not questions.is_open_about(tx, failure.question):
            self._ask(tx, execution, execution.turn, failure.question)
        if execution.error_cause != failure.kind:  # said once, not at every look
            when = "" if failure.kind in retry.UNTIL_CHANGED else f" until {clock.minute(until)}"
            self._post(tx, execution, "note", f"Waiting{when}: {failure.message}", None)

    def _schedule(self, tx: Tx, execution: Execution, failure: Failure, at: int) -> None:
        executions.move(
            tx, execution.id, _ended_as(failure), Status.RETRY_SCHEDULED,
            not_before=at, waiting_reason="retry", waiting_until=at,
        )  # fmt: skip
        text = f"Attempt {execution.attempt} failed: {failure.message} It is tried again."
        self._post(tx, execution, "note", text, None)

    def _ask(self, tx: Tx, execution: Execution, turn: int, draft: QuestionDraft) -> None:
        question_id = self._store.ids.new()
        questions.ask(tx, question_id, execution, turn, draft)
        if draft.tool_use_id is not None and draft.kind not in questions.BEFORE_CALL:  # such a call has no intent yet
            journal.attach_question(tx, execution.id, turn, draft.tool_use_id, question_id)
        self._post(tx, execution, "question", draft.text, f"question/{question_id}")

    def _post(self, tx: Tx, execution: Execution, kind: str, body: str, key: str | None) -> None:
        _post(tx, self._store, execution, kind, body, key)


def cancel(tx: Tx, store: Store, execution: Execution, *, epoch: int | None = None) -> Execution:
    """Cancel an execution in whatever state it is now, and its sub-tasks; with `epoch`, as its owner.

    Raises `errors.LeaseLost`.
    """
    if epoch is not None:
        executions.require_owner(tx, execution.id, epoch)
    asked_for_all = any(one.kind == BUDGET for one in questions.open_of(tx, execution.id))
    questions.withdraw(tx, execution)
    if asked_for_all:
        wake_for_money(tx)  # another one asks in its place
    now = executions.get(tx, execution.id)
    after = executions.move(
        tx, now.id, now.status, Status.CANCELLED, epoch=epoch, outcome=Outcome.CANCELLED, cancel_requested_at=tx.now
    )
    _post(tx, store, execution, "note", "Cancelled.", f"{execution.id}/cancelled")
    for child in rows_of_families.still_open(tx, execution.id):
        if child.status in states.LEASED:
            executions.request_cancel(tx, child)
        else:
            cancel(tx, store, child)
    families.ended(tx, execution.id)
    return after


def wake_for_money(tx: Tx) -> None:
    """Let everything that waits for money look again now; what still may not ask asks a person anew."""
    questions.withdraw_all(tx, BUDGET)
    for waiting in executions.parked(tx, (FailureKind.BUDGET,)):
        executions.bring_forward(tx, waiting, tx.now)


def bury(tx: Tx, store: Store, execution: Execution, failure: Failure) -> None:
    """Make a leased execution a dead letter, as its owner. Raises `errors.LeaseLost`."""
    _fail(tx, execution, failure)
    executions.move(
        tx, execution.id, _ended_as(failure), Status.DEAD_LETTERED, outcome=Outcome.FAILED, queue=queues.DLQ
    )
    text = failure.message if failure.output is None else f"{failure.message}\n\n{failure.output}"
    _post(tx, store, execution, "failure", text, f"{execution.id}/failure/{execution.epoch}")
    families.ended(tx, execution.id)


def _ended_as(failure: Failure) -> Status:
    return Status.TIMED_OUT if failure.kind is FailureKind.TIMED_OUT else Status.FAILED


def _fail(tx: Tx, execution: Execution, failure: Failure) -> None:
    told = {"error_cause": failure.kind, "error_message": failure.message, "output": failure.output}
    _move(tx, execution, _ended_as(failure), **told)


def _move(tx: Tx, execution: Execution, after: Status, **changes: object) -> None:
    """Move it as its owner, from wherever in the lease it is: what cannot be loaded ends before it ran."""
    executions.require_owner(tx, execution.id, execution.epoch)
    before = executions.get(tx, execution.id).status
    executions.move(tx, execution.id, before, after, epoch=execution.epoch, **changes)


def _post(tx: Tx, store: Store, execution: Execution, kind: str, body: str, key: str | None) -> None:
    threads.post(tx, store.ids.new(), execution.thread_id, kind=kind, body=body, execution_id=execution.id, key=key)
