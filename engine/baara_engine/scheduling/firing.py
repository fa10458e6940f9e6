"""Dealing with one schedule whose time has come, within a transaction: a crash loses it whole or keeps it whole."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from baara_engine import operations, settle, states
from baara_engine.clock import Millis
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap, Schedule, Slot, SlotState
from baara_engine.scheduling import asking, beginning, ledger, policy
from baara_engine.store import executions, schedules, slots, tasks
from baara_engine.store.transaction import Tx

AT_ONCE = 16  # due times that are looked at one by one: more than can come on time of the shortest interval
MOST_WAITING = 100  # due times of one schedule that wait for their turn; further ones are skipped


@dataclass(frozen=True, slots=True)
class Firing:
    """How due times are dealt with by an engine."""

    place: operations.Place
    randomness: random.Random
    quietly: Callable[[Millis], Millis]  #: gives when the next of what is made up for may begin

    def deal(self, tx: Tx, schedule: Schedule, *, clock_was_set: bool = False, paused: bool = False) -> None:
        """Account for all due times of a schedule until now, and begin what is to run."""
        rule = rules.decode(schedule.rule)
        known = ledger.standing(tx, self.place.store, schedule, rule)
        instead, why = self._instead(tx, schedule, clock_was_set=clock_was_set, paused=paused)
        wanted = 0 if instead is SlotState.SKIPPED else _wanted(schedule)
        new = known.without(rule, wanted + 1)
        single = new[-wanted:] if wanted else []
        verdicts = policy.decide(single, tx.now, schedule.missed, has_older=len(new) > wanted, instead=instead, why=why)
        whole = ledger.Verdict(instead or SlotState.MISSED, why or _why_older(schedule))
        ledger.fill(tx, self.place.store, schedule, rule, known, single, whole)
        asked = [self._slot(schedule, verdict, tx.now) for verdict in verdicts if verdict.state is SlotState.ASKED]
        asking.ask(tx, self.place, schedule, asked)
        for verdict in verdicts:
            self._carry_out(tx, schedule, verdict, is_in_line=_is_in_line(schedule, verdicts))
        schedules.advance(
            tx, schedule.id, tx.now, rules.next_after(rule, tx.now) if schedule.enabled else None,
        )  # fmt: skip

    def _instead(
        self, tx: Tx, schedule: Schedule, *, clock_was_set: bool, paused: bool
    ) -> tuple[SlotState | None, str]:
        if paused:
            return SlotState.SKIPPED, policy.PAUSED
        if not tasks.get(tx, schedule.task_id).enabled:
            return SlotState.SKIPPED, policy.OFF
        return (SlotState.MISSED, policy.CLOCK_SET) if clock_was_set else (None, "")

    def _carry_out(self, tx: Tx, schedule: Schedule, verdict: policy.Verdict, *, is_in_line: bool) -> None:
        slot = self._slot(schedule, verdict, tx.now)
        if verdict.state is SlotState.ASKED:
            return  # all of them at once, before
        if verdict.state not in ledger.RUN:
            slots.make(tx, slot)
        elif is_in_line:
            self._line_up(tx, schedule, slot)
        else:
            self._begin_unless_busy(tx, schedule, slot)

    def _slot(self, schedule: Schedule, verdict: policy.Verdict, now: Millis) -> Slot:
        return Slot(
            id=self.place.store.ids.new(), schedule_id=schedule.id, due=verdict.due, last_due=verdict.due, count=1,
            state=verdict.state, why=verdict.why, execution_id=None, settled_at=now,
        )  # fmt: skip

    def _begin_unless_busy(self, tx: Tx, schedule: Schedule, slot: Slot) -> None:
        busy = schedules.unfinished(tx, schedule.task_id)
        if busy and schedule.overlap is Overlap.CANCEL:
            busy = self._call_off(tx, schedule, busy)
        elif not busy and schedule.overlap is Overlap.QUEUE and slots.count_waiting(tx, schedule.id):
            busy = ["those before it"]
        if not busy:
            at = self._moment(schedule, slot, tx.now)
            beginning.begin(tx, self.place, schedule, slot, not_before=at, is_new=True)
        elif schedule.overlap is Overlap.SKIP:
            why = f"The execution before it, {busy[-1]}, had not ended."
            slots.make(tx, _as(slot, SlotState.SKIPPED, why, tx.now))
        else:
            self._line_up(tx, schedule, slot)

    def _moment(self, schedule: Schedule, slot: Slot, now: Millis) -> Millis:
        """Give when it may begin: at once, or later by the jitter, or by what keeps a start quiet."""
        if slot.state is not SlotState.RAN:
            return self.quietly(now)
        jitter = timedelta(seconds=self.randomness.uniform(0, schedule.jitter_s)) / timedelta(milliseconds=1)
        return slot.due + round(jitter)

    def _line_up(self, tx: Tx, schedule: Schedule, slot: Slot) -> None:
        """Let it wait for its turn, unless too many do."""
        if slot.state is SlotState.CAUGHT_UP:
            slots.make(tx, _as(slot, SlotState.CATCHING_UP, slot.why, None))
        elif slots.count_waiting(tx, schedule.id) >= max(MOST_WAITING, schedule.catch_up):
            slots.make(tx, _as(slot, SlotState.SKIPPED, "Too many due times before it wait for their turn.", tx.now))
        else:
            slots.make(tx, _as(slot, SlotState.WAITING, "The execution before it has not ended.", None))

    def _call_off(self, tx: Tx, schedule: Schedule, busy: list[str]) -> list[str]:
        """Call off what a due time must not run beside, and give what has not ended by that."""
        for slot in slots.waiting(tx, schedule.id):
            slots.settle(tx, slot.id, SlotState.SKIPPED, "A later due time has taken its place.", None)
        for execution_id in busy:
            execution = executions.get(tx, execution_id)
            if execution.status in states.LEASED and self.place.is_alive(execution.owner):
                executions.request_cancel(tx, execution)
            else:
                settle.cancel(tx, self.place.store, execution)
        return schedules.unfinished(tx, schedule.task_id)


def _wanted(schedule: Schedule) -> int:
    """Give how many of the newest due times are dealt with one by one."""
    return schedule.catch_up if schedule.missed in {Missed.ALL, Missed.ASK} else AT_ONCE


def _as(slot: Slot, state: SlotState, why: str, settled_at: Millis | None) -> Slot:
    return Slot(
        id=slot.id, schedule_id=slot.schedule_id, due=slot.due, last_due=slot.last_due, count=slot.count, state=state,
        why=why, execution_id=slot.execution_id, settled_at=settled_at,
    )  # fmt: skip


def _is_in_line(schedule: Schedule, verdicts: list[policy.Verdict]) -> bool:
    """Say whether these run one after another: all that are made up for, and what comes on time behind them."""
    return schedule.missed is Missed.ALL and any(one.state is SlotState.CAUGHT_UP for one in verdicts)


def _why_older(schedule: Schedule) -> str:
    if schedule.missed is Missed.ONCE:
        return f"{policy.ABSENT} The newest due time ran for it."
    if schedule.missed is Missed.SKIP:
        return policy.ABSENT
    return f"{policy.ABSENT} Only the newest {schedule.catch_up} are made up for."
