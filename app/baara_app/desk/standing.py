"""How it stands, as the tray tells it: read from the engine, never from what a window believes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from baara_engine import words
from baara_engine.clock import Millis
from baara_engine.engine import Engine
from baara_engine.records import Lane, Pause, Row

SHOWN = 5  # threads of a lane that a menu names


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread, as a menu names it."""

    id: str
    title: str
    since: Millis | None  #: when its work began


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the tray shows."""

    now: Millis
    paused: Pause | None
    running: tuple[Thread, ...]
    running_count: int
    needs_you: tuple[Thread, ...]
    needs_count: int
    inbox: int  #: threads that somebody has yet to look at: what needs a person, has failed, or is new
    next_due: tuple[Millis, str] | None
    today_microusd: int
    keep_awake: bool
    finishing: bool = False  #: nothing new begins; it quits when what is at work has ended


def read(engine: Engine, *, finishing: bool) -> Standing:
    """Read how it stands now."""
    now, lanes = engine.store.clock.now(), engine.lanes()
    today = datetime.fromtimestamp(now / words.MS_PER_S, UTC).astimezone().strftime("%Y-%m-%d")
    return Standing(
        now=now,
        paused=engine.paused(),
        running=_threads(engine.lane(Lane.RUNNING, limit=SHOWN)),
        running_count=lanes.get(Lane.RUNNING, 0),
        needs_you=_threads(engine.lane(Lane.NEEDS_YOU, limit=SHOWN)),
        needs_count=lanes.get(Lane.NEEDS_YOU, 0),
        inbox=sum(lanes.get(lane, 0) for lane in (Lane.NEEDS_YOU, Lane.FAILED, Lane.NEW)),
        next_due=engine.next_task(),
        today_microusd=sum(one.microusd for one in engine.usage("day", 1) if one.what == today),
        keep_awake=engine.config.keep_awake,
        finishing=finishing,
    )


def _threads(rows: Sequence[Row]) -> tuple[Thread, ...]:
    return tuple(
        Thread(row.thread.id, row.thread.title, None if row.latest is None else row.latest.started_at) for row in rows
    )
