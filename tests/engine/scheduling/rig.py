"""A ledger under a clock that the test owns."""

import asyncio
import random

from baara_engine import queues
from baara_engine.clock import Millis
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind
from baara_engine.requests import TaskDraft, Timing
from baara_engine.schedules import rules
from baara_engine.schedules.records import Slot
from baara_engine.scheduling.scheduler import Scheduler
from baara_engine.states import Status
from baara_engine.store import executions
from baara_engine.testing.clocks import FakeClock

S = 1000
MANY = 10_000


class Rig:
    """One task with one schedule, every 5 s, on an engine that does not work: the test looks when it likes."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine = engine
        self.clock = clock
        self.begun = clock.now()
        self.rule: rules.Rule = rules.Every(5, self.begun)
        self.task = engine.create_task(self.draft("work"))
        self.restart()

    @staticmethod
    def draft(name: str) -> TaskDraft:
        return TaskDraft(name=name, prompt="true", kind=Kind.COMMAND)

    def restart(self) -> None:
        """Forget whatever is not in the store."""
        self.scheduler = Scheduler(self.engine, random.Random(1))

    def schedule(self, **timing: object) -> str:
        return self.engine.create_schedule("work", self.rule, Timing.model_validate(timing)).id

    def look(self) -> None:
        asyncio.run(self.scheduler.look())
        while self.engine.store.write(executions.promote_due):
            pass

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let time go by while the engine looks, as it does when it is at work."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.look()

    def set_clock(self, ms: Millis) -> None:
        """Set the wall clock by so much; a running engine notices that."""
        self.clock.set_wall(self.clock.now() + ms)
        self.scheduler.clock_was_set(ms)

    def ledger(self) -> list[tuple[float, str]]:
        """Give the seconds of each due time with its state, oldest first, without runs that last for years."""
        return sorted(
            ((due - self.begun) / S, slot.state.value)
            for slot in self.rows()
            if slot.count is not None and slot.count <= MANY
            for due in rules.between(self.rule, slot.due - 1, slot.last_due)
        )

    def rows(self) -> list[Slot]:
        return self.engine.slots(limit=10_000)[::-1]

    def executions(self) -> list[Execution]:
        """Give what was queued, oldest first."""
        return self.engine.executions(limit=10_000)[::-1]

    def finish(self) -> None:
        """Let everything that was queued come to its end."""
        for execution in self.engine.executions(status=Status.QUEUED):
            if execution.queue != queues.TIMER:
                self.engine.store.write(lambda tx, one=execution: end(tx, one.id))  # type: ignore[misc]

    def passed(self, seconds: float) -> None:
        """Let time go by in which everything ends at once."""
        for _ in range(round(seconds)):
            self.pass_time(1)
            self.finish()


def end(tx: object, execution_id: str) -> None:
    for before, after in ((Status.QUEUED, Status.ASSIGNED), (Status.ASSIGNED, Status.RUNNING),
                          (Status.RUNNING, Status.COMPLETED)):  # fmt: skip
        executions.move(tx, execution_id, before, after)  # type: ignore[arg-type]
