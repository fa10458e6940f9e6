"""What the engine stands on: the disk, the database and its log, its backups, the clock, its own event loop."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from baara_engine import backups, ballast, errors, resuming
from baara_engine.ballast import MIB
from baara_engine.clock import Millis
from baara_engine.store import backup, layout, news
from baara_engine.store.store import Store

MS_PER_S = 1000
GIB = 1024 * MIB
LARGE = 2 * GIB  # bytes of the database: up to sixteen backups of it are kept, and each check reads all of it
LONG_LOG = 64 * MIB  # bytes of its log: sixteen times what it keeps before it folds the log in
UNSAVED_MS = 3 * backups.EVERY_MS  # two backups in a row have not been made
BACKUP_S = 600.0  # seconds of work in which a backup of any size is made
LAG_S = 1.0  # seconds that the event loop may be late: what is worked on in it takes milliseconds
JUMP_MS = 60 * MS_PER_S  # less is a clock being set right, which an event tells
KEPT_S = 3600.0  # seconds for which a thing that happened once is told: so that whoever looks once an hour sees it


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the engine that is not as it should be."""

    kind: str
    message: str
    advice: str


class Machine:
    """Looks at what one engine stands on."""

    def __init__(
        self, home: Path, store: Store, troubles: Mapping[str, str], free: Callable[[Path], int] = ballast.free_bytes
    ) -> None:
        """Take the home, its store, what the housekeeping could not do and why, and how free room is found out."""
        self._home = home
        self._store = store
        self._troubles = troubles
        self._free = free
        self._saved_at = store.clock.monotonic()  #: when no backup was missing
        self._lock = threading.Lock()
        self._is_news = False
        self._once: dict[str, tuple[float, Problem]] = {}  #: what happened, and when in monotonic seconds

    def has_news(self) -> bool:
        """Say whether something has happened since the problems were last asked for."""
        return self._is_news

    def problems(self) -> list[Problem]:
        """Look at everything. Takes milliseconds; raises OSError, or `errors.StoreError`."""
        self._is_news = False
        return [*self._lasting(), *self._happened()]

    def napped(self, wanted_s: float, took_s: float) -> None:
        """Hear how long the event loop slept, and how long it was to."""
        late_s = took_s - wanted_s
        if late_s > LAG_S:
            late = resuming.duration(round(late_s * MS_PER_S))
            advice = "The computer had too much to do, or the program was stopped. Nothing is lost by it."
            self._happens(Problem("lag", f"The engine stood still for {late}.", advice))

    def jumped(self, ms: Millis) -> None:
        """Hear that the computer's clock was set."""
        if abs(ms) >= JUMP_MS:
            way = "ahead" if ms > 0 else "back"
            message = f"The computer's clock was put {way} by {resuming.duration(abs(ms))}."
            self._happens(Problem("clock", message, "See that the computer gets its time from a time server."))

    def store_failed(self, error: Exception) -> None:
        """Hear that something could not be written. May be called in any thread."""
        told = error.message if isinstance(error, errors.BaaraError) else f"{type(error).__name__}: {error}"
        advice = "Look at the disk. The work goes on by itself once the database can be written."
        self._happens(Problem("store", f"Something could not be written: {told}", advice))

    def _happens(self, problem: Problem) -> None:
        with self._lock:
            self._once[problem.kind] = (self._store.clock.monotonic(), problem)
            self._is_news = True

    def _happened(self) -> list[Problem]:
        now = self._store.clock.monotonic()
        with self._lock:
            self._once = {kind: one for kind, one in self._once.items() if now - one[0] < KEPT_S}
            return [problem for _, problem in self._once.values()]

    def _lasting(self) -> Iterator[Problem]:
        free = self._free(self._home)
        if free < ballast.ROOM:
            state = "is full" if free < ballast.FULL else "is nearly full"
            yield Problem("disk", f"The disk of {self._home} {state}.", "Make room on it.")
        size = (self._home / layout.DATABASE).stat().st_size
        if size > LARGE:
            advice = "It works as before; see that the disk has room for its backups."
            yield Problem("database_size", f"The database has grown beyond {LARGE // GIB} GiB.", advice)
        log = self._home / (layout.DATABASE + layout.LOG)
        if log.exists() and log.stat().st_size > LONG_LOG:
            advice = "Some program reads the database for long: end what hangs."
            yield Problem("log_size", f"The log of the database has grown beyond {LONG_LOG // MIB} MiB.", advice)
        yield from self._backups()

    def _backups(self) -> Iterator[Problem]:
        for what, why in list(self._troubles.items()):  # it is written in another thread
            yield Problem(f"housekeeping/{what}", f"Housekeeping, {what}: {why}", "Read the reason, and mend it.")
        if self._is_unsaved():
            hours = UNSAVED_MS // backups.EVERY_MS
            message = f"Changes of more than {hours} hours are in no verified backup."
            yield Problem("backup", message, "Make one now, and see what it says: baara backup")

    def _is_unsaved(self) -> bool:
        """Say whether there is no backup though there has been time for one: after a start, a wake or a jump, too."""
        now, since = self._store.clock.monotonic(), self._unsaved_since()
        if since is None or self._store.clock.now() - since <= UNSAVED_MS:
            self._saved_at = now
        return now - self._saved_at > BACKUP_S

    def _unsaved_since(self) -> Millis | None:
        """Give the moment after which nothing is in a backup, None if all is."""
        now = self._store.clock.now()
        last = next((one for one in backup.listing(self._home) if one.at <= now), None)
        if last is None:
            return self._store.read(news.first_at)
        if now - last.at <= UNSAVED_MS:
            return last.at  # late enough to look into it
        newest = self._store.read(backup.last_event)
        return None if backup.contents(last.path).last_event == newest else last.at
