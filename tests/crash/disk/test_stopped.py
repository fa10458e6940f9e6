"""Processes that stand still while their lease is given to somebody else (SIGSTOP, as a suspended laptop has it)."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from baara_engine import clock, owner, recovery, requests, resuming, settle
from baara_engine.engine import Engine
from baara_engine.records import Execution
from baara_engine.states import Status
from baara_engine.store import executions
from baara_engine.store.transaction import View
from baara_engine.testing.clocks import FakeClock

ROOT = Path(__file__).parents[3]
LONG = 30.0  # seconds that no wait here takes unless something is wrong
FAR = 1 << 60
A_DAY_MS = 24 * 3600 * 1000

Meanwhile = Callable[[Engine], Awaitable[object]]


@contextmanager
def holder(home: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has leased an execution, and see that it ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.disk.holder", str(home), how],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + LONG
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline, "it does not stop"
        time.sleep(0.005)


def until_noted(engine: Engine) -> None:
    """Wait for what an engine writes while its model is asked, so that it is not stopped with the lock in hand."""
    deadline = time.monotonic() + LONG
    while not engine.store.read(lambda view: view.sql("SELECT 1 FROM attempt WHERE began IS NOT NULL")):
        assert time.monotonic() < deadline, "no step begins"
        time.sleep(0.01)


def go_on(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGCONT)
    assert process.stdin is not None
    process.stdin.write("go on\n")
    process.stdin.flush()


def everything(view: View) -> list[object]:
    """Read all that the database says, but for which writer committed last."""
    tables = view.sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'writer' ORDER BY name")
    return [view.sql(f"SELECT * FROM {name}") for (name,) in tables]


def take_back(home: Path) -> None:
    """Do what the start of another engine does once every lease has run out."""
    later = Engine(home, clock_=FakeClock(clock.SystemClock().now() + A_DAY_MS))
    assert recovery.recover(later.store, "another-boot/1/1") == 1
    later.close()


def claim(engine: Engine) -> Execution:
    [taken] = engine.store.write(lambda tx: executions.claim(tx, "transfer", 1, str(owner.Owner.me()), FAR))
    return taken


async def begin(engine: Engine) -> Execution:
    begun, _ = await resuming.begin(engine.store, claim(engine))
    return begun


async def complete(engine: Engine) -> Execution:
    begun = await begin(engine)
    await settle.Settler(engine.store, random.Random(0)).completed(begun, "theirs")
    return begun


async def queue_again(engine: Engine) -> None:
    """Leave it in its queue."""


async def late_writes(home: Path, engine: Engine, meanwhile: Meanwhile) -> dict[str, str]:
    """Let an owner sleep through the loss of its lease, and give what came of each write that it then tries.

    What raised has changed nothing, which is checked here.
    """
    engine.submit(requests.Submission(prompt="work"))
    with holder(home, "steps") as process:
        assert said(process) == "ready"
        stop(process)
        take_back(home)
        await meanwhile(engine)
        before = engine.store.read(everything)
        go_on(process)
        outcomes: dict[str, str] = json.loads(said(process))
    assert "written" in outcomes.values() or engine.store.read(everything) == before
    return outcomes


@pytest.mark.parametrize("meanwhile", [queue_again, begin, complete])
async def test_a_stopped_owner_writes_nothing_once_its_lease_is_gone(
    home: Path, engine: Engine, meanwhile: Meanwhile
) -> None:
    """Whether it is queued again, at work elsewhere or done: each late write of the old owner matches no row."""
    outcomes = await late_writes(home, engine, meanwhile)
    assert set(outcomes.values()) == {"LeaseLost"}, outcomes


async def test_a_stopped_engine_leaves_alone_what_another_has_done(home: Path, engine: Engine) -> None:
    """An engine that slept through the loss of its lease adds nothing to the result of the one that took over."""
    execution = engine.submit(requests.Submission(prompt="work"))
    with holder(home, "engine") as process:
        assert said(process) == "ready"
        until_noted(engine)
        stop(process)
        take_back(home)
        await complete(engine)
        before = engine.store.read(everything)
        go_on(process)
        assert said(process) == "closed"
    assert engine.store.read(everything) == before
    assert engine.execution(execution.id).status is Status.COMPLETED
    results = [message.body for message in engine.thread(execution.thread_id)[1] if message.kind == "result"]
    assert results == ["theirs"]
