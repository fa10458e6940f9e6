"""What becomes of due times that have come: decided from the times alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from baara_engine.clock import Millis
from baara_engine.schedules.records import Missed, SlotState

ON_TIME_MS = 5000  # for a busy computer to look: nobody would call this late
LATE_MS = 60_000  # for a restart or a nap; whoever is away for longer is absent

OFF = "The task is switched off."
PAUSED = "The schedule was paused."
CLOCK_SET = "The computer's clock was set past it."
ABSENT = "Nobody was at work then."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one due time. A state that runs is what it comes to unless something else runs still."""

    due: Millis
    state: SlotState
    why: str


def decide(
    due: Sequence[Millis],
    now: Millis,
    missed: Missed,
    *,
    has_older: bool,
    instead: SlotState | None = None,
    why: str = "",
) -> list[Verdict]:
    """Decide about the newest due times, oldest first; `has_older` says whether there were others before these.

    `instead` is what all of them come to that are not on time, and where the state is skipped all of them, with `why`.
    """
    if instead is SlotState.SKIPPED:
        return [Verdict(one, instead, why) for one in due]
    late = [one for one in due if now - one > ON_TIME_MS]
    if not late:
        return [Verdict(one, SlotState.RAN, "") for one in due]
    if instead is not None:
        on_time = [Verdict(one, SlotState.RAN, "") for one in due if one not in late]
        return [Verdict(one, instead, why) for one in late] + on_time
    if len(due) == 1 and not has_older and now - due[0] <= LATE_MS:
        return [Verdict(due[0], SlotState.LATE, f"It was due {(now - due[0]) // 1000} s before.")]
    return _after_absence(due, now, missed)


def _after_absence(due: Sequence[Millis], now: Millis, missed: Missed) -> list[Verdict]:
    newest = due[-1]
    if now - newest <= ON_TIME_MS:
        return [*_made_up_for(due[:-1], newest, missed), Verdict(newest, SlotState.RAN, "")]
    if missed is Missed.ONCE:
        return [*_made_up_for(due[:-1], newest, missed), Verdict(newest, SlotState.CAUGHT_UP, ABSENT)]
    return _made_up_for(due, newest, missed)


def _made_up_for(due: Sequence[Millis], newest: Millis, missed: Missed) -> list[Verdict]:
    match missed:
        case Missed.ONCE:
            state, why = SlotState.MISSED, f"{ABSENT} The due time of {said(newest)} ran for it."
        case Missed.ALL:
            state, why = SlotState.CAUGHT_UP, ABSENT
        case Missed.SKIP:
            state, why = SlotState.MISSED, ABSENT
        case Missed.ASK:
            state, why = SlotState.ASKED, ABSENT
    return [Verdict(one, state, why) for one in due]


def said(at: Millis) -> str:
    """Write a due time in UTC, to the second: in a ledger it must mean the same everywhere."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
