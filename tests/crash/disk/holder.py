"""A process that holds a lease, for a test to stop and let go on after the lease was given to somebody else.

    python -m tests.crash.disk.holder HOME {steps|engine}

It says "ready" when it holds the lease, waits for a line on its input, and then goes on as if nothing had happened.
"""

import asyncio
import json
import random
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from baara_engine import errors, owner, resuming, settle, tools
from baara_engine.agent.model import Answer, OnPiece, Request, Usage
from baara_engine.engine import Engine
from baara_engine.journal import Journal
from baara_engine.records import Execution, Json, QuestionDraft
from baara_engine.store import executions
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, says

LEASE_MS = 60_000  # as an engine's

BLOCK: Json = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "date"}}


def hold(home: Path) -> None:
    """Take a lease, journal a call, wait, then try every write that an owner may do, and tell what came of each."""
    engine = Engine(home)
    [mine] = engine.store.write(
        lambda tx: executions.claim(tx, "transfer", 1, str(owner.Owner.me()), tx.now + LEASE_MS)
    )
    asyncio.run(_work(engine, mine))
    print("ready", flush=True)
    sys.stdin.readline()
    told = {name: _outcome(late) for name, late in _late_writes(engine, mine).items()}
    print(json.dumps(told), flush=True)
    engine.close()


async def _work(engine: Engine, mine: Execution) -> None:
    begun, _ = await resuming.begin(engine.store, mine)
    journal = Journal(engine.store, begun)
    await journal.answered(Answer([BLOCK], "tool_use", Usage(), "scripted", 0), 1)
    await journal.intend(1, 0, BLOCK, tools.load("bash"), {})


def _late_writes(engine: Engine, mine: Execution) -> dict[str, Callable[[], Coroutine[Any, Any, object]]]:
    journal = Journal(engine.store, mine)
    settler = settle.Settler(engine.store, random.Random(0))
    failure = settle.Failure(errors.FailureKind.SERVER, "It went wrong.")
    another = BLOCK | {"id": "toolu_2"}
    return {
        "receive": partial(journal.receive, 1, BLOCK, tools.Done("done", post=tools.Post("a", "b")), calls=1),
        "reject": partial(journal.reject, 1, 1, another, "no", calls=2),
        "answered": partial(journal.answered, Answer([another], "tool_use", Usage(), "scripted", 9), 2),
        "intend": partial(journal.intend, 2, 0, another, tools.load("bash"), {}),
        "go on": partial(journal.go_on, 2),
        "begin": partial(resuming.begin, engine.store, mine),
        "waiting": partial(settler.waiting, mine, [QuestionDraft("Go on?")], 1, 5),
        "failed": partial(settler.failed, mine, failure),
        "released": partial(settler.released, mine, 5),
        "cancelled": partial(settler.cancelled, mine),
        "completed": partial(settler.completed, mine, "mine"),
    }


def _outcome(late: Callable[[], Coroutine[Any, Any, object]]) -> str:
    try:
        asyncio.run(late())
    except (errors.BaaraError, ValueError) as error:
        return type(error).__name__
    return "written"


def work(home: Path) -> None:
    """Be a real engine, with a model whose answer comes only after the line."""
    engine = Engine(home)
    may_answer = threading.Event()
    engine.start(ScriptedModels(SlowModel(may_answer)))
    sys.stdin.readline()
    may_answer.set()
    engine.close()
    print("closed", flush=True)


class SlowModel(ScriptedModel):
    """Says one thing, and only when it may."""

    def __init__(self, may_answer: threading.Event) -> None:
        super().__init__([says("mine")])
        self._may_answer = may_answer

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        print("ready", flush=True)
        await asyncio.to_thread(self._may_answer.wait)
        return await super().answer(request, on_piece)


if __name__ == "__main__":
    {"steps": hold, "engine": work}[sys.argv[2]](Path(sys.argv[1]))
