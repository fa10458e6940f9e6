"""Executions: making them, moving them from state to state, leasing them.

Every move is a compare-and-set in one statement; where a lease is involved it also names the epoch, so that an owner
who has lost the lease matches no row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import orjson

from baara_engine import errors, events, queues, redaction, states
from baara_engine.clock import Millis
from baara_engine.records import Execution, Json, Kind, Permission, UnknownEffect
from baara_engine.states import Outcome, Status
from baara_engine.store import findings, kinship, lookup, models, questions, spending
from baara_engine.store.transaction import Row, Tx, View

NAMES = tuple(field.name for field in fields(Execution))
COLUMNS = ", ".join(NAMES)
SELECT = f"SELECT {COLUMNS} FROM execution"

INSERT = f"INSERT INTO execution ({COLUMNS}, attempt_open) VALUES ({', '.join('?' for _ in NAMES)}, 0)"

# The state stands literally in the text, because the partial indexes are used only then.
WORKED_ON = ", ".join("?" for _ in queues.WORKING)
LEASE = """
UPDATE execution SET status = 'assigned', epoch = epoch + 1, attempt = attempt + 1 - attempt_open, attempt_open = 1,
       owner = ?, lease_until = ?, waiting_reason = NULL, waiting_until = NULL, not_before = NULL
"""
CLAIM = f"""{LEASE}
WHERE id IN (SELECT id FROM execution WHERE status = 'queued' AND queue = ? ORDER BY priority, id LIMIT ?)
RETURNING {COLUMNS}
"""
OF_FAMILY = f"SELECT id FROM execution WHERE id IN family AND status = 'queued' AND queue IN ({WORKED_ON})"
CLAIM_FAMILY = f"{kinship.FAMILY}{LEASE} WHERE id IN ({OF_FAMILY} ORDER BY priority, id LIMIT ?) RETURNING {COLUMNS}"
FAMILY_READY = f"{kinship.FAMILY} {OF_FAMILY} LIMIT 1"
FAMILY_LEASED = (
    f"{kinship.FAMILY} SELECT count(*) FROM execution WHERE id IN family AND status IN ('assigned', 'running')"
)
READY = "SELECT 1 FROM execution WHERE queue = ? AND status = 'queued' LIMIT 1"
COUNT_LEASED = "SELECT count(*) FROM execution WHERE queue = ? AND status IN ('assigned', 'running')"
TIMED = "queue = 'timer' AND status IN ('queued', 'retry_scheduled')"  # what was cancelled meanwhile is never due
DUE = f"SELECT id, status FROM execution WHERE {TIMED} AND not_before <= ? ORDER BY not_before LIMIT ?"
NEXT_DUE = f"SELECT min(not_before) FROM execution WHERE {TIMED}"

SIGN = """json_extract(?, '$."' || id || '"[{}]')"""
RENEW = f"""
UPDATE execution SET lease_until = ?, beat_at = coalesce({SIGN.format(0)}, beat_at),
       beat = coalesce({SIGN.format(1)}, beat)
