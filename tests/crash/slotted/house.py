"""The real thing: a home with tasks and schedules, whose engine looks when it is told to, and dies when told to."""

import asyncio
import itertools
import random
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.crash import simulation

from baara_engine import clock, operations, queues, timekeeping
from baara_engine.clock import Millis
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind
from baara_engine.requests import TaskDraft, Timing
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap, Slot
from baara_engine.scheduling.scheduler import Scheduler
from baara_engine.states import Status
from baara_engine.store import executions, slots
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx
from baara_engine.testing.clocks import FakeClock
from baara_engine.testing.inline import Dead, InlineWriter, Plug

T = TypeVar("T")

MakeScheduler = Callable[[operations.Place, random.Random], Scheduler]

NEVER = 1_000_000_000  # writes
ALL = 1_000_000
ENDING = (Status.QUEUED, Status.ASSIGNED, Status.RUNNING, Status.COMPLETED)
END: Millis = 10**15  # later than anything is due here


class Mortal(Store):
    """A store whose writes end in the death of whoever waits for them, if its plug is pulled."""

    async def awrite(self, work: Callable[[Tx], T]) -> T:
        """Do one write. Raises `Dead`."""
        return self.submit(work).result()


class House:
    """Everything that is real."""

    def __init__(self, folder: Path, clock_: FakeClock, seed: int, tasks: int, make_scheduler: MakeScheduler) -> None:
        self.clock = clock_
        self.plug = Plug()
        self.randomness = random.Random(seed)
        shutil.copytree(_template(tasks), folder / "home")
        self.engine = Engine(folder / "home", clock_=clock_, open_store=self._open)
        self._make_scheduler = make_scheduler
        self._loop = asyncio.new_event_loop()
        self.restart()

    def close(self) -> None:
        self.engine.close()
        self._loop.close()

    def restart(self) -> None:
        """Forget whatever is not in the store."""
        self.plug.pull_at(NEVER, kept=False)
        self.plug.is_pulled = False
        self.scheduler = self._make_scheduler(self.engine, self.randomness)
        self._watch = clock.Watch(self.clock)

    def add(
        self, number: int, rule: rules.Rule, missed: Missed, overlap: Overlap, catch_up: int, jitter_s: float
    ) -> str:
        """Let a task of the template have a schedule, and give the id of that."""
        timing = Timing(missed=missed, overlap=overlap, catch_up=catch_up, jitter_s=jitter_s)
        return self.engine.create_schedule(task_name(number), rule, timing).id

    def notice(self) -> Millis:
        """Give by how much the clock was set since the last look, as the worker finds it."""
        found = self._watch.look()
        jumped = 0 if found is None else found.jumped_ms
        if jumped:
            self.scheduler.clock_was_set(jumped)
        return jumped

    def look(self, dies_at: int | None, *, kept: bool) -> tuple[int, bool]:
        """Look at what is due; give how many writes are in the store, and whether the engine has died over it."""
        before = self.plug.writes
        if dies_at is not None:
            self.plug.pull_at(dies_at, kept=kept)
        try:
            self._loop.run_until_complete(self.scheduler.look())
        except Dead:
            return self.plug.writes - before - (not kept), True
        self.plug.pull_at(NEVER, kept=False)
        writes = self.plug.writes - before
        timekeeping.bring_back_slots(self.engine.store)
        while self._is_timer_due() and self.engine.store.write(executions.promote_due):
            pass
        return writes, False

    def finish(self, chance: Callable[[], bool]) -> list[tuple[str, Millis]]:
        """Let some of what is queued come to its end, and give the schedules and due times that they are for."""
        ready = [one for one in self.engine.executions(status=Status.QUEUED, limit=ALL) if one.queue != queues.TIMER]
        ended = [one for one in ready if chance()]
        if ended:
            self.engine.store.write(lambda tx: _end_all(tx, ended))
        return [of(one) for one in ended]

    def executions(self) -> dict[tuple[str, Millis], Execution]:
        """Give all that there are, by schedule and due time."""
        every = self.engine.executions(limit=ALL)
        return {of(one): one for one in sorted(every, key=_again)}  # of one due time, the last that was made for it

    def rows(self) -> dict[str, list[Slot]]:
        """Give the whole ledger, oldest first."""
        found: dict[str, list[Slot]] = {}
        for schedule in self.engine.schedules():
            found[schedule.id] = self.engine.store.read(
                partial(slots.between, schedule_id=schedule.id, after=-1, until=END, limit=ALL)
            )
        return found

    def _is_timer_due(self) -> bool:
        due = self.engine.store.read(executions.next_due)
        return due is not None and due <= self.clock.now()

    def _open(self, home: Path, clock_: clock.Clock) -> Store:
        return Mortal(
            home, clock_, randomness=random.Random(1), writer=lambda committer: InlineWriter(committer, self.plug)
        )


def of(execution: Execution) -> tuple[str, Millis]:
    """Give the schedule and the due time that an execution is for."""
    _, schedule_id, due, *_again = str(execution.idempotency_key).split("/")
    return schedule_id, int(due)


def _again(execution: Execution) -> int:
    """Give the how manieth of its due time it is: ids say nothing of that where the clock was put back in between."""
    _, _, _, *again = str(execution.idempotency_key).split("/")
    return int(again[0]) if again else 1


def _end_all(tx: Tx, ended: list[Execution]) -> None:
    for one in ended:
        _end(tx, one.id)


def _end(tx: Tx, execution_id: str) -> None:
    for before, after in itertools.pairwise(ENDING):
        executions.move(tx, execution_id, before, after)


def task_name(number: int) -> str:
    """Name one of the tasks that a home begins with."""
    return f"task {number}"


_made: dict[int, tempfile.TemporaryDirectory[str]] = {}


def _template(tasks: int) -> Path:
    """Give a home with so many tasks, made once, for each history to begin with a copy of it."""
    if tasks not in _made:
        _made[tasks] = tempfile.TemporaryDirectory(dir=simulation.memory(), prefix="slots-")
        engine = Engine(Path(_made[tasks].name) / "home")
        for number in range(tasks):
            engine.create_task(TaskDraft(name=task_name(number), prompt="true", kind=Kind.COMMAND))
        engine.close()
    return Path(_made[tasks].name) / "home"
