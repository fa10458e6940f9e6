"""News for the pages: what was committed, by this process or another, told to every open page soon after."""

import asyncio
import logging
import threading
from collections.abc import Callable

from baara_engine.engine import Engine
from baara_engine.records import Event

log = logging.getLogger(__name__)

GATHER_S = 0.1  # so long news is gathered: a thousand events in a second are ten looks at the store, not a thousand
LOOK_S = 5.0  # whoever cannot send a nudge is noticed after so long at most; each look wakes the processor
AT_ONCE = 1000  # events read at once

Told = Callable[[list[Event]], None]


class Hub:
    """Reads the events of a home as they come, and tells them. The listeners are called in the loop of `start`."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine whose store tells the events."""
        self._engine = engine
        self._listeners: set[Told] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.seq = 0  #: of the last event that was told

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to tell."""
        self.seq = self._engine.last_event()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="baara-news", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell nothing any more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def listen(self, told: Told) -> Callable[[], None]:
        """Tell this one, too. Gives what ends it."""
        self._listeners.add(told)
        return lambda: self._listeners.discard(told)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._engine.news() as news:
            while not self._stopping.is_set():
                if news.wait(LOOK_S):
                    self._stopping.wait(GATHER_S)
                    news.drain()
                try:
                    self._look(loop)
                except Exception:
                    log.exception("the news could not be read")

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        while events := self._engine.events(self.seq, limit=AT_ONCE):
            self.seq = events[-1].seq
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._tell, events)

    def _tell(self, events: list[Event]) -> None:
        for told in list(self._listeners):
            told(events)
