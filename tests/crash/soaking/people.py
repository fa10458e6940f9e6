"""Whoever uses the engine, each in a process of its own, until SIGTERM.

    python -m tests.crash.soaking.people {submit|answer|read} HOME FOLDER RATE SEED

`submit` writes what was acknowledged and what was refused to FOLDER/told, a line of JSON each; the ledger is there too.
"""

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TextIO, TypeVar

from tests.crash.soaking import work

from baara_engine import clock, errors
from baara_engine.commands import GIVE_UP
from baara_engine.engine import Engine
from baara_engine.states import Status

T = TypeVar("T")

LEDGER = "outside/ledger"  # in a folder that is the workspace of whatever writes there
TOLD = "told"

stopped = threading.Event()


def submit(engine: Engine, folder: Path, rate: float, chance: random.Random) -> None:
    """Submit so many a second, and call off what is slow."""
    due = time.monotonic()
    slow: list[tuple[float, str]] = []
    (folder / LEDGER).parent.mkdir(exist_ok=True)
    with (folder / TOLD).open("a") as told:
        number = 0
        while not stopped.wait(max(due - time.monotonic(), 0)):
            due += chance.expovariate(rate)
            number += 1
            one = work.item(f"k{number:06}", folder / LEDGER, chance, clock.SystemClock().now())
            execution_id = _submit(engine, one, told)
            if execution_id is not None and one.what == "command-slow":
                slow.append((time.monotonic() + chance.uniform(0, 4), execution_id))
            while slow and slow[0][0] < time.monotonic():
                _, late = slow.pop(0)
                _tolerant(partial(engine.cancel, late))


def answer(engine: Engine, _folder: Path, _rate: float, chance: random.Random) -> None:
    """Answer what is asked: the agent's questions by yes; commands that nobody can say anything of are given up."""
    while not stopped.wait(chance.uniform(0.3, 1.5)):
        for question in _tolerant(engine.questions) or []:
            given = GIVE_UP if question.kind == "effect" else "yes"
            _tolerant(partial(engine.answer, question.id, given, by="soak"))


def read(engine: Engine, _folder: Path, _rate: float, chance: random.Random) -> None:
    """Look at everything as an inbox does, and put dead letters aside."""
    seen = 0
    while not stopped.wait(chance.uniform(0.2, 0.8)):
        _tolerant(engine.queues)
        _tolerant(engine.threads)
        for event in _tolerant(partial(engine.events, seen)) or []:
            seen = event.seq
        listed = _tolerant(lambda: engine.executions(status=chance.choice([None, *Status]), limit=100)) or []
        for execution in chance.sample(listed, min(3, len(listed))):
            _tolerant(partial(engine.thread, execution.thread_id))
            _tolerant(partial(engine.journal, execution.id))
        for letter in _tolerant(engine.dead_letters) or []:
            _tolerant(partial(engine.dismiss, letter.execution.id))


def _submit(engine: Engine, one: work.Item, told: TextIO) -> str | None:
    line: dict[str, str | int | None] = {"key": one.key, "what": one.what}
    execution_id = None
    try:
        execution_id = engine.submit(one.submission).id
        line["id"] = execution_id
    except Exception as error:  # noqa: BLE001 - whatever it is, the verdict judges it
        line |= {"refused": type(error).__name__, "why": str(error), "ours": int(isinstance(error, errors.BaaraError))}
    told.write(f"{json.dumps(line)}\n")
    told.flush()
    return execution_id


def _tolerant(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except (errors.Refused, errors.NotFound, errors.StoreError, errors.StoreBusy, errors.LeaseLost):
        return None


ROLES: dict[str, Callable[[Engine, Path, float, random.Random], None]] = {
    "submit": submit,
    "answer": answer,
    "read": read,
}


def main(arguments: list[str]) -> int:
    """Play one role."""
    role, home, folder, rate, seed = arguments
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    engine = Engine(Path(home))
    ROLES[role](engine, Path(folder), float(rate), random.Random(int(seed)))
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
