"""What is said on the desktop, and when: decided from what is notable, and from nothing else that is remembered.

One number is kept, the moment up to which all was told. So a crash repeats nothing and swallows nothing: whatever came
while nobody could tell it (a sleep, quiet hours, the program not running) is told afterwards, in one line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from baara_engine import words
from baara_engine.clock import Millis
from baara_engine.records_of_threads import Notable
from baara_engine.settings import Settings

NUDGE_MS = 3 * 3600 * 1000  # after which a question that is still open is told of once more
GAP_MS = 5 * 60 * 1000  # without a look: whatever came in between came in an absence
MOST_AT_ONCE = 3  # notices; more are one line
ALL = "all"  #: key of the notice that stands for several
NEEDS_YOU, FAILED = "needs you", "failed"
LINE = 200  # characters of a notice


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification."""

    key: str  #: of a thread: a later one takes its place
    title: str
    body: str
    page: str  #: what a click opens


@dataclass(frozen=True, slots=True)
class Look:
    """What came of a look."""

    notices: tuple[Notice, ...]
    told_until: Millis  #: all up to then is told


def look(
    found: Sequence[Notable], told_until: Millis, last_look: Millis | None, now: Millis, settings: Settings
) -> Look:
    """Decide what is said now. `last_look` is None after a start."""
    told_until = min(told_until, now)  # the clock may have been put back
    if not settings.notify:
        return Look((), now)
    if is_quiet(settings, now):
        return Look((), told_until)
    fresh = [one for one in found if any(told_until < moment <= now for moment in _moments(one))]
    was_away = last_look is None or now - last_look > GAP_MS or now - told_until > GAP_MS
    if len(fresh) > (1 if was_away else MOST_AT_ONCE):
        return Look((_in_one_line(fresh),), now)
    return Look(tuple(_notice(one, now) for one in fresh), now)


def is_quiet(settings: Settings, now: Millis) -> bool:
    """Say whether a moment lies in the person's quiet hours, which may go over midnight."""
    if settings.quiet_from is None or settings.quiet_until is None:
        return False
    begin, end = time.fromisoformat(settings.quiet_from), time.fromisoformat(settings.quiet_until)
    here = datetime.fromtimestamp(now / words.MS_PER_S, UTC).astimezone().time()
    return begin <= here < end if begin <= end else here >= begin or here < end


def _moments(one: Notable) -> tuple[Millis, ...]:
    return (one.at, one.at + NUDGE_MS) if one.what == NEEDS_YOU else (one.at,)


def _notice(one: Notable, now: Millis) -> Notice:
    what = {NEEDS_YOU: "Needs you", FAILED: "Failed"}.get(one.what, one.what)
    still = "Still waiting: " if one.what == NEEDS_YOU and now - one.at >= NUDGE_MS else ""
    line = " ".join(one.line.split())
    return Notice(one.thread_id, f"{what}: {one.title}", f"{still}{line[:LINE]}", f"/thread/{one.thread_id}")


def _in_one_line(fresh: Sequence[Notable]) -> Notice:
    counts = {
        "needs you": sum(one.what == NEEDS_YOU for one in fresh), "failed": sum(one.what == FAILED for one in fresh),
        "new": sum(one.what not in {NEEDS_YOU, FAILED} for one in fresh),
    }  # fmt: skip
    said = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    return Notice(ALL, "While you were away", said, "/")
