"""Real engines killed with SIGKILL while an execution waits for its sub-task, and while the sub-task works."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from baara_engine import requests, states
from baara_engine.engine import Engine
from baara_engine.records import Execution
from baara_engine.states import Status

TURNS = 12
KILLS = 8
LONG = 90.0  # seconds that no wait here takes unless something is wrong
SEED = int(os.environ.get("BAARA_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Run a Messages API on loopback whose model delegates, and give its address."""
    command = [sys.executable, "-m", "baara_engine.testing.messages_server", "--scenario", "delegate"]
    process = subprocess.Popen([*command, "--turns", str(TURNS)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait()
    process.stdout.close()


@contextmanager
def serving(home: Path, service: str, ended_by: signal.Signals) -> Iterator[None]:
    """Run an engine for a while, and end it by a signal."""
    given = {"ANTHROPIC_BASE_URL": service, "ANTHROPIC_API_KEY": "not-a-key", "BAARA_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "baara_app", "serve"], env=os.environ | given,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        process.send_signal(ended_by)
        process.wait(LONG)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.01)


def children(engine: Engine) -> list[Execution]:
    return [one for one in engine.executions() if one.parent_id is not None]


def is_further(engine: Engine, parent_id: str, turn: int) -> bool:
    """Say whether the child is there and past this turn, or the whole has ended."""
    if engine.execution(parent_id).status in states.ENDED:
        return True
    return any(child.turn > turn for child in children(engine))


def test_a_sub_task_survives_every_kill_and_is_submitted_once(home: Path, engine: Engine, service: str) -> None:
    """Killed while the parent waits and while the child works: one child, each receipt once, its result in the parent.

    The first kills come as soon as the child is there, the others at random moments of its work.
    """
    chance = random.Random(SEED)
    print(f"seed {SEED}: set BAARA_SEED to see the same moments again")
    parent = engine.submit(requests.Submission(prompt="Delegate."))
    kills = waits = 0
    for _ in range(KILLS):
        with serving(home, service, signal.SIGKILL):
            turn = children(engine)[0].turn if children(engine) else -1
            until(lambda turn=turn: is_further(engine, parent.id, turn))  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.05))
            now = engine.execution(parent.id)
        kills += 1
        waits += now.waiting_reason == states.SUB_TASK
        if now.status in states.ENDED:
            break
    with serving(home, service, signal.SIGTERM):
        until(lambda: engine.execution(parent.id).status in states.ENDED)
    [child] = children(engine)
    ended = engine.execution(parent.id)
    receipts = (Path(ended.workspace) / "receipts.txt").read_text().split()
    print(f"{kills} kills, {waits} of them while the parent waited; the child was resumed {len(child.resumed)} times")
    assert Counter(receipts) == Counter(f"receipt-{number}" for number in range(1, TURNS + 1))
    assert (child.status, ended.status) == (Status.COMPLETED, Status.COMPLETED)
    assert ended.output == f"It says: all {TURNS} receipts written"
    assert kills > 2
    assert waits > 0
    assert child.resumed


def test_waiting_in_the_command_line_works_on_sub_tasks_too(home: Path, engine: Engine, service: str) -> None:
    """With no engine running, `submit --wait` works on the execution and on what it submits, and on nothing else."""
    other = engine.submit(requests.Submission(prompt="Delegate."))
    given = {"ANTHROPIC_BASE_URL": service, "ANTHROPIC_API_KEY": "not-a-key", "BAARA_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "baara_app", "submit", "Delegate.", "--wait"], env=os.environ | given,
        capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip
    assert (done.returncode, f"It says: all {TURNS} receipts written" in done.stdout) == (0, True), done.stderr
    assert "Waiting for its sub-tasks" in done.stderr
    assert engine.execution(other.id).status is Status.QUEUED
