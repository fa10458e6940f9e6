"""Records as people read them: one set of words everywhere."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from baara_engine import queues, resuming, retry, states
from baara_engine.clock import Millis
from baara_engine.errors import FailureKind
from baara_engine.records import Pause
from baara_engine.states import Outcome, Status

MS_PER_S = 1000
MICRO = 1_000_000  # millionths of a dollar in one
SHORTEST_ID = 10  # characters of an id: its time, in ms

STATES = {
    Status.CREATED: "Queued",
    Status.QUEUED: "Queued",
    Status.ASSIGNED: "Running",
    Status.RUNNING: "Running",
    Status.WAITING_FOR_INPUT: "Needs you",
    Status.FAILED: "Failed",
    Status.TIMED_OUT: "Failed",
    Status.RETRY_SCHEDULED: "Waiting",
    Status.COMPLETED: "Ran",
    Status.CANCELLED: "Cancelled",
    Status.DEAD_LETTERED: "Failed",
}
WAITING_FOR: dict[str | None, str] = {
    "person": "a person",
    "time": "its time",
    "retry": "its next attempt",
    states.SUB_TASK: "its sub-tasks",
    FailureKind.RATE_LIMIT: "the rate limit",
    FailureKind.OVERLOADED: "the service to have room",
    FailureKind.OFFLINE: "a connection",
    FailureKind.KEY: "an API key",
    FailureKind.BILLING: "credit",
    FailureKind.OUTAGE: "the service to be well again",
}


class Standing(Protocol):
    """What says where an execution stands: the execution, or a part of it."""

    @property
    def status(self) -> Status: ...  # noqa: D102 - as in `records.Execution`, all of them
    @property
    def outcome(self) -> Outcome | None: ...  # noqa: D102
    @property
    def queue(self) -> str: ...  # noqa: D102
    @property
    def waiting_reason(self) -> str | None: ...  # noqa: D102
    @property
    def waiting_until(self) -> Millis | None: ...  # noqa: D102
    @property
    def cancel_requested_at(self) -> Millis | None: ...  # noqa: D102
    @property
    def cost_microusd(self) -> int: ...  # noqa: D102
    @property
    def cost_known(self) -> bool: ...  # noqa: D102
    @property
    def started_at(self) -> Millis | None: ...  # noqa: D102
    @property
    def completed_at(self) -> Millis | None: ...  # noqa: D102


def state(execution: Standing) -> str:
    """Give the outcome of what has ended, and else where it stands."""
    if execution.outcome is not None:
        return execution.outcome
    if execution.waiting_reason == states.SUB_TASK:
        return f"Waiting for {waited_for(execution.waiting_reason)}"
    if execution.status is Status.RETRY_SCHEDULED or execution.queue == queues.TIMER:
        return waiting(execution.waiting_reason, execution.waiting_until)
    if execution.cancel_requested_at is not None:
        return "Running, to be cancelled"
    return STATES[execution.status]


def waiting(reason: str | None, until: Millis | None) -> str:
    """Say what something waits for, and until when, if that is known: the time of day, if it is within a day."""
    when = "" if reason in retry.UNTIL_CHANGED else _until(until)
    what = "" if when and reason == "time" else f" for {waited_for(reason)}"
    return f"Waiting{when}{what}"


def pause(found: Pause) -> str:
    """Say that all work is paused, and until when."""
    return f"All work is paused{'' if found.until is None else _until(found.until)}."


def _until(at: Millis | None) -> str:
    if at is None:
        return ""
    moment = datetime.fromtimestamp(at / MS_PER_S, UTC).astimezone()
    is_near = abs(moment - datetime.now(UTC)) < timedelta(days=1)
    return f" until {moment.strftime('%H:%M' if is_near else '%Y-%m-%d %H:%M')}"


def waited_for(reason: str | None) -> str:
    """Say what a reason for waiting means."""
    return WAITING_FOR.get(reason, reason or "its turn")


def local(at: Millis | None) -> str | None:
    """Write a point in time in this computer's zone, to the second."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / MS_PER_S, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def cost(execution: Standing) -> str:
    """Write what it has cost."""
    if not execution.cost_known:
        return "unknown"
    return f"${execution.cost_microusd / MICRO:.4f}" if execution.cost_microusd else "–"


def duration_ms(execution: Standing, now: Millis) -> int | None:
    """Give the time from its start to its end, or until now; None if it has not begun."""
    if execution.started_at is None:
        return None
    return max((execution.completed_at or now) - execution.started_at, 0)


def duration(execution: Standing, now: Millis) -> str | None:
    """Write that time as people say it."""
    spent = duration_ms(execution, now)
    return None if spent is None else resuming.duration(spent)


def short(ids: Sequence[str]) -> list[str]:
    """Shorten ids as far as they stay apart from one another."""
    length = SHORTEST_ID
    while len({id_[:length] for id_ in ids}) < len(set(ids)):
        length += 1
    return [id_[:length] for id_ in ids]


def count(number: int, noun: str, many: str = "") -> str:
    """Write a number of things; `many` where the plural of a noun needs more than an s."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"
