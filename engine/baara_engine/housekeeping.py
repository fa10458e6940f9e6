"""What an engine does beside its work: backups, pruning, and the ballast. A failure is one line in the log."""

import asyncio
import logging
import shutil
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import schedule

from baara_engine import backups, ballast, config, errors
from baara_engine.store import findings, inbox, pruning, searching
from baara_engine.store.store import Store

log = logging.getLogger(__name__)

MS_PER_S = 1000
FIRST_S = 5.0  # seconds after the start: what was interrupted goes on before anything else
MINUTE_S = 60.0
KEPT_MS = 7 * 24 * 3600 * MS_PER_S  # how long notes of writers and folders of executions stay
SLOTS_KEPT_MS = 90 * 24 * 3600 * MS_PER_S  # the ledger of due times: a quarter of a year, and of each schedule
SLOTS_KEPT = 100  # the newest so many, however old
AT_ONCE = 1000  # rows in one transaction, so that nothing else waits for long


class Stopping(Exception):
    """The engine stops, so a backup that is just being made is called off."""


class Housekeeper:
    """The housekeeping of one engine."""

    def __init__(self, home: Path, store: Store, *, first_s: float = FIRST_S) -> None:
        """Take the home, its store, and the seconds until the first round."""
        self.ballast = ballast.Ballast(home)
        self.problems: dict[str, str] = {}  #: what could not be done the last time, and why
        self._home = home
        self._store = store
        self._backups = backups.Backups(home, store)
        self._first_s = first_s
        self._stopping = threading.Event()
        self._scheduler = schedule.Scheduler()
        self._plan()

    async def run(self) -> None:
        """Do everything once, and then what is due, until cancelled."""
        forget = self._store.listen_for_trouble(self.ballast.on_trouble)
        try:
            await asyncio.sleep(self._first_s)
            await asyncio.to_thread(self._scheduler.run_all)
            while True:
                await asyncio.sleep(self._nap_s())
                await asyncio.to_thread(self._scheduler.run_pending)
        finally:
            forget()
            self._stopping.set()

    def back_up(self) -> None:
        """Make a backup if one is due. Raises `errors.StoreError`."""
        made = self._backups.take_if_due(self._go_on)
        if made is not None:
            log.info("made the backup %s (%d bytes)", made.path.name, made.size)

    def tidy_inbox(self) -> None:
        """Bring back what was snoozed until now, and put what is new into the index of the search."""
        if self._store.read(inbox.due_back):
            self._store.write(inbox.bring_back)
        if self._store.read(searching.is_behind):
            while self._store.write(searching.catch_up):
                self._go_on()

    def prune(self) -> None:
        """Delete notes of writers, findings that are well, and private folders of what is done, after a week."""
        before = self._store.clock.now() - KEPT_MS
        if self._store.read(lambda view: findings.cleared_before(view, before)):
            self._store.write(lambda tx: findings.forget(tx, before))
        if self._store.read(lambda view: pruning.has_old_writers(view, before)):
            self._store.write(lambda tx: pruning.forget_writers(tx, before))
        self._prune_slots()
        folder = self._home / config.EXECUTIONS
        names = [path.name for path in folder.iterdir() if not path.is_symlink()] if folder.is_dir() else []
        self._forget_outputs(folder, names)
        for name in self._store.read(lambda view: pruning.done_before(view, names, before)):
            shutil.rmtree(folder / name)

    def _forget_outputs(self, folder: Path, names: list[str]) -> None:
        """Delete what a death has left of the outputs of commands: it is raw, and in the store as it can be told."""
        left = [name for name in names if any((folder / name / config.RECEIPTS).glob("*"))]
        for name in self._store.read(lambda view: pruning.over(view, left)):
            for mark in (folder / name / config.RECEIPTS).iterdir():
                mark.unlink(missing_ok=True)

    def _prune_slots(self) -> None:
        before = self._store.clock.now() - SLOTS_KEPT_MS
        while old := self._store.read(lambda view: pruning.old_slots(view, before, SLOTS_KEPT, AT_ONCE)):
            self._store.write(partial(pruning.forget_slots, slot_ids=old))
            self._go_on()

    def _plan(self) -> None:
        self._scheduler.every().minute.do(self._tidily, "the ballast", self.ballast.look)
        # Each minute, though one is made each hour at most: the hour counts from the last backup, not from this start.
        self._scheduler.every().minute.do(self._tidily, "a backup", self.back_up)
        self._scheduler.every().minute.do(self._tidily, "the inbox", self.tidy_inbox)
        self._scheduler.every().hour.do(self._tidily, "pruning", self.prune)

    def _nap_s(self) -> float:
        """Give the seconds until something is due. Plans anew if the computer's clock was put back."""
        if (self._scheduler.idle_seconds or 0.0) > MINUTE_S:
            self._scheduler.clear()
            self._plan()
        return max(self._scheduler.idle_seconds or 0.0, 0.0)

    def _tidily(self, what: str, job: Callable[[], None]) -> None:
        """Do one job; whatever goes wrong with it is told in a line, and the rest goes on."""
        try:
            self._go_on()
            job()
            self.problems.pop(what, None)
        except Stopping:
            log.info("%s was called off, because the engine stops", what)
        except errors.BaaraError as error:
            self.problems[what] = error.message
            log.error("housekeeping, %s: %s", what, error)  # noqa: TRY400 - the sentence says it all
        except Exception as error:  # noqa: BLE001 - housekeeping must not end the engine
            self.problems[what] = f"{type(error).__name__}: {error}"
            log.error("housekeeping, %s failed: %s: %s", what, type(error).__name__, error)  # noqa: TRY400 - likewise

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise Stopping
