"""Virtual time: an event loop that jumps to its next timer instead of sleeping, so that a month takes seconds.

Everything on such a loop runs in one thread and waits only for time, so the same work gives the same history.
"""

import asyncio
import contextlib
import logging
import math
import selectors
from collections.abc import Callable
from typing import Any

from baara_engine.clock import Millis

MS_PER_S = 1000
START: Millis = 1_800_000_000_000  # some day in January 2027


class VirtualClock:
    """A clock that goes only when it is moved. Also the computer can be put to sleep, and its time be set wrong."""

    def __init__(self, start: Millis = START) -> None:
        self._ahead_ms = start
        self._monotonic = 0.0
        self._slept = 0.0

    def now(self) -> Millis:
        """Give the wall clock."""
        return self._ahead_ms + math.floor(self._monotonic * MS_PER_S)

    def monotonic(self) -> float:
        """Give the seconds that went by while the computer was awake."""
        return self._monotonic

    def boot(self) -> float:
        """Give the seconds that went by, awake or asleep."""
        return self._monotonic + self._slept

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._monotonic += max(seconds, 0.0)

    def suspend(self, seconds: float) -> None:
        """Let the computer sleep: afterwards the wall clock shows it, and the monotonic one does not."""
        self._slept += seconds
        self.shift(round(seconds * MS_PER_S))

    def shift(self, ms: Millis) -> None:
        """Set the wall clock forward, or back if negative, as a person or a time server does."""
        self._ahead_ms += ms


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a virtual clock."""

    def __init__(self, clock_: VirtualClock) -> None:
        super().__init__(_Jumping(clock_))
        self._virtual = clock_

    def time(self) -> float:
        """Give the clock's monotonic time."""
        return self._virtual.monotonic()

    def run_in_executor(  # type: ignore[override]  # the stubs have it generic
        self,
        executor: object,  # noqa: ARG002 - there is but this thread
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        """Do at once, in this thread, what would have gone to another: threads have no virtual time."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is raised where the work is awaited
            done.set_exception(error)
        return done

    def run_until(self, when: float) -> None:
        """Run until this time, or until somebody stops the loop before."""
        handle = self.call_at(when, self.stop)
        self.run_forever()
        handle.cancel()

    def abandon(self) -> None:
        """Drop everything that is at work, as the death of a process does, and close the loop.

        Python runs the `finally` blocks of what is dropped, so whatever they could reach must be dead by now; what
        they log is not heard.
        """
        heard = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        asyncio._set_running_loop(self)  # noqa: SLF001 - or what asks for a loop is given a new one that nobody closes
        try:
            for task in asyncio.all_tasks(self):
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio's own switch
                with contextlib.suppress(BaseException):  # what has died does not complain
                    task.get_coro().close()
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001
            logging.disable(heard)
        self.close()


class _Jumping(selectors.DefaultSelector):
    """Never waits: where nothing is ready, the time for which it would have waited is over."""

    def __init__(self, clock_: VirtualClock) -> None:
        super().__init__()
        self._clock = clock_

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Give what is ready now, or move the clock. Raises RuntimeError where nothing would ever happen."""
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is ready and no timer runs: this loop would wait for ever")
        self._clock.advance(timeout)
        return []
