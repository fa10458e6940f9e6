"""A real engine in a process of its own, with the soak's model. It tells how it is, a line of JSON each second.

python -m tests.crash.soaking.host HOME SERVICE_URL SEED
"""

import asyncio
import gc
import json
import logging
import random
import signal
import sys
import threading
import time
from pathlib import Path

from tests.crash.soaking import work

from baara_engine import config, errors
from baara_engine.agent.model import Answer, Model, OnPiece, Request, Usage
from baara_engine.agent.models import Models
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind

TELL_S = 1.0
COUNT_EVERY = 10  # lines: counting all objects stops the process for some milliseconds
LAG_S = 60.0  # the longest that is waited for the loop

FAILURES = (
    (FailureKind.RATE_LIMIT, 1.5),
    (FailureKind.OVERLOADED, 2.0),
    (FailureKind.SERVER, None),
    (FailureKind.BROKEN_ANSWER, None),
    (FailureKind.OFFLINE, 2.0),
)
FAILING = 0.04  # of all questions


class SoakModel:
    """Answers in this process. It keeps nothing, so that what grows is the engine's."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        await asyncio.sleep(self._chance.uniform(0, 0.05))
        if self._chance.random() < FAILING:
            kind, wait_s = self._chance.choice(FAILURES)
            raise errors.ModelFailure(kind, "It is only the soak.", retry_after=wait_s)
        content, stop_reason = work.answer(request.messages)
        return Answer(content, stop_reason, Usage(10, 5), work.SCRIPTED, 0)

    async def close(self) -> None:
        """Hold nothing."""


class SoakModels(Models):
    """The engine's own models, with one more."""

    def __init__(self, url: str, chance: random.Random) -> None:
        super().__init__(lambda: "not-a-key", lambda: config.Config(base_url=url))
        self._scripted = SoakModel(chance)

    async def get(self, model_id: str) -> Model:
        return self._scripted if model_id == work.SCRIPTED else await super().get(model_id)


def lag_ms(loop: asyncio.AbstractEventLoop) -> float:
    """Measure how long the loop takes to do something that is asked of it."""
    done = threading.Event()
    began = time.perf_counter()
    loop.call_soon_threadsafe(done.set)
    done.wait(LAG_S)
    return (time.perf_counter() - began) * 1000


def main(arguments: list[str]) -> int:
    """Work until SIGTERM; give 1 if the engine's thread ended by itself."""
    home, url, seed = arguments
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    engine = Engine(Path(home))
    engine.start(SoakModels(url, random.Random(int(seed))))
    assert engine._running is not None
    loop, _ = engine._running._started.result()
    told, objects = 0, 0
    while not stopped.wait(TELL_S):
        if engine.join(0):
            return 1
        objects = len(gc.get_objects()) if told % COUNT_EVERY == 0 else objects
        told += 1
        print(
            json.dumps({"lag_ms": lag_ms(loop), "tasks": len(asyncio.all_tasks(loop)), "objects": objects}), flush=True
        )
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
