"""A hundred thousand timers and ten thousand schedules that wait, beside some hundred that come."""

import random
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil

from baara_engine import operations, queues, requests
from baara_engine.engine import Engine
from baara_engine.events import Kind as Happened
from baara_engine.records import Kind
from baara_engine.schedules import rules
from baara_engine.scheduling import definitions
from baara_engine.store.transaction import Tx
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

TIMERS = 100_000
SCHEDULES = 10_000
COMING = 200  # timers that go off while one watches
COMING_S = 20  # in so many seconds
SETTLING_S = 30.0  # for the first backup and the like
IDLE_S = 30.0
BATCH = 1000
YEAR_MS = 365 * 24 * 3600 * 1000

Figure = tuple[str, str]


def timers() -> list[Figure]:
    """Start beside them, idle beside them, and how late the ones that come are."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "home")
        chance = random.Random(1)
        _fill(engine, folder, chance)
        engine.close()
        began = time.perf_counter()
        engine = Engine(Path(folder) / "home")
        engine.start(ScriptedModels(ScriptedModel([])))
        start_s = time.perf_counter() - began
        time.sleep(SETTLING_S)
        idle = _idle(IDLE_S)
        late = _late(engine, folder, chance)
        engine.close()
    return [
        (f"start beside {TIMERS:,} timers, {SCHEDULES:,} schedules", f"{start_s:.2f} s"),
        ("idle beside them", f"{idle * 100:.3f} % of one core"),
        (f"{len(late)} timers went off late by, median", f"{statistics.median(late):.0f} ms"),
        ("… by, 99 of 100 at most", f"{statistics.quantiles(late, n=100)[98]:.0f} ms"),
    ]


def _fill(engine: Engine, folder: str, chance: random.Random) -> None:
    later = engine.store.clock.now() + YEAR_MS
    for _ in range(TIMERS // BATCH):
        engine.store.write(
            partial(_some_timers, engine, folder, [later + chance.randrange(YEAR_MS) for _ in range(BATCH)])
        )
    tasks = [
        engine.create_task(requests.TaskDraft(name=f"task {one}", prompt="true")).id for one in range(SCHEDULES // 100)
    ]
    for task in tasks:
        engine.store.write(
            partial(_some_schedules, engine, task, [later + chance.randrange(YEAR_MS) for _ in range(100)])
        )


def _some_timers(engine: Engine, folder: str, moments: list[int], tx: Tx) -> None:
    for at in moments:
        submission = requests.Submission(prompt="true", kind=Kind.COMMAND, workspace=folder, not_before=at)
        operations.submit(tx, engine, submission)


def _some_schedules(engine: Engine, task: str, moments: list[int], tx: Tx) -> None:
    for at in moments:
        definitions.create(tx, engine, task, rules.Once(at), requests.Timing())


def _idle(seconds: float) -> float:
    """Give the share of one core that this process uses while nothing is due."""
    process = psutil.Process()
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    return (after.user - before.user + after.system - before.system) / seconds


def _late(engine: Engine, folder: str, chance: random.Random) -> list[int]:
    """Let timers come, with nothing that takes them up, and give by how many ms each left the timer queue late."""
    engine.set_concurrency(queues.TRANSFER, 1)
    engine.submit(requests.Submission(prompt=f"sleep {COMING_S + 10}", kind=Kind.COMMAND))
    soon = engine.store.clock.now() + 3000
    seen = engine.last_event()
    moments = [soon + chance.randrange(COMING_S * 1000) for _ in range(COMING)]
    engine.store.write(partial(_some_timers, engine, folder, moments))
    time.sleep(COMING_S + 5)
    due = sorted(moments)
    told = engine.events(seen, limit=100_000)
    left = [one for one in told if one.kind == Happened.STATUS and one.data["from"] == one.data["to"] == "queued"]
    return [event.at - at for event, at in zip(sorted(left, key=lambda one: one.at), due, strict=True)]
