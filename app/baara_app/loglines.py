"""Events as log lines: a level and a sentence each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from baara_engine import queues, resuming, states, words
from baara_engine.clock import Millis
from baara_engine.engine import Engine
from baara_engine.events import Kind
from baara_engine.records import Event, Json
from baara_engine.states import Status

PAGE = 1000  # events read at once


class Level(StrEnum):
    """How much a line matters."""

    INFO = "info"  #: It goes its way.
    WARNING = "warning"  #: It waits, or a step failed.
    ERROR = "error"  #: An attempt failed.


RANK = list(Level)
LEVELS = {
    Status.WAITING_FOR_INPUT: Level.WARNING,
    Status.RETRY_SCHEDULED: Level.WARNING,
    Status.CANCELLED: Level.WARNING,
    Status.FAILED: Level.ERROR,
    Status.TIMED_OUT: Level.ERROR,
    Status.DEAD_LETTERED: Level.ERROR,
}
SENTENCES = {
    Status.CREATED: "Submitted",
    Status.ASSIGNED: "Taken up",
    Status.RUNNING: "Running",
    Status.WAITING_FOR_INPUT: "Needs you",
    Status.FAILED: "The attempt failed",
    Status.TIMED_OUT: "The attempt has used up its time",
    Status.CANCELLED: "Cancelled",
    Status.DEAD_LETTERED: "Failed; it is not tried again by itself",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    seq: int
    at: Millis
    level: Level
    text: str


def after(engine: Engine, seq: int, execution_id: str) -> Iterator[Event]:
    """Give the events of an execution after number `seq`, oldest first, however many there are."""
    while True:
        page = engine.events(seq, execution=execution_id, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        seq = page[-1].seq


def select(engine: Engine, prefix: str, level: Level, search: str, limit: int) -> list[Line]:
    """Give the newest log lines of an execution that matter so much and have this text, in any case; oldest first.

    Raises `errors.NotFound`.
    """
    lines = [line(event) for event in after(engine, 0, prefix)]
    wanted = [one for one in lines if RANK.index(one.level) >= RANK.index(level)]
    return [one for one in wanted if search.casefold() in one.text.casefold()][-limit:]


def line(event: Event) -> Line:
    """Give the log line of an event."""
    return Line(event.seq, event.at, _level(event), sentence(event))


def sentence(event: Event) -> str:
    """Say what happened."""
    say = SAYING.get(event.kind)
    return event.kind.replace("_", " ").capitalize() if say is None else say(event.data)


def _status(data: Json) -> str:
    to = Status(data["to"])
    if to is Status.COMPLETED:
        return f"Ended: {data.get('outcome', to)}"
    if to is Status.RETRY_SCHEDULED or (to is Status.QUEUED and data.get("queue") == queues.TIMER):
        return words.waiting(data.get("reason"), data.get("until"))
    if to is Status.QUEUED:
        return f"Queued in {data.get('queue')}"
    if data.get("reason") == states.SUB_TASK:
        return f"Waiting for {words.waited_for(states.SUB_TASK)}"
    return SENTENCES[to]


def _jumped(data: Json) -> str:
    direction = "ahead" if data["ms"] > 0 else "back"
    return f"The computer's clock was put {direction} by {resuming.duration(abs(data['ms']))}"


SAYING: dict[str, Callable[[Json], str]] = {
    Kind.STATUS: _status,
    Kind.TURN: lambda data: f"Turn {data['turn']} answered",
    Kind.TOOL_BEGUN: lambda data: f"Turn {data['turn']}: {data['name']} begins",
    Kind.TOOL_ENDED: lambda data: f"Turn {data['turn']}: {data['name']} {'failed' if data['is_error'] else 'done'}",
    Kind.RESUMED: lambda data: f"Resumed at turn {data['turn']} after {resuming.duration(data['gap_ms'])}",
    Kind.CANCEL_REQUESTED: lambda _: "Somebody called it off",
    Kind.POSTED: lambda data: f"The thread has a new message ({data['kind']})",
    Kind.QUESTION: lambda data: f"A question is {data['status']}",
    Kind.CHECKED: lambda data: f"Checks, round {data['round']}: {data['passed']} passed, {data['failed']} failed",
    Kind.GRANT: lambda data: f"A grant for “{data['tool']}” is {data['state']}",
    Kind.SLEPT: lambda data: f"The computer was asleep for {resuming.duration(data['ms'])}",
    Kind.CLOCK_JUMPED: _jumped,
    Kind.SLOT: lambda data: f"Its due time, {words.local(data['due'])}: {data['state'].replace('_', ' ')}",
    Kind.COMPACTED: lambda data: f"Compacted at turn {data['turn']}: the beginning is not sent any more",
    Kind.NOTED: lambda data: (
        f"Turn {data['turn']}: progress noted" + (f"; next: {data['next']}" if data["next"] else "")
    ),
    Kind.LIMIT: lambda data: (
        "A limit was taken away" if data["microusd"] is None else f"A limit is ${data['microusd'] / words.MICRO:g} now"
    ),
    Kind.FINDING: lambda data: data["message"] if data["state"] == "found" else f"Well again: {data['message']}",
}


def _level(event: Event) -> Level:
    if event.kind == Kind.STATUS and event.data.get("reason") == states.SUB_TASK:
        return Level.INFO
    if event.kind == Kind.STATUS:
        return LEVELS.get(Status(event.data["to"]), Level.INFO)
    if event.kind == Kind.TOOL_ENDED and event.data["is_error"]:
        return Level.WARNING
    if event.kind == Kind.CHECKED and event.data["failed"]:
        return Level.WARNING
    if event.kind == Kind.FINDING and event.data["state"] == "found":
        return Level.WARNING
    return Level.INFO
