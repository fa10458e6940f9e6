"""What the rest of the house sees of schedules: frozen values."""

from dataclasses import dataclass
from enum import StrEnum

from baara_engine.clock import Millis
from baara_engine.records import Json


class Missed(StrEnum):
    """What becomes of due times that came while nobody was at work."""

    ONCE = "once"  #: The newest runs, and stands for all.
    ALL = "all"  #: Each runs, one after another, up to a bound.
    SKIP = "skip"  #: None runs.
    ASK = "ask"  #: A person is asked.


class Overlap(StrEnum):
    """What becomes of a due time that comes while the task's execution before has not ended."""

    SKIP = "skip"  #: It does not run.
    QUEUE = "queue"  #: It waits for its turn.
    CANCEL = "cancel"  #: The one before is called off.


class SlotState(StrEnum):
    """What became of a due time."""

    WAITING = "waiting"  #: The execution before it has not ended.
    CATCHING_UP = "catching_up"  #: It is made up for once those before it are.
    ASKED = "asked"  #: A person is asked about it.
    RAN = "ran"  #: Its execution was queued on time.
    LATE = "late"  #: Its execution was queued, though not on time.
    CAUGHT_UP = "caught_up"  #: It came while nobody was at work, and was made up for.
    MISSED = "missed"  #: It came while nobody was at work, and nothing ran for it.
    SKIPPED = "skipped"  #: Nothing ran for it because of the overlap, a pause, or the task being off.


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a task is due."""

    id: str
    task_id: str
    rule: Json  #: as `schedules.rules` encodes it
    missed: Missed
    overlap: Overlap
    jitter_s: float  #: the most that a run is put off by, drawn anew for each due time
    catch_up: int  #: how many missed due times are made up for, or asked about, at most
    enabled: bool  #: False while it is paused
    accounted_until: Millis  #: each due time until then is in the ledger; goes back with the clock
    next_due: Millis | None  #: None if it is paused or will never be due again
    created_at: Millis
    updated_at: Millis


@dataclass(frozen=True, slots=True)
class Slot:
    """What became of one due time of a schedule, or of a run of them for which nothing ran."""

    id: str
    schedule_id: str
    due: Millis
    last_due: Millis  #: the same, unless this is about a run of due times
    count: int | None  #: of the due times that it is about; None if they are too many to be counted
    state: SlotState
    why: str
    execution_id: str | None
    settled_at: Millis | None  #: None while it is open


@dataclass(frozen=True, slots=True)
class GateRun:
    """One run of an execution's gate."""

    execution_id: str
    attempt: int
    key: str  #: the sandbox's, of the command
    boot_id: str
    begun_at: Millis
    ended_at: Millis | None
    result: Json | None  #: a `sandboxes.CommandResult`; None until it is known