WHERE owner = ? AND status IN ('assigned', 'running')
"""

TOLD = ("output", "error_message")  #: columns with words that no person has typed
OF_AGENTS = ("name", "prompt", "checks", "gate")  #: what is an agent's own words where an agent has submitted it
TIMED_OUT_ADVICE = "It is tried again if it may be; else resume it with as much time, or restart it with more."
DUE_AT_ONCE = 500  # timers moved per transaction, so that a thousand due at once do not hold the lock for long


def insert(tx: Tx, execution: Execution) -> Execution:
    """Store a new execution, in the state that it says, and tell of it."""
    if execution.parent_id is not None:
        shown = {name: redaction.known.json(getattr(execution, name)) for name in OF_AGENTS}
        execution = replace(execution, **shown | {"checks": tuple(shown["checks"])})
    tx.sql(INSERT, [_stored(getattr(execution, name)) for name in NAMES])
    _tell(tx, execution, None)
    return execution


def get(view: View, execution_id: str) -> Execution:
    """Give the execution of this full id. Raises `errors.NotFound`."""
    rows = view.sql(f"{SELECT} WHERE id = ?", (execution_id,))
    if not rows:
        raise errors.NotFound(f"There is no execution {execution_id}.")
    return record(rows[0])


def find(view: View, prefix: str) -> Execution:
    """Give the one execution whose id begins like this. Raises `errors.NotFound` or `errors.InvalidInput`."""
    return get(view, lookup.by_prefix(view, "execution", prefix))


def by_key(view: View, idempotency_key: str) -> Execution | None:
    """Give the execution that was submitted under this idempotency key, if there is one."""
    rows = view.sql(f"{SELECT} WHERE idempotency_key = ?", (idempotency_key,))
    return record(rows[0]) if rows else None


def latest_of_thread(view: View, thread_id: str) -> Execution | None:
    """Give the newest execution of an agent in a thread; None if there is none."""
    rows = view.sql(f"{SELECT} WHERE thread_id = ? AND kind = 'agent' ORDER BY id DESC LIMIT 1", (thread_id,))
    return record(rows[0]) if rows else None


def of_thread(view: View, thread_id: str, limit: int) -> list[Execution]:
    """Give the executions of a thread, newest first."""
    rows = view.sql(f"{SELECT} WHERE thread_id = ? ORDER BY created_at DESC, id DESC LIMIT ?", (thread_id, limit))
    return [record(row) for row in rows]


def listing(
    view: View, *, status: Status | None = None, task_id: str | None = None, limit: int = 50
) -> list[Execution]:
    """Give the newest executions, newest first."""
    wanted = {"status": status, "task_id": task_id}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in given) or "TRUE"
    rows = view.sql(f"{SELECT} WHERE {where} ORDER BY id DESC LIMIT ?", (*given.values(), limit))
    return [record(row) for row in rows]


def move(
    tx: Tx, execution_id: str, before: Status, after: Status, *, epoch: int | None = None, **changes: Any
) -> Execution:
    """Move an execution from one state to another, together with other columns, and tell of it.

    Raises `errors.LeaseLost` if it is not in the state `before` (or not in this epoch) any more, and ValueError for a
    move that `states.NEXT` does not have, which is a defect.
    """
    if not states.may_move(before, after):
        raise ValueError(f"no execution may go from {before} to {after}")
    changes = _with_consequences(tx, before, after) | changes
    changes |= {name: redaction.known.json(changes[name]) for name in TOLD if name in changes}
    columns = "".join(f", {name} = ?" for name in changes)
    fence, params = ("", ()) if epoch is None else (" AND epoch = ?", (epoch,))
    rows = tx.sql(
        f"UPDATE execution SET status = ?{columns} WHERE id = ? AND status = ?{fence} RETURNING {COLUMNS}",
        (after, *(_stored(value) for value in changes.values()), execution_id, before, *params),
    )
    if not rows:
        raise errors.LeaseLost(f"Execution {execution_id} is not {before} any more.")
    execution = record(rows[0])
    if before in states.LEASED and after not in states.LEASED:
        _end_attempt(tx, execution, after)
        spending.lapse(tx, execution_id)  # a question that is out now has an answer that nobody will hear
    _tell(tx, execution, before)
    _note_findings(tx, execution, before)
    return execution


def require_owner(tx: Tx, execution_id: str, epoch: int) -> None:
    """Raise `errors.LeaseLost` unless this epoch still holds the execution."""
    statement = "SELECT 1 FROM execution WHERE id = ? AND epoch = ? AND status IN ('assigned', 'running')"
    if not tx.sql(statement, (execution_id, epoch)):
        raise errors.LeaseLost(f"Execution {execution_id} has another owner now.")


def count_answer(
    tx: Tx,
    execution_id: str,
    epoch: int,
    *,
    turn: int,
    input_tokens: int,
    output_tokens: int,
    cost_microusd: int | None,
) -> None:
    """Add one answer to the tally, as the owner of this epoch. Raises `errors.LeaseLost`."""
    require_owner(tx, execution_id, epoch)
    tx.sql(
        "UPDATE execution SET turn = ?, input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, "
        "cost_microusd = cost_microusd + ?, cost_known = cost_known AND ? WHERE id = ?",
        (turn, input_tokens, output_tokens, cost_microusd or 0, cost_microusd is not None, execution_id),
    )
    spending.settle(tx, execution_id, cost_microusd)


def count_aside(
    tx: Tx, execution_id: str, epoch: int, *, input_tokens: int, output_tokens: int, cost_microusd: int | None
) -> None:
    """Add an answer that is no turn of the conversation to the tally. Raises `errors.LeaseLost`."""
    require_owner(tx, execution_id, epoch)
    tx.sql(
        "UPDATE execution SET input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, "
        "cost_microusd = cost_microusd + ?, cost_known = cost_known AND ? WHERE id = ?",
        (input_tokens, output_tokens, cost_microusd or 0, cost_microusd is not None, execution_id),
    )
    spending.settle(tx, execution_id, cost_microusd)


def claim(tx: Tx, queue: str, concurrency: int, owner: str, lease_until: Millis) -> list[Execution]:
    """Lease as many queued executions as the queue may still run, the most urgent and then the oldest first."""
    [(leased,)] = tx.sql(COUNT_LEASED, (queue,))
    if leased >= concurrency:
        return []
    rows = tx.sql(CLAIM, (owner, lease_until, queue, concurrency - leased))
    claimed = [_begin_attempt(tx, record(row), owner) for row in rows]
    return sorted(claimed, key=lambda execution: (execution.priority, execution.id))


def claim_one(tx: Tx, execution_id: str, owner: str, lease_until: Millis, at_once: int) -> list[Execution]:
    """Lease just this execution and its sub-tasks, at most `at_once` of them, if they are queued where they can run."""
    [(leased,)] = tx.sql(FAMILY_LEASED, (execution_id,))
    room = max(at_once - leased, 0)
    rows = tx.sql(CLAIM_FAMILY, (execution_id, owner, lease_until, *queues.WORKING, room))
    return [_begin_attempt(tx, record(row), owner) for row in rows]


def may_claim(view: View, allowed: dict[str, int]) -> bool:
    """Say whether some queue holds work and has room for it: a claim that would find nothing must not be written."""
    return any(
        view.sql(READY, (queue,)) and view.sql(COUNT_LEASED, (queue,))[0][0] < allowed[queue]
        for queue in queues.WORKING
    )


def is_ready(view: View, execution_id: str) -> bool:
    """Say whether this execution, or a sub-task of it, is queued where it can run."""
    return bool(view.sql(FAMILY_READY, (execution_id, *queues.WORKING)))


def promote_due(tx: Tx) -> int:
    """Queue what has waited for its time in the timer queue, and give how many that were."""
    due = tx.sql(DUE, (tx.now, DUE_AT_ONCE))
    for execution_id, status in due:
        leave_timer(tx, execution_id, Status(status))
    return len(due)


def leave_timer(tx: Tx, execution_id: str, status: Status, queue: str | None = None) -> None:
    """Put an execution from the timer queue into the queue where it runs, or for this once into another."""
    target = queue or get(tx, execution_id).target_queue
    if status is Status.QUEUED:
        tx.sql("UPDATE execution SET queue = ?, waiting_reason = NULL WHERE id = ?", (target, execution_id))
        _tell(tx, get(tx, execution_id), status)
    else:
        move(tx, execution_id, status, Status.QUEUED, queue=target)


def parked(view: View, reasons: Sequence[str]) -> list[str]:
    """Give the ids of what waits in the timer queue for one of these reasons."""
    table = models.Execution
    query = table.select(table.id).where((table.queue == queues.TIMER) & table.waiting_reason.in_(reasons))
    return [execution_id for (execution_id,) in view.rows(query)]


def bring_forward(tx: Tx, execution_id: str, at: Millis) -> None:
    """Let what is parked come at `at`, if that is sooner."""
    statement = f"""
    UPDATE execution SET not_before = ?, waiting_until = ? WHERE id = ? AND {TIMED} AND not_before > ?
    RETURNING {COLUMNS}
    """
    for row in tx.sql(statement, (at, at, execution_id, at)):
        _tell(tx, record(row), Status.RETRY_SCHEDULED)


def next_due(view: View) -> Millis | None:
    """Give the moment when the next timer is due."""
    [(due,)] = view.sql(NEXT_DUE)
    return None if due is None else int(due)


def leased(view: View) -> list[Execution]:
    """Give every execution that some worker holds."""
    return [record(row) for row in view.sql(f"{SELECT} WHERE status IN ('assigned', 'running')")]


def renew(tx: Tx, owner: str, lease_until: Millis, signs: Mapping[str, tuple[Millis, str]]) -> None:
    """Prolong all leases of an owner, and note the last sign of life of each: by execution, when and what."""
    noted = orjson.dumps(signs).decode()
    tx.sql(RENEW, (lease_until, noted, noted, owner))


def dead_letters(view: View, cause: str | None) -> list[Execution]:
    """Give the dead letters that nobody has put aside, newest first."""
    wanted = f"{SELECT} WHERE status = 'dead_lettered' AND dismissed_at IS NULL"
    if cause is None:
        return [record(row) for row in view.sql(f"{wanted} ORDER BY id DESC")]
    return [record(row) for row in view.sql(f"{wanted} AND error_cause = ? ORDER BY id DESC", (cause,))]


def dismiss(tx: Tx, execution_id: str) -> None:
    """Put a dead letter aside."""
    tx.sql("UPDATE execution SET dismissed_at = ? WHERE id = ? AND status = 'dead_lettered'", (tx.now, execution_id))
    findings.clear_of(tx, execution_id)


def cancel_requested(view: View) -> list[str]:
    """Give the ids of leased executions that somebody wants to end."""
    wanted = "cancel_requested_at IS NOT NULL AND status IN ('assigned', 'running')"
    return [execution_id for (execution_id,) in view.sql(f"SELECT id FROM execution WHERE {wanted}")]


def point_at_question(tx: Tx, execution_id: str, question_id: str) -> None:
    """Say which question a waiting execution waits for now."""
    tx.sql("UPDATE execution SET waiting_question = ? WHERE id = ?", (question_id, execution_id))


def move_to_model(tx: Tx, execution_id: str, model: str) -> None:
    """Let an execution that waits go on with another model."""
    tx.sql("UPDATE execution SET model = ? WHERE id = ? AND status = 'waiting_for_input'", (model, execution_id))


def move_to_sandbox(tx: Tx, execution_id: str, sandbox: str) -> None:
    """Let an execution that waits go on in another sandbox."""
    statement = "UPDATE execution SET sandbox = ? WHERE id = ? AND status = 'waiting_for_input'"
    tx.sql(statement, (sandbox, execution_id))


def request_cancel(tx: Tx, execution: Execution) -> None:
    """Note that a running execution is to end, for its owner to see."""
    tx.sql("UPDATE execution SET cancel_requested_at = ? WHERE id = ?", (tx.now, execution.id))
    tx.emit(events.Kind.CANCEL_REQUESTED, execution_id=execution.id, thread_id=execution.thread_id)


def record(row: Row) -> Execution:
    """Make a record of a row read by `COLUMNS`."""
    raw = Execution(*row)
    lists: Json = {NAMES[at]: None if row[at] is None else tuple(orjson.loads(row[at])) for at in _LISTS}
    return replace(
        raw,
        kind=Kind(raw.kind),
        status=Status(raw.status),
        outcome=Outcome(raw.outcome) if raw.outcome else None,
        unknown_effect=UnknownEffect(raw.unknown_effect),
        permission=Permission(raw.permission),
        sandbox_limits=None if raw.sandbox_limits is None else orjson.loads(str(raw.sandbox_limits)),
        cost_known=bool(raw.cost_known),
        announce=bool(raw.announce),
        **lists,
    )


_LISTS = [NAMES.index(name) for name in ("allowed_tools", "checks", "check_results", "mcp_servers", "resumed")]


def _stored(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, (tuple, list, dict)) else value


def _with_consequences(tx: Tx, before: Status, after: Status) -> Json:
    """Give the columns that always change along with a move."""
    changes: Json = {}
    if before in states.LEASED and after not in states.LEASED:
        changes |= {"owner": None, "lease_until": None}
    if after in {Status.FAILED, Status.TIMED_OUT} or after in states.ENDED:
        changes |= {"attempt_open": 0, "worked_ms": 0}
    if after in states.ENDED:
        changes |= {"completed_at": tx.now, "waiting_reason": None, "waiting_until": None, "waiting_question": None}
        changes |= {"not_before": None}
    if after is Status.RETRY_SCHEDULED:
        changes |= {"queue": queues.TIMER}
    if after is Status.QUEUED:
        changes |= {"waiting_reason": None, "waiting_until": None, "waiting_question": None, "not_before": None}
    return changes


def _note_findings(tx: Tx, execution: Execution, before: Status) -> None:
    """Bring what was found about an execution in line with its move."""
    if before in states.LEASED and execution.status not in states.LEASED:
        findings.clear_of(tx, execution.id, findings.OF_A_STEP)
        questions.withdraw(tx, execution, kind=questions.STUCK)
    if execution.status is Status.TIMED_OUT:
        message = f"“{execution.name}”: {execution.error_message}"
        findings.found(tx, findings.TIMED_OUT, message, TIMED_OUT_ADVICE, execution.id)
    if execution.status in {Status.COMPLETED, Status.CANCELLED}:
        findings.clear_of(tx, execution.id)


def _begin_attempt(tx: Tx, execution: Execution, owner: str) -> Execution:
    tx.sql(
        "INSERT INTO attempt (execution_id, epoch, attempt, owner, started_at) VALUES (?, ?, ?, ?, ?)",
        (execution.id, execution.epoch, execution.attempt, owner, tx.now),
    )
    _tell(tx, execution, Status.QUEUED)
    findings.clear_of(tx, execution.id)
    return execution


def _end_attempt(tx: Tx, execution: Execution, after: Status) -> None:
    tx.sql(
        "UPDATE attempt SET ended_at = ?, ended_by = coalesce(ended_by, ?), error = ? "
        "WHERE execution_id = ? AND epoch = ?",
        (tx.now, after, execution.error_message, execution.id, execution.epoch),
    )


def _tell(tx: Tx, execution: Execution, before: Status | None) -> None:
    data: Json = {"from": before, "to": execution.status, "queue": execution.queue}
    if execution.outcome:
        data["outcome"] = execution.outcome
    if execution.waiting_reason:
        data |= {"reason": execution.waiting_reason, "until": execution.waiting_until}
    tx.emit(events.Kind.STATUS, execution_id=execution.id, thread_id=execution.thread_id, data=data)
