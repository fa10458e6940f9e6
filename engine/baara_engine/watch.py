"""Background tasks with a name and someone watching: what fails is logged and told, never lost."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


class Tasks:
    """The background tasks of one owner."""

    def __init__(self, on_failure: Callable[[str, BaseException], None] | None = None) -> None:
        """Take what to call, with the task's name and its error, when a task ends by an error."""
        self._running: dict[asyncio.Task[Any], None] = {}  # in the order in which they were begun
        self._on_failure = on_failure

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Start a task under this name."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running[task] = None
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Cancel what still runs and wait until all of it has ended."""
        while self._running:
            for task in tuple(self._running):
                task.cancel()
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.pop(task, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        log.error("background task %s failed", task.get_name(), exc_info=error)
        if self._on_failure is not None:
            self._on_failure(task.get_name(), error)


async def together(*works: Coroutine[Any, Any, T]) -> list[T]:
    """Run several at once and give their results in order. If one fails, the others are cancelled and it is raised.

    A cancellation from outside reaches all of them and is raised again, whatever they make of it: a TaskGroup of Python
    3.11 and 3.12 forgets it where a child fails over it.
    """
    tasks = [asyncio.get_running_loop().create_task(work) for work in works]
    if not tasks:
        return []
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            raise error
    return [task.result() for task in tasks]
