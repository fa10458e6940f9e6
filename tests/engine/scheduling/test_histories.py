"""Drawn histories: whatever happens to the clock and to the engine, each due time is in the ledger exactly once."""

import contextlib
import itertools
import random

import apsw
import peewee as pw
import pytest
from tests.engine.scheduling.rig import Rig

from baara_engine import errors
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap, SlotState
from baara_engine.scheduling import ledger

HOUR_S = 3600
HOUR_MS = 3_600_000
YEARS_MS = 3652 * 24 * HOUR_MS
STEPS = 25
OPEN = {SlotState.WAITING, SlotState.CATCHING_UP, SlotState.ASKED}


class History:
    """What happens to one schedule, drawn from a seed."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig, self.draw = rig, random.Random(seed)
        zones = ("Australia/Lord_Howe", "Pacific/Chatham", "Europe/Berlin", "America/New_York", "UTC")
        drawn: list[rules.Rule] = [
            rules.Every(300, rig.begun),
            rules.Cron("*/20 * * * *", self.draw.choice(zones)),
            rules.Cron("30 2 * * *", self.draw.choice(zones)),
        ]
        rig.rule = self.draw.choice(drawn)
        missed, overlap = self.draw.choice(list(Missed)), self.draw.choice(list(Overlap))
        self.schedule_id = rig.schedule(missed=missed, overlap=overlap, catch_up=self.draw.choice([1, 3, 30]))

    def step(self) -> None:
        act = self.draw.choice(
            [self.work, self.work, self.be_away, self.be_away, self.jump, self.pause, self.refuse, self.answer],
        )
        act()

    def work(self) -> None:
        """Look at each due time, as an engine at work does; now and then something does not end at once."""
        until = self.rig.clock.now() + self.draw.randint(1, HOUR_S) * 1000
        while self.rig.clock.now() < until:
            due = self.rig.engine.next_due()
            at = until if due is None else min(max(due + self.draw.choice([0, 40, 7000]), self.rig.clock.now()), until)
            self.rig.clock.advance((at - self.rig.clock.now()) / 1000)
            self.rig.look()
            if self.draw.random() < 0.8:
                self.rig.finish()

    def be_away(self) -> None:
        self.rig.clock.advance(self.draw.choice([10, 1000, 10 * HOUR_S, 20 * 24 * HOUR_S]) * self.draw.random())
        self.rig.restart()

    def jump(self) -> None:
        """Set the clock wrong, and right again some time later; the engine may be away while either is done."""
        ms = self.draw.choice([-YEARS_MS, -HOUR_MS, HOUR_MS, YEARS_MS])
        for by in (ms, -ms):
            self.rig.set_clock(by)
            if self.draw.random() < 0.3:
                self.rig.restart()
            self.work()

    def pause(self) -> None:
        if self.draw.random() < 0.5:
            self.rig.engine.update_task("work", {"enabled": False})
            self.work()
            self.rig.engine.update_task("work", {"enabled": True})
        else:
            self.rig.engine.pause_schedule(self.schedule_id)
            self.work()
            self.rig.engine.resume_schedule(self.schedule_id)

    def refuse(self) -> None:
        """Let the store refuse the last write of a look, as a crash does."""
        no = "CREATE TRIGGER no BEFORE UPDATE OF accounted_until ON schedule BEGIN SELECT raise(ABORT, 'no'); END"
        self.rig.engine.store.write(lambda tx: tx.sql(no))
        self.rig.clock.advance(self.draw.randint(1, 2 * HOUR_S))
        with contextlib.suppress(apsw.ConstraintError, pw.IntegrityError, errors.BaaraError):
            self.rig.look()
        self.rig.engine.store.write(lambda tx: tx.sql("DROP TRIGGER no"))

    def answer(self) -> None:
        for question in self.rig.engine.questions():
            self.rig.engine.answer(question.id, self.draw.choice(question.options), by="a person")

    def end(self) -> None:
        """Let everything come to its end."""
        for _ in range(400):
            self.answer()
            self.rig.clock.advance(10)
            self.rig.look()
            self.rig.finish()
            if not any(row.state in OPEN for row in self.rig.rows()):
                return
        raise AssertionError("something waits for ever")

    def check(self) -> None:
        rig = self.rig
        rows = sorted(rig.rows(), key=lambda row: row.due)
        assert all(one.last_due < other.due for one, other in itertools.pairwise(rows)), "rows overlap"
        due = list(rules.between(rig.rule, rig.begun, rig.engine.schedule(self.schedule_id).accounted_until))
        covered = [any(row.due <= at <= row.last_due for row in rows) for at in due]
        assert all(covered), f"lost: {[at for at, known in zip(due, covered, strict=True) if not known][:3]}"
        for row in rows:
            times = rules.between(rig.rule, row.due - 1, row.last_due)
            assert row.count is None or row.count > 1000 or row.count == sum(1 for _ in times), row
        ran = [row.execution_id for row in rows if row.state in ledger.RUN]
        assert len(set(ran)) == len(ran)
        keys = [one.idempotency_key for one in rig.executions()]
        assert len(set(keys)) == len(keys)
        assert set(ran) <= {one.id for one in rig.executions()}


@pytest.mark.parametrize("seed", range(20))
def test_each_due_time_is_in_the_ledger_exactly_once(rig: Rig, seed: int) -> None:
    """Sleeps, clocks set wrong and right, restarts, refused writes, pauses: no due time is lost, none runs twice."""
    print(f"seed {seed}")
    history = History(rig, seed)
    for _ in range(STEPS):
        history.step()
    history.end()
    history.check()
