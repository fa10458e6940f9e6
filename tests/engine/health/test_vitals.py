import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from baara_engine import queues
from baara_engine.engine import Engine
from baara_engine.health import vitals
from baara_engine.health.vitals import Vitals
from baara_engine.records import Kind
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.store import executions
from baara_engine.testing.clocks import FakeClock
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

LONG = 30.0  # seconds that no wait here takes unless something is wrong


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def engine(home: Path, clock: FakeClock) -> Iterator[Engine]:
    """Give an engine on that clock."""
    opened = Engine(home, clock_=clock)
    yield opened
    opened.close()


def until(true: object) -> None:
    deadline = time.monotonic() + LONG
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_each_step_gives_a_sign_at_its_begin_and_its_end(clock: FakeClock) -> None:
    """The last sign says when, by the wall clock of now, and what; a step is there while it runs."""
    signs = Vitals(clock)
    begun = clock.now()
    assert signs.last_sign() == (begun, "taken up")
    clock.advance(5.0)
    async with signs.step("bash", 3, "toolu_1") as step:
        assert signs.last_sign() == (begun + 5000, "bash")
        clock.advance(7.0)
        step.beat()
        assert (signs.steps, step.turn, step.tool_use_id, step.begun, step.heard) == ([step], 3, "toolu_1", 5.0, 12.0)
        assert signs.last_sign() == (begun + 12_000, "output")
        clock.advance(1.0)
    assert signs.steps == []
    assert signs.last_sign() == (begun + 13_000, "bash")


async def test_a_sign_is_told_by_the_wall_clock_of_now(clock: FakeClock) -> None:
    """After the clock was set, the last sign lies as far back as it did before."""
    signs = Vitals(clock)
    clock.advance(5.0)
    clock.set_wall(1000_000)
    assert signs.last_sign() == (995_000, "taken up")


async def test_a_step_can_be_ended_from_outside(clock: FakeClock) -> None:
    """Whoever waits in it gets CutShort at once, and the step is gone."""
    signs = Vitals(clock)

    async def wait() -> None:
        async with signs.step("bash", 1):
            await asyncio.sleep(LONG)

    waiting = asyncio.get_running_loop().create_task(wait())
    await asyncio.sleep(0)
    signs.steps[0].cut_short()
    with pytest.raises(vitals.CutShort):
        await waiting
    assert signs.steps == []


async def test_other_endings_of_a_step_stay_what_they_are(clock: FakeClock) -> None:
    """A timeout within it, an error and a cancellation pass through a step as through anything else."""
    signs = Vitals(clock)
    for error in (TimeoutError, ValueError, asyncio.CancelledError):
        with pytest.raises(error):
            async with signs.step("bash", 1):
                raise error
    assert signs.steps == []


def test_the_last_sign_is_stored_with_the_renewal(engine: Engine, clock: FakeClock) -> None:
    """Every twenty seconds, other processes see what gave the last sign of life of each execution, and when."""
    engine.start(ScriptedModels(ScriptedModel([calls(("bash", {"command": "until test -e go; do sleep 0.05; done"}))])))
    execution = engine.submit(Submission(prompt="x"))
    until(lambda: (Path(execution.workspace)).exists() and engine.journal(execution.id)[1])
    time.sleep(0.2)
    begun = clock.now()
    assert engine.execution(execution.id).beat is None
    clock.advance(21.0)
    until(lambda: engine.execution(execution.id).beat_at is not None)
    seen = engine.execution(execution.id)
    (Path(execution.workspace) / "go").touch()
    engine.stop()
    assert (seen.beat, seen.beat_at) == ("bash", begun)


def test_a_renewal_notes_the_signs_of_each_and_keeps_the_others(engine: Engine, clock: FakeClock) -> None:
    """One statement renews all leases of an owner; where there is no news, the last sign stays."""
    first = engine.submit(Submission(prompt="x"))
    clock.advance(1.0)
    second = engine.submit(Submission(prompt="x"))
    clock.advance(1.0)
    third = engine.submit(Submission(prompt="x"))
    engine.store.write(lambda tx: executions.claim(tx, queues.TRANSFER, 2, "me", 1))
    engine.store.write(lambda tx: executions.renew(tx, "me", 5, {first.id: (100, 'a "b"'), third.id: (1, "x")}))
    engine.store.write(lambda tx: executions.renew(tx, "me", 6, {second.id: (200, "output")}))
    engine.store.write(lambda tx: executions.renew(tx, "another", 7, {second.id: (300, "never")}))
    now = [engine.execution(one.id) for one in (first, second, third)]
    assert [(one.lease_until, one.beat_at, one.beat) for one in now] == [
        (6, 100, 'a "b"'), (6, 200, "output"), (None, None, None),
    ]  # fmt: skip


def test_the_sign_of_a_dead_owner_says_how_long_nothing_happened(engine: Engine, clock: FakeClock) -> None:
    """What an engine that died has noted last counts for the gap that the thread tells of."""
    execution = engine.submit(Submission(prompt="true", kind=Kind.COMMAND))
    [held] = engine.store.write(lambda tx: executions.claim(tx, queues.TRANSFER, 1, "another-boot/1/1", 1))
    engine.store.write(lambda tx: executions.move(tx, held.id, Status.ASSIGNED, Status.RUNNING, started_at=tx.now))
    clock.advance(3600.0)
    engine.store.write(lambda tx: executions.renew(tx, "another-boot/1/1", 1, {held.id: (tx.now, "output")}))
    clock.advance(600.0)
    engine.start(ScriptedModels(ScriptedModel([says("done")])))
    until(lambda: engine.execution(execution.id).resumed)
    engine.stop()
    notes = [message.body for message in engine.thread(execution.thread_id)[1] if message.kind == "note"]
    assert notes == ["Resumed after 10 min: the engine had died."]
