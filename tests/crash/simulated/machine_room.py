"""One life of an engine in a simulation: from its start, with what its predecessor left, to its stop or its death."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from pathlib import Path

from baara_engine import config, housekeeping, operations, owner, recovery, timekeeping
from baara_engine.agent import gate, model
from baara_engine.runner import Runner
from baara_engine.scheduling import scheduler
from baara_engine.settle import Settler
from baara_engine.store.store import Store
from baara_engine.testing.inline import Dead, InlineWriter, Plug
from baara_engine.testing.outside import FakeSandbox, Outside
from baara_engine.testing.virtual import VirtualClock, VirtualLoop
from baara_engine.worker import Worker

FALLBACK_S = 300.0  # seconds between looks without a nudge: a second would be most of what a month costs
SWEEP_S = 600.0

MakeSettler = Callable[[Store, random.Random], Settler]


class QuietHousekeeper(housekeeping.Housekeeper):
    """Keeps no house: backups and the like have threads and real time, and are no part of this."""

    async def run(self) -> None:
        """Do nothing, until cancelled."""
        await asyncio.get_running_loop().create_future()


class Place:
    """What the scheduler needs to know of the engine."""

    def __init__(self, home: Path, store: Store, is_alive: Callable[[str | None], bool]) -> None:
        self.home, self.store, self.is_alive = home, store, is_alive
        self.config = config.Config()


class Life:
    """An engine at work on a virtual clock."""

    def __init__(
        self, home: Path, clock: VirtualClock, randomness: random.Random, models: model.Models, outside: Outside,
        make_settler: MakeSettler, context_tokens: int | None = None,
    ) -> None:  # fmt: skip
        self.plug = Plug()
        self.loop = VirtualLoop(clock)
        self.plug.on_pulled = self.loop.stop
        self.store = Store(
            home, clock, randomness=randomness, writer=lambda committer: InlineWriter(committer, self.plug)
        )
        self.owner = str(owner.Owner("virtual", 1, self.store.ids.new()))
        gates = gate.Gates(clock, lambda: self.store.write_soon(lambda tx: operations.wake_parked(tx, randomness)))
        settler = make_settler(self.store, randomness)
        runner = Runner(
            self.store, home, models, lambda _name: FakeSandbox(outside), settler, gates, lambda: context_tokens
        )
        house = QuietHousekeeper(home, self.store)
        schedules = scheduler.Scheduler(Place(home, self.store, self.is_me), randomness)
        self.worker = Worker(
            self.store, home, self.owner, runner, house, schedules, fallback_s=FALLBACK_S, sweep_s=SWEEP_S
        )
        self._main: asyncio.Task[None] | None = None

    @property
    def has_ended(self) -> bool:
        """Say whether the worker has ended by itself."""
        return self._main is not None and self._main.done()

    @property
    def at_work(self) -> dict[str, int]:
        """Give the epochs that are worked on, by execution."""
        return {name: lease.execution.epoch for name, (lease, _) in self.worker._leases.items()}

    def is_me(self, text: str | None) -> bool:
        """Say whether an owner of leases is this engine and still runs."""
        return text == self.owner and not self.plug.is_pulled

    def begin(self) -> None:
        """Take back what the dead left, and begin to work. It may die over that."""
        with contextlib.suppress(Dead):
            recovery.recover(self.store, self.owner, self.is_me)
            timekeeping.shorten_waits(self.store)
            self._main = self.loop.create_task(self.worker.run(lambda: None))

    def run_until(self, when: float) -> None:
        """Work until this time, or until it has died."""
        self.loop.run_until(when)

    def stop(self, longest_s: float) -> None:
        """Stop in order; it may die over that."""
        self.worker.stop()
        if self._main is not None:
            self._main.add_done_callback(lambda _: self.loop.stop())
            self.loop.run_until(self.loop.time() + longest_s)

    def bury(self) -> BaseException | None:
        """End it for good; give the error that the worker ended by, if there was one."""
        self.plug.is_pulled = True
        ended = self._main is not None and self._main.done() and not self._main.cancelled()
        error = self._main.exception() if self._main is not None and ended else None
        self.loop.abandon()
        self.store.close()
        return error
