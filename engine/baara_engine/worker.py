"""The worker: claims what is due as far as the queues allow, runs it, and gives everything back when it is stopped.

It sleeps until it is woken: by a commit of this process, by a nudge from another, or by the nearest timer. Once a
second it asks, for about 40 µs, whether anything was committed that nobody nudged about.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from baara_engine import awake, errors, events, housekeeping, nudge, queues, recovery, timekeeping, watch
from baara_engine.clock import Millis
from baara_engine.health.machine import Machine
from baara_engine.health.monitor import Monitor
from baara_engine.records import Event, Execution
from baara_engine.runner import Lease, Runner
from baara_engine.scheduling import scheduler
from baara_engine.store import executions, news, pausing
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx, View

log = logging.getLogger(__name__)

MS_PER_S = 1000
FALLBACK_S = 1.0  # a nudge can be lost; work must not wait longer than this for another look
LEASE_S = 60.0  # a backstop: an owner's death is seen by its process, not by the clock
RENEW_S = 20.0  # a third of the lease, so that two renewals may fail
BEGIN_S = 2.0  # the longest that slow starters wait for work to begin
SWEEP_S = 5.0  # between looks for leases that nobody works on any more
STOP_GRACE_S = 5.0  # for the step at work to end by itself before it is cut off
STORE_TROUBLE_S = 1.0  # pause after the store refused, so that a full disk is not asked in a circle

# Commits of this process that may have made work ready, or room for it.
WAKING = frozenset(
    {
        events.Kind.STATUS, events.Kind.QUEUE, events.Kind.CANCEL_REQUESTED, events.Kind.SCHEDULE,
        events.Kind.PAUSED, events.Kind.UNPAUSED,
    }
)  # fmt: skip


class Worker:
    """Works on the queues of one store until it is stopped."""

    def __init__(
        self, store: Store, home: Path, owner: str, runner: Runner, housekeeper: housekeeping.Housekeeper,
        schedules: scheduler.Scheduler, only: str | None = None, *, fallback_s: float = FALLBACK_S,
        sweep_s: float = SWEEP_S, keeper: awake.Awake = awake.SLEEPY,
    ) -> None:  # fmt: skip
        """Take what it works with, and the id of the only execution that it is to work on, if there is one.

        `fallback_s` and `sweep_s` are seconds between looks; a simulation of a month looks less often. `keeper` keeps
        the computer awake while something is at work.
        """
        self._only = only
        self._schedules = schedules
        self._keeper = keeper
        self._fallback_s = fallback_s
        self._sweep_s = sweep_s
        self._store = store
        self._home = home
        self._owner = owner
        self._runner = runner
        self._housekeeper = housekeeper
        self._tasks = watch.Tasks()
        self._leases: dict[str, tuple[Lease, asyncio.Task[None]]] = {}
        self._machine = Machine(home, store, housekeeper.problems)
        self._monitor = Monitor(store, self._machine, lambda: [lease for lease, _ in self._leases.values()])
        self._wake = asyncio.Event()
        self._stopping = False
        self._draining = False
        self._time = timekeeping.Timekeeper(store)
        self._renewed = store.clock.monotonic()
        self._swept = store.clock.monotonic()
        self._next_due: Millis | None = None

    async def run(self, at_work: Callable[[], None]) -> None:
        """Work until `stop` is called; call `at_work` once what was due at the start is claimed, loaded and begun."""
        loop = asyncio.get_running_loop()
        listener, changes = nudge.Listener(self._home), self._store.watch()
        loop.add_reader(listener.fileno(), self._nudged, listener)
        forget = self._store.listen(lambda told: self._committed(loop, told))
        try:
            await self._look()
            await self._begun()
            at_work()
            self._tasks.spawn(self._housekeeper.run(), name="housekeeping")
            self._tasks.spawn(self._monitor.run(), name="health")
            while not self._stopping:
                self._keeper.set(on=bool(self._leases))
                await self._sleep(changes.changed)
                self._wake.clear()
                await self._look()
        finally:
            forget()
            loop.remove_reader(listener.fileno())
            listener.close()
            changes.close()
            await self._give_back()
            self._keeper.set(on=False)

    def stop(self) -> None:
        """Order the worker to stop; `run` returns when everything is given back. Call it in the loop's thread."""
        self._stopping = True
        self._wake.set()

    def drain(self, on: bool) -> None:  # noqa: FBT001 - called by the loop, which passes no names
        """Begin nothing new, or again. Call it in the loop's thread."""
        self._draining = on
        self._wake.set()

    @property
    def held(self) -> int:
        """Give how many executions are at work."""
        return len(self._leases)

    async def _begun(self) -> None:
        """Wait until everything in hand has begun, so that what is slow to start does not compete with it."""
        waits = [lease.running.wait() for lease, _ in self._leases.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_S):
                await watch.together(*waits)

    async def _look(self) -> None:
        """Do whatever is due now."""
        try:
            await self._see_to_time()
            await self._renew()
            self._sweep()
            self._end_cancelled()
            await self._promote()
            if not self._pause() and not self._draining:
                await self._claim()
        except errors.BaaraError as error:
            log.error("the store could not be used, trying again: %s", error)  # noqa: TRY400 - the sentence says it all
            await asyncio.sleep(STORE_TROUBLE_S)
            self._wake.set()

    async def _sleep(self, changed: Callable[[], bool]) -> None:
        """Wait until there may be something to do."""
        while not self._wake.is_set() and not self._is_due() and not changed():
            begun, nap_s = self._store.clock.monotonic(), self._nap_s()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(nap_s):
                    await self._wake.wait()
            self._machine.napped(nap_s, self._since(begun))

    def _nap_s(self) -> float:
        if self._next_due is None:
            return self._fallback_s
        return min(max((self._next_due - self._store.clock.now()) / MS_PER_S, 0.0), self._fallback_s)

    def _is_due(self) -> bool:
        if self._time.is_off() or (self._leases and self._since(self._renewed) >= RENEW_S):
            return True
        if self._since(self._swept) >= self._sweep_s:
            return True
        return self._next_due is not None and self._next_due <= self._store.clock.now()

    def _pause(self) -> bool:
        """Say whether all work is paused; what is at work then leaves at its next step.

        What a person runs by itself (`only`) is not held up: it was asked for just now.
        """
        pause = None if self._only is not None else self._store.read(pausing.get)
        if pause is None:
            return False
        for lease, _ in self._leases.values():
            lease.stopping = True
        if pause.until is not None:
            self._next_due = min(pause.until, self._next_due or pause.until)
        return True

    async def _claim(self) -> None:
        if not self._store.read(self._may_claim):
            return
        claimed = await self._store.awrite(self._claim_all)
        for execution in claimed:
            self._start(execution)

    def _may_claim(self, view: View) -> bool:
        if self._only is not None:
            return executions.is_ready(view, self._only)
        return executions.may_claim(view, news.concurrency(view))

    def _claim_all(self, tx: Tx) -> list[Execution]:
        lease_until = tx.now + round(LEASE_S * MS_PER_S)
        if self._only is not None:
            at_once = news.concurrency(tx)[queues.TRANSFER]
            return executions.claim_one(tx, self._only, self._owner, lease_until, at_once)
        allowed = news.concurrency(tx)
        return [
            execution
            for queue in queues.WORKING
            for execution in executions.claim(tx, queue, allowed[queue], self._owner, lease_until)
        ]

    def _start(self, execution: Execution) -> None:
        lease = Lease(execution, self._store.clock)
        task = self._tasks.spawn(self._runner.run(lease), name=f"execution-{execution.id}")
        self._leases[execution.id] = (lease, task)
        task.add_done_callback(lambda ended: self._forget(execution.id, ended))

    def _forget(self, execution_id: str, task: asyncio.Task[None]) -> None:
        """Drop a lease that has ended, unless the execution has been leased again meanwhile."""
        held = self._leases.get(execution_id)
        if held is not None and held[1] is task:
            del self._leases[execution_id]
            self._keeper.set(on=bool(self._leases))

    async def _promote(self) -> None:
        """Queue the timers that are due, begin what schedules have due, and note when the next one is."""
        if self._only is None:
            await self._schedules.look()
        while self._is_timer_due(due := self._store.read(executions.next_due)):
            await self._store.awrite(executions.promote_due)
        self._next_due = due if self._only is not None else self._store.read(self._schedules.next_due)

    def _is_timer_due(self, due: Millis | None) -> bool:
        return due is not None and due <= self._store.clock.now()

    def _sweep(self) -> None:
        """Take up what is left lying; not at every look, so that a lasting fault is not asked in a circle."""
        if self._since(self._swept) >= self._sweep_s:
            self._swept = self._store.clock.monotonic()
            at_work = {execution_id: lease.execution.epoch for execution_id, (lease, _) in self._leases.items()}
            recovery.take_back_orphans(self._store, self._owner, at_work)
            timekeeping.shorten_waits(self._store)

    def _end_cancelled(self) -> None:
        for execution_id in self._store.read(executions.cancel_requested):
            held = self._leases.get(execution_id)
            if held is not None and not held[0].cancelled:
                held[0].cancelled = True
                held[1].cancel()

    async def _see_to_time(self) -> None:
        """Renew the leases at once after a sleep, or once the clock was set: their ends are on the wall clock."""
        if not self._time.is_off():
            return
        for found in await self._time.see_to([lease.execution for lease, _ in self._leases.values()]):
            self._machine.jumped(found.jumped_ms)
            self._schedules.clock_was_set(found.jumped_ms)
            if found.jumped_ms < 0:
                timekeeping.bring_back_slots(self._store)
        await self._renew_now()

    def _since(self, moment: float) -> float:
        return self._store.clock.monotonic() - moment

    async def _renew(self) -> None:
        if self._leases and self._since(self._renewed) >= RENEW_S:
            await self._renew_now()

    async def _renew_now(self) -> None:
        self._renewed = self._store.clock.monotonic()
        signs = {execution_id: lease.vitals.last_sign() for execution_id, (lease, _) in self._leases.items()}
        await self._store.awrite(
            lambda tx: executions.renew(tx, self._owner, tx.now + round(LEASE_S * MS_PER_S), signs),
        )

    async def _give_back(self) -> None:
        """Let the steps at work end, or cut them off, so that each execution is back in its queue."""
        tasks = [task for _, task in self._leases.values()]
        for lease, _ in self._leases.values():
            lease.stopping = True
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_GRACE_S)
        await self._tasks.stop()

    def _nudged(self, listener: nudge.Listener) -> None:
        listener.drain()
        self._wake.set()

    def _committed(self, loop: asyncio.AbstractEventLoop, told: list[Event]) -> None:
        if any(event.kind in WAKING for event in told) and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)
