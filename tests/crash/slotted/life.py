"""A month of a computer's life, drawn from a seed: it works, sleeps, is switched off, is killed, has a wrong clock."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.crash.slotted import checking, dues
from tests.crash.slotted.expected import Expected, Plan
from tests.crash.slotted.house import House, MakeScheduler

from baara_engine.clock import Millis
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap
from baara_engine.scheduling import asking
from baara_engine.testing.clocks import FakeClock

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HOUR_S = 3600.0
TEN_YEARS_MS = 3652 * DAY_MS
JUMPS_MS = (-TEN_YEARS_MS, *(-HOUR_MS, HOUR_MS) * 2, TEN_YEARS_MS)
JUMPS_OF_MANY_MS = (-TEN_YEARS_MS, *(-HOUR_MS, HOUR_MS) * 6, TEN_YEARS_MS)  # ten years cost a second there
ZONES = ("Australia/Lord_Howe", "Pacific/Chatham", "Europe/Berlin", "America/New_York", "America/Santiago")
LAGS_MS = (0, 0, 0, 40, 4000, 7000, 45_000)  # of a look after its time: none, a busy computer, a very busy one
FIRST_DUE_MS = 9 * DAY_MS  # before the begin: what a weekly schedule was due at last, where the clock is set years on
LAST_DUE_MS = 65 * DAY_MS  # after the begin: beyond the month, and what a monthly schedule is due at next
EXPRESSIONS = (
    "30 2 * * *", "15 0 * * *", "0 0 * * *", "45 2 * * *", "0 1,2,3 * * *", "0 9 * * 1-5", "30 7 * * 1", "30 1 1 * *",
    "0 12 29 2 *", "0 3 29 * *", "45 23 31 12 *", "30 3 * * 0",
    "0 * * * *", "*/30 2 * * *", "15 */6 * * *", "*/15 1-3 * * 0",
)  # fmt: skip
# Of a house with many schedules, most come seldom, as people's do: it is the days unlike others that matter.
SELDOM = (
    *("30 7 * * 1", "30 3 * * 0", "15 9 * * 3") * 3, *("30 1 1 * *", "0 3 29 * *", "30 2 15 * *", "0 0 28 * *") * 5,
    *("0 12 29 2 *", "45 23 31 12 *", "30 2 8 3 *", "45 2 4 4 *", "30 2 28 3 *", "45 2 26 9 *", "30 1 1 11 *") * 3,
)  # fmt: skip
MANY = 50  # schedules of a house that has many
OFTEN_OF_MANY = 0.06  # share of these that come each day or more often
OPTIONS = {asking.RUN_NONE: "none", asking.RUN_ONE: "one", asking.RUN_ALL: "all"}
MOST_LOOKS = 3000  # of the drain at the end


@dataclass(slots=True)
class Told:
    """What came of a history."""

    seed: int
    broken: str | None = None
    at_day: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)


class Life:
    """One history; the world's true time is the clock's `boot`."""

    def __init__(self, seed: int, folder: Path, days: float, schedules: int, make_scheduler: MakeScheduler) -> None:
        self.draw = random.Random(seed)
        self.begun = _begin(self.draw, days)
        self.days, self.told = days, Told(seed)
        self.has_many = schedules > MANY
        self._jumps = JUMPS_OF_MANY_MS if self.has_many else JUMPS_MS
        self.clock = FakeClock(self.begun)
        self.wrong_by: Millis = 0
        self.house = House(folder, self.clock, seed, schedules, make_scheduler)
        self.expected = Expected()
        self.plans: dict[str, Plan] = {}
        for number in range(schedules):
            self._add(number)

    def run(self) -> Told:
        """Live for so many days, then let everything end, and compare."""
        try:
            while self.clock.boot() < self.days * 86_400:
                self.draw.choice(self._acts())()
            self._end()
            self.told.counts += checking.check(self.house, self.plans, self.begun)
        except AssertionError as error:
            self.told.broken = str(error) or "an assertion without a word"
        except Exception as error:  # noqa: BLE001 - whatever the engine raises where it must not is what is looked for
            self.told.broken = f"{type(error).__name__}: {error}"
        finally:
            self.told.at_day = self.clock.boot() / 86_400
            self.house.close()
        return self.told

    # ------------------------------------------------------------------ what happens

    def _acts(self) -> list[Callable[[], None]]:
        often = [self.work, self.work, self.sleep, self.be_off, self.be_killed]
        times = 16 if self.has_many else 4  # each wrong clock costs a look at every schedule
        return [*often * times, *[self.answer] * 3, self.call_off, self.jump, self.jump_twice]

    def work(self) -> None:
        """Look at each due time, as an engine at work does; now and then something does not end at once."""
        until = self.clock.now() + round(self.draw.uniform(0.1, 8) * HOUR_MS)
        while self.clock.now() < until:
            due = self.house.engine.next_due()
            at = until if due is None else min(max(due, self.clock.now()) + self.draw.choice(LAGS_MS), until)
            self.clock.advance((at - self.clock.now()) / 1000)
            self.look()
            self.finish(0.7)

    def sleep(self) -> None:
        self.told.counts["sleeps"] += 1
        self.clock.suspend(self.draw.choice([0.02, 1, 12, 100]) * HOUR_S * self.draw.random())
        self.look()

    def be_off(self) -> None:
        """Stop, and be started some time later."""
        self.clock.advance(self.draw.choice([0.01, 1, 24, 100]) * HOUR_S * self.draw.random())
        self._restart()

    def be_killed(self) -> None:
        """Die before or after one of the writes of a look."""
        due = self.house.engine.next_due() or self.clock.now()
        self.clock.advance(max(0, min(due - self.clock.now(), DAY_MS)) / 1000 + self.draw.choice([0, 0, 3, 7200]))
        self.look(dies_at=self.draw.choice([1, 1, 2, 3]), kept=self.draw.random() < 0.5)

    def jump(self) -> None:
        """Set the clock wrong, and right again some time later; the engine may be away while either is done."""
        ms = self.draw.choice(self._jumps)
        for by in (ms, -ms):
            self._set(by)

    def jump_twice(self) -> None:
        """Set the clock wrong while it is wrong, and right again in either order."""
        first, second = self.draw.choice(self._jumps), self.draw.choice([-HOUR_MS, HOUR_MS])
        for by in (first, second, *self.draw.sample([-first, -second], 2)):
            self._set(by)

    def answer(self) -> None:
        for question in self.house.engine.questions():
            option = self.draw.choice(question.options)
            plan = self._plan_asking(question.execution_id)
            self.house.engine.answer(question.id, option, by="a person")
            plan.answer(OPTIONS[option], self.clock.now())
            self.told.counts["answers"] += 1

    def call_off(self) -> None:
        for question in self.house.engine.questions()[:1]:
            self._plan_asking(question.execution_id).called_off = True
            self.house.engine.cancel(question.execution_id)

    # ------------------------------------------------------------------ with both, the house and the model

    def look(self, dies_at: int | None = None, *, kept: bool = False) -> None:
        self.expected.clock_was_set(self.house.notice())
        steps = self.expected.look(self.clock.now())
        writes, died = self.house.look(dies_at, kept=kept)
        for _ in range(writes):
            assert next(steps, self) is None, "there was a write that nothing called for"
        if died:
            self.told.counts["kills"] += 1
            self._restart()
            return
        assert next(steps, self) is self, "a write is missing"
        self.told.counts["looks"] += 1

    def finish(self, share: float) -> None:
        if not any(plan.busy for plan in self.expected.plans):
            return  # what runs all the same is found at the end
        for schedule_id, due in self.house.finish(lambda: self.draw.random() < share):
            busy = self.plans[schedule_id].busy
            assert due in busy, f"{self.plans[schedule_id].number}: {due} runs, which nobody expected"
            busy.remove(due)

    def _restart(self) -> None:
        self.told.counts["starts"] += 1
        self.house.restart()
        self.expected.restart()
        self.look()

    def _set(self, ms: Millis) -> None:
        self.told.counts["jumps"] += 1
        self.clock.set_wall(self.clock.now() + ms)
        if self.draw.random() < 0.3:
            self._restart()
        elif self.draw.random() < 0.8:
            self.look()
        if self.draw.random() < 0.7:
            self.draw.choice([self.work, self.sleep, self.be_killed])()

    def _plan_asking(self, execution_id: str) -> Plan:
        key = str(self.house.engine.execution(execution_id).idempotency_key)
        return self.plans[key.split("/")[1]]

    def _end(self) -> None:
        """Let everything come to its end."""
        for _ in range(MOST_LOOKS):
            self.answer()
            self.clock.advance(10)
            self.look()
            self.finish(1)
            if not any(plan.busy or plan.has_open() for plan in self.expected.plans):
                return
        raise AssertionError("something waits for ever")

    def _add(self, number: int) -> None:
        rule, due = self._rule()
        missed, overlap = self.draw.choice(list(Missed)), self.draw.choice(list(Overlap))
        catch_up = self.draw.choice([1, 3, 10])
        schedule_id = self.house.add(number, rule, missed, overlap, catch_up, self.draw.choice([0.0, 0.0, 60.0]))
        plan = Plan(number, due, missed.value, overlap.value, catch_up, self.begun)
        self.plans[schedule_id] = plan
        self.expected.plans.append(plan)

    def _rule(self) -> tuple[rules.Rule, Sequence[Millis]]:
        """Draw a rule, and give its due times as they are found without it."""
        kind = self.draw.randrange(10)
        if kind == 0:
            at = self.begun + self.draw.randrange(1, round(self.days * 86_400)) * 1000
            return rules.Once(at), [at]
        is_seldom = self.has_many and self.draw.random() > OFTEN_OF_MANY
        if kind == 1:
            hours = self.draw.choice([168, 730] if is_seldom else [2, 5, 24])
            first = self.begun - hours * HOUR_MS * (TEN_YEARS_MS // (hours * HOUR_MS) + 2)
            return rules.Every(hours * 3600, self.begun), range(first, self._spans()[-1][1], hours * HOUR_MS)
        named = dues.Named(self.draw.choice(SELDOM if is_seldom else EXPRESSIONS), self.draw.choice(ZONES))
        found = dues.fixed(named) if named.is_fixed else dues.shown(named, self._spans())
        return rules.Cron(named.text, named.zone), found

    def _spans(self) -> tuple[dues.Span, ...]:
        """Give the times that may be played: the month and what is due next, now and ten years off."""
        return tuple(
            (self.begun + by - FIRST_DUE_MS, self.begun + by + LAST_DUE_MS) for by in (-TEN_YEARS_MS, 0, TEN_YEARS_MS)
        )


def _begin(draw: random.Random, days: float) -> Millis:
    """Draw a begin such that a day of the calendar that is unlike the others is inside."""
    year = draw.choice([2026, 2027, 2028, 2029])
    special = draw.choice(
        [
            (2028, 2, 29, 12), (year, 12, 31, 23), (year, 3, 8, 7), (year, 3, 28, 1), (year, 4, 4, 15),
            (year, 9, 26, 14), (year, 10, 3, 15), (year, 10, 28, 1), (year, 11, 4, 6), (year, 9, 5, 4),
        ]
    )  # fmt: skip
    at = int(datetime(*special, tzinfo=UTC).timestamp()) * 1000
    return at - draw.randrange(round(0.1 * days * 24), round(0.9 * days * 24)) * HOUR_MS
