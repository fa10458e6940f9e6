"""An engine on a clock that stands still, and a lease of it that nobody works on but the test."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from baara_engine import owner, queues, resuming
from baara_engine.agent.model import Answer, Usage
from baara_engine.engine import Engine
from baara_engine.health.machine import Machine
from baara_engine.health.monitor import Monitor
from baara_engine.journal import Journal
from baara_engine.records import Execution, Json, Kind
from baara_engine.requests import Submission
from baara_engine.runner import Lease
from baara_engine.store import executions
from baara_engine.testing.clocks import FakeClock
from baara_engine.tools import load

LONG = 30.0  # seconds that no wait here takes unless something is wrong


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def engine(home: Path, clock: FakeClock) -> Iterator[Engine]:
    """Give an engine on that clock."""
    opened = Engine(home, clock_=clock)
    yield opened
    opened.close()


@dataclass(slots=True)
class Ward:
    """A monitor, and the leases that it watches over."""

    engine: Engine
    leases: list[Lease]
    troubles: dict[str, str]
    free: int
    machine: Machine
    monitor: Monitor

    async def lease(self, prompt: str = "work", kind: Kind = Kind.AGENT) -> Lease:
        """Begin an execution as its owner."""
        self.engine.submit(Submission(prompt=prompt, kind=kind))
        me = str(owner.Owner.me())
        [claimed] = self.engine.store.write(lambda tx: executions.claim(tx, queues.TRANSFER, 9, me, 1 << 50))
        begun, _ = await resuming.begin(self.engine.store, claimed)
        lease = Lease(begun, self.engine.store.clock)
        self.leases.append(lease)
        return lease

    async def call(self, lease: Lease, name: str, value: Json) -> None:
        """Journal an answer with one call, and its intent."""
        journal = Journal(self.engine.store, lease.execution)
        block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": value}
        await journal.answered(Answer([block], "tool_use", Usage(), "scripted", 0), 1)
        await journal.intend(1, 0, block, load(name), {})

    def now(self, lease: Lease) -> Execution:
        """Give the execution as it stands."""
        return self.engine.execution(lease.execution.id)

    def found(self) -> list[str]:
        """Give the kinds of what is open."""
        return sorted(one.kind for one in self.engine.health())


@pytest.fixture
def ward(engine: Engine) -> Ward:
    """Give a monitor with nothing to watch over yet, on a disk with much room."""
    leases: list[Lease] = []
    troubles: dict[str, str] = {}
    machine = Machine(engine.home, engine.store, troubles, lambda _: made.free)
    made = Ward(engine, leases, troubles, 1 << 40, machine, Monitor(engine.store, machine, lambda: leases))
    return made


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Give a function that waits until something is so."""

    def wait(is_so: Callable[[], object]) -> None:
        deadline = time.monotonic() + LONG
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return wait
