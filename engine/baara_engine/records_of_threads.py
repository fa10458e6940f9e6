"""Threads, as `records` has them: what the inbox shows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from baara_engine.clock import Millis
from baara_engine.states import Outcome, Status


class Lane(StrEnum):
    """Where a thread stands in the inbox. The database keeps it as executions and questions move (migration 018)."""

    NEEDS_YOU = "needs_you"  #: A question is open: work stands still.
    FAILED = "failed"  #: A dead letter that nobody has put aside.
    NEW = "new"  #: It has ended, and nobody has called it done.
    RUNNING = "running"  #: Somebody works on it.
    WAITING = "waiting"  #: It is queued, or waits for its time, a service, a sub-task.
    SNOOZED = "snoozed"  #: A person wants it back later.
    DONE = "done"  #: A person has called it done, or there was nothing to do.
    ARCHIVED = "archived"  #: Out of the list; search finds it.


@dataclass(frozen=True, slots=True)
class Thread:
    """What the inbox shows."""

    id: str
    title: str
    source: str
    created_at: Millis
    updated_at: Millis
    unread: bool
    lane: Lane
    settled_at: Millis | None  #: when a person has called it done
    archived_at: Millis | None
    snoozed_until: Millis | None
    returned_at: Millis | None  #: when it came back from being snoozed
    pinned_at: Millis | None


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """One message in a thread: the prompt, a report, a result, a note about what happened."""

    id: str
    thread_id: str
    execution_id: str | None
    kind: str
    title: str
    body: str
    files: tuple[str, ...]
    at: Millis


@dataclass(frozen=True, slots=True)
class Latest:
    """What the newest execution of a thread is at."""

    id: str
    name: str
    kind: str
    status: Status
    outcome: Outcome | None
    queue: str
    turn: int
    beat: str | None
    cost_microusd: int
    cost_known: bool
    started_at: Millis | None
    completed_at: Millis | None
    waiting_reason: str | None
    waiting_until: Millis | None
    cancel_requested_at: Millis | None
    error_cause: str | None
    project_id: str | None
    model: str
    sandbox: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    thread: Thread
    latest: Latest | None
    line: str  #: of the last result, report, failure or question


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A tool call as people look at it."""

    tool_use_id: str
    name: str
    input: dict[str, Any]
    begun_at: Millis
    ended_at: Millis | None
    is_error: bool
    result: str  #: its beginning
    result_chars: int  #: of the whole
    effect: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the model and the calls that it made, as people look at it."""

    turn: int
    at: Millis
    text: str
    thought: str
    model: str | None
    output_tokens: int
    calls: tuple[CallSeen, ...]


@dataclass(frozen=True, slots=True)
class Notable:
    """Something that is worth a word on the desktop."""

    what: str  #: "needs you", "failed", or the outcome of a result
    thread_id: str
    title: str  #: of the thread
    line: str  #: the question, the reason, or the result
    at: Millis


@dataclass(frozen=True, slots=True)
class Absence:
    """What happened since a moment."""

    since: Millis
    ended: dict[Outcome, int]
    cost_microusd: int
    missed: int  #: due times that nobody answered
    resumed: int  #: executions that went on after an interruption
    asked: int  #: questions that were asked since and are open


@dataclass(frozen=True, slots=True)
class Day:
    """What ended on one day."""

    day: str  #: as in 2026-11-25, by this computer's calendar
    executions: int
    tokens: int  #: read and written
    worked_ms: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that an execution has made or changed."""

    path: str  #: in the workspace
    size: int  #: bytes
    changed_at: Millis
    media_type: str
    sha256: str | None = None  #: of its bytes now, where somebody asked for it and it can be read
