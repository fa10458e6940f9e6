"""The operations that write, each as one transaction. `engine.Engine` is their only caller."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from baara_engine import config, errors, homes, money, queues, requests, retry, settle, states
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, Task
from baara_engine.states import Status
from baara_engine.store import executions, spending, tasks, threads
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

PARKED_FOR_KEY = (FailureKind.KEY, FailureKind.BILLING)

MS_PER_S = 1000
SPREAD_S = 0.2  # seconds for each of many that come back together, so that they do not hit a limit at once
LONGEST_SPREAD_S = 60.0  # whatever their number: waiting longer would be stricter than most limits


class Place(Protocol):
    """What an operation needs to know of the engine."""

    home: Path
    store: Store
    is_alive: Callable[[str | None], bool]

    @property
    def config(self) -> config.Config: ...  # noqa: D102 - what is in force now


def submit(tx: Tx, place: Place, submission: requests.Submission) -> Execution:
    """Store an execution and queue it."""
    _require_apart(place, submission)
    known = _known(tx, submission)
    return known if known is not None else _enqueue(tx, make(tx, place, submission))


def make(tx: Tx, place: Place, submission: requests.Submission) -> Execution:
    """Store an execution that is in no queue yet."""
    return _make(tx, place, submission, place.store.ids.new(), submission.prompt)


def add(
    tx: Tx, place: Place, submission: requests.Submission, execution_id: str, said: str, **origin: Any
) -> Execution:
    """Store and queue an execution of this new id, with what is said of it in its thread.

    `origin` holds the columns that nobody can submit: where it is from.
    """
    return _enqueue(tx, _make(tx, place, submission, execution_id, said, **origin))


def _make(
    tx: Tx, place: Place, submission: requests.Submission, execution_id: str, said: str, **origin: Any
) -> Execution:
    thread_id = _thread(tx, place, submission)
    execution = executions.insert(tx, replace(_new(tx, place, submission, execution_id, thread_id), **origin))
    threads.post(tx, place.store.ids.new(), thread_id, kind="prompt", body=said, execution_id=execution_id)
    return execution


def submit_task(tx: Tx, place: Place, name_or_id: str, source: str, queue: str | None = None) -> Execution:
    """Queue one execution of a task, in its own queue unless another is named."""
    task = tasks.find(tx, name_or_id)
    if not task.enabled:
        raise errors.Refused(f"The task “{task.name}” is switched off. Switch it on first: baara tasks toggle.")
    submission = submission_of(task, source)
    return submit(tx, place, submission if queue is None else submission.model_copy(update={"queue": queue}))


def cancel(tx: Tx, place: Place, prefix: str) -> Execution:
    """Cancel at once what nobody works on; ask the owner of what is at work."""
    execution = executions.find(tx, prefix)
    if execution.status in states.ENDED:
        raise errors.Refused(f"Execution {execution.id} has ended; it is {execution.status}.")
    if execution.status in states.LEASED and place.is_alive(execution.owner):
        executions.request_cancel(tx, execution)
        return executions.get(tx, execution.id)
    return settle.cancel(tx, place.store, execution)


def wake_for_key(tx: Tx) -> int:
    """Queue what waits for a key or for credit."""
    waiting = executions.parked(tx, PARKED_FOR_KEY)
    for execution_id in waiting:
        executions.leave_timer(tx, execution_id, Status.RETRY_SCHEDULED)
    return len(waiting)


def wake_parked(tx: Tx, randomness: random.Random) -> int:
    """Let what was parked come soon, spread over some seconds: the service answers again. Give how many that were."""
    waiting = executions.parked(tx, tuple(retry.PARK_S))
    spread_s = min(len(waiting) * SPREAD_S, LONGEST_SPREAD_S)
    for execution_id in waiting:
        executions.bring_forward(tx, execution_id, tx.now + round(randomness.uniform(0, spread_s) * MS_PER_S))
    return len(waiting)


def limit(tx: Tx, wanted: money.Limit, by: str) -> money.Limit:
    """Set a limit, and let what waits for money look again."""
    spending.set_limit(tx, wanted, by)
    settle.wake_for_money(tx)
    return wanted


def unlimit(tx: Tx, scope: money.Scope, key: str) -> bool:
    """Take a limit away, and let what waits for money look again; say whether there was one."""
    gone = spending.remove_limit(tx, scope, key)
    settle.wake_for_money(tx)
    return gone


def create_task(tx: Tx, place: Place, draft: requests.TaskDraft) -> Task:
    """Store a task."""
    _require_apart(place, draft)
    return tasks.make(tx, _task(tx, place.store.ids.new(), draft, tx.now))


def update_task(tx: Tx, place: Place, name_or_id: str, changes: dict[str, Any]) -> Task:
    """Change some fields; the whole is checked again as if it were new."""
    task = tasks.find(tx, name_or_id)
    known = {name: getattr(task, name) for name in requests.TaskDraft.model_fields}
    draft = requests.parse(requests.TaskDraft, known | changes)
    _require_apart(place, draft)
    return tasks.change(tx, _task(tx, task.id, draft, task.created_at))


def delete_task(tx: Tx, _place: Place, name_or_id: str) -> Task:
    """Delete a task."""
    task = tasks.find(tx, name_or_id)
    tasks.delete(tx, task)
    return task


def _known(tx: Tx, submission: requests.Submission) -> Execution | None:
    """Give what was submitted under the same key. Raises `errors.Refused` if that was something else."""
    if submission.idempotency_key is None:
        return None
    known = executions.by_key(tx, submission.idempotency_key)
    if known is not None and known.prompt != submission.prompt:
        raise errors.Refused(
            f"The key “{submission.idempotency_key}” belongs to execution {known.id}, which has another prompt.",
        )
    return known


def _require_apart(place: Place, options: requests.Options) -> None:
    """Raise `errors.Refused` for work that would have the data folder in its hands."""
    limits = options.sandbox_limits
    for folder in (options.workspace, *((limits and limits.inputs) or ())):
        if folder is not None:
            homes.require_apart(place.home, folder)


def _thread(tx: Tx, place: Place, submission: requests.Submission) -> str:
    if submission.thread_id is not None:
        return threads.find(tx, submission.thread_id).id
    return threads.make(tx, place.store.ids.new(), submission.title, submission.source)


def _workspace(place: Place, submission: requests.Submission, execution_id: str) -> str:
    if submission.workspace is not None:
        return submission.workspace
    folder = place.home.absolute() / config.WORKSPACES / execution_id
    homes.make_folder(folder)
    return str(folder)


def _new(tx: Tx, place: Place, submission: requests.Submission, execution_id: str, thread_id: str) -> Execution:
    return Execution(
        id=execution_id, task_id=submission.task_id, thread_id=thread_id, name=submission.title, kind=submission.kind,
        prompt=submission.prompt, status=Status.CREATED, outcome=None, queue=submission.queue,
        target_queue=submission.queue, priority=submission.priority, attempt=0, max_retries=submission.retries,
        allowance_from=0, sandbox=submission.sandbox, model=submission.model or place.config.default_model,
        workspace=_workspace(place, submission, execution_id), timeout_s=submission.timeout_s,
        max_turns=submission.max_turns, unknown_effect=submission.unknown, allowed_tools=submission.allowed_tools,
        checks=submission.checks, check_results=(), check_rounds=0, permission=submission.permission,
        budget_microusd=submission.budget_microusd, project_id=submission.project_id, parent_id=submission.parent_id,
        forked_from=None, forked_turn=None, slot_id=submission.slot_id, gate=submission.gate,
        fallback_model=submission.fallback_model, announce=submission.announce, mcp_servers=submission.mcp_servers,
        sandbox_limits=submission.limits,
        source=submission.source, idempotency_key=submission.idempotency_key, created_at=tx.now, started_at=None,
        completed_at=None, not_before=submission.not_before, worked_ms=0, turn=0, turns_from=0, input_tokens=0,
        output_tokens=0, cost_microusd=0, cost_known=True, output=None, error_cause=None, error_message=None,
        waiting_reason=None, waiting_until=None, waiting_question=None, cancel_requested_at=None, dismissed_at=None,
        epoch=0, owner=None, lease_until=None, resumed=(), beat_at=None, beat=None,
    )  # fmt: skip


def _enqueue(tx: Tx, execution: Execution) -> Execution:
    """Queue it where it runs, or in the timer queue until its time."""
    due = execution.not_before
    if due is None or due <= tx.now:
        return executions.move(tx, execution.id, Status.CREATED, Status.QUEUED)
    return executions.move(
        tx, execution.id, Status.CREATED, Status.QUEUED, queue=queues.TIMER, not_before=due, waiting_reason="time",
        waiting_until=due,
    )  # fmt: skip


def submission_of(task: Task, source: str) -> requests.Submission:
    """Give the submission of a task's next execution. Raises `errors.InvalidInput` if it does not fit any more."""
    shared = {name: getattr(task, name) for name in requests.Options.model_fields}
    values = shared | {"prompt": task.prompt, "name": task.name, "task_id": task.id, "source": source}
    return requests.parse(requests.Submission, values)


def _task(tx: Tx, task_id: str, draft: requests.TaskDraft, created_at: int) -> Task:
    return Task(
        id=task_id, name=draft.name, description=draft.description, prompt=draft.prompt, kind=draft.kind,
        sandbox=draft.sandbox, model=draft.model, queue=draft.queue, priority=draft.priority,
        max_retries=draft.retries, timeout_s=draft.timeout_s, max_turns=draft.max_turns, workspace=draft.workspace,
        thread_id=draft.thread_id, unknown_effect=draft.unknown, allowed_tools=draft.allowed_tools,
        checks=draft.checks, permission=draft.permission, budget_microusd=draft.budget_microusd,
        project_id=draft.project_id, gate=draft.gate, fallback_model=draft.fallback_model, announce=draft.announce,
        mcp_servers=draft.mcp_servers, sandbox_limits=draft.limits,
        enabled=draft.enabled, created_at=created_at, updated_at=tx.now,
    )  # fmt: skip
