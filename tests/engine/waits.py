"""Waiting for what an engine at work comes to."""

import asyncio
import time
from collections.abc import Callable

from baara_engine.engine import Engine
from baara_engine.records import Execution
from baara_engine.states import ENDED

LONG_S = 60.0  # seconds that no wait here takes unless something is wrong


def until(engine: Engine, execution_id: str, is_so: Callable[[Execution], bool]) -> Execution:
    """Give an execution once something is so of it."""
    deadline = time.monotonic() + LONG_S
    while not is_so(now := engine.execution(execution_id)):
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def has_ended(execution: Execution) -> bool:
    """Say whether it has come to its end."""
    return execution.status in ENDED


async def moment() -> None:
    """Let what is going on in this loop and beside it go on a little."""
    await asyncio.sleep(0.002)
