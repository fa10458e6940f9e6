"""An engine at work: its thread, the lock on its home, and what it holds while it works."""

import asyncio
import logging
import random
import threading
from concurrent.futures import Future

import filelock

from baara_engine import (
    awake,
    errors,
    homes,
    house,
    housekeeping,
    live,
    operations,
    owner,
    recovery,
    sandboxes,
    settle,
    timekeeping,
)
from baara_engine.agent import gate, model
from baara_engine.mcp_client import outside
from baara_engine.runner import Runner
from baara_engine.scheduling import scheduler
from baara_engine.worker import Worker

log = logging.getLogger(__name__)

LOCK_S = 1.0  # whoever only looks whether somebody works holds the lock for a moment
AT_WORK_S = 5.0  # the longest that a start waits for the first work to begin


class Running:
    """The engine's thread, its lock and what it holds."""

    def __init__(self, place: operations.Place, models: model.Models, only: str | None, watched: live.Live) -> None:
        """Take the home's lock, take back what a dead engine left, and begin to work. Raises `errors.Refused`."""
        self._lock = filelock.FileLock(place.home / homes.LOCK, mode=0o600)
        try:
            self._lock.acquire(timeout=LOCK_S)
        except filelock.Timeout:
            raise errors.Refused(f"Another engine works on {place.home} already.") from None
        self._place = place
        self._models = models
        self._only = only
        self._live = watched
        self._sandboxes: dict[str, sandboxes.Sandbox] = {}
        self._started: Future[tuple[asyncio.AbstractEventLoop, Worker]] = Future()
        self._at_work = threading.Event()
        me = str(owner.Owner.me())
        try:
            place.store.require_sound()
            recovery.recover(place.store, me)
            timekeeping.shorten_waits(place.store)
            timekeeping.bring_back_slots(place.store)
        except BaseException:
            self._lock.release()
            raise
        self._thread = threading.Thread(target=self._run, args=(me,), name="baara-engine", daemon=True)
        self._thread.start()
        self._at_work.wait(AT_WORK_S)

    def stop(self) -> None:
        """Give back what is at work, end the thread and let the home go."""
        if self._thread.is_alive():
            loop, worker = self._started.result()
            loop.call_soon_threadsafe(worker.stop)
        self._thread.join()
        self._lock.release()

    def drain(self, *, on: bool) -> int:
        """Begin nothing new, or again; give how many are at work."""
        loop, worker = self._started.result()
        if not loop.is_closed():
            loop.call_soon_threadsafe(worker.drain, on)
        return worker.held

    def ended(self, timeout_s: float) -> bool:
        """Wait for the thread's end for so long, and say whether it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self, me: str) -> None:
        try:
            asyncio.run(self._work(me))
        except Exception:
            log.exception("the engine's thread ended by an error")
        finally:
            self._at_work.set()

    async def _work(self, me: str) -> None:
        store, home = self._place.store, self._place.home
        randomness = random.SystemRandom()
        gates = gate.Gates(store.clock, lambda: store.write_soon(lambda tx: operations.wake_parked(tx, randomness)))
        servers = outside.Outside(store, self._place.config.secret)
        runner = Runner(
            store, home, self._models, self._sandbox, settle.Settler(store, randomness), gates,
            lambda: self._place.config.context_tokens, lambda execution: house.House(self._place, execution), servers,
            self._live,
        )  # fmt: skip
        keeping, schedules = housekeeping.Housekeeper(home, store), scheduler.Scheduler(self._place, randomness)
        keeper = awake.Wanted(awake.for_system(), lambda: self._place.config.keep_awake)
        worker = Worker(store, home, me, runner, keeping, schedules, self._only, keeper=keeper)
        self._started.set_result((asyncio.get_running_loop(), worker))
        try:
            await worker.run(self._now_at_work)
        finally:
            await self._models.close()
            await servers.close()
            for sandbox in self._sandboxes.values():
                await sandbox.close()

    def _now_at_work(self) -> None:
        self._models.preload()
        self._at_work.set()

    def _sandbox(self, name: str) -> sandboxes.Sandbox:
        if name not in self._sandboxes:
            self._sandboxes[name] = sandboxes.make(name)
        return self._sandboxes[name]
