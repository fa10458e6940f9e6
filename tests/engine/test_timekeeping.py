import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from baara_engine import errors, events, owner, queues, resuming, settle, timekeeping
from baara_engine.agent.model import Answer
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Event, Execution, Kind
from baara_engine.requests import Submission
from baara_engine.runner import Lease
from baara_engine.states import ENDED, Status
from baara_engine.store import executions
from baara_engine.testing.clocks import FakeClock
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, says
from baara_engine.timekeeping import Timekeeper

LONG = 30.0  # seconds that no wait here takes unless something is wrong
HOUR = 3600.0
HOUR_MS = 3_600_000
YEARS_MS = 10 * 365 * 24 * HOUR_MS
NAP_MS = 6 * HOUR_MS + 12 * 60_000


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


async def leased(engine: Engine, prompt: str = "work", **options: object) -> Execution:
    engine.submit(Submission.model_validate({"prompt": prompt, **options}))
    until = engine.store.clock.now() + 60_000
    [claimed] = engine.store.write(lambda tx: executions.claim(tx, queues.TRANSFER, 10, str(owner.Owner.me()), until))
    begun, _ = await resuming.begin(engine.store, claimed)
    return begun


async def waiting(engine: Engine, kind: FailureKind, retry_after_s: float | None = None) -> Execution:
    """Give an execution that waits after a failure of this kind."""
    held = await leased(engine, max_retries=3)
    settler = settle.Settler(engine.store, random.Random(1))
    await settler.failed(held, settle.Failure(kind, "No.", retry_after_s))
    return engine.execution(held.id)


def left_ms(engine: Engine, execution: Execution) -> int:
    """Give how long it still waits; both columns say the same."""
    now = engine.execution(execution.id)
    assert now.waiting_until in (now.not_before, None)
    return (now.not_before or 0) - engine.store.clock.now()


def notes(engine: Engine, execution: Execution) -> list[str]:
    return [message.body for message in engine.thread(execution.thread_id)[1] if message.kind == "note"]


def told(engine: Engine, kind: events.Kind) -> list[Event]:
    return [event for event in engine.events(limit=10_000) if event.kind == kind]


async def seen_to(engine: Engine, keeper: Timekeeper, *in_flight: Execution) -> None:
    assert keeper.is_off()
    assert await keeper.see_to(list(in_flight))
    assert not keeper.is_off()


@pytest.mark.parametrize("jump", [-YEARS_MS, -HOUR_MS, HOUR_MS, YEARS_MS])
async def test_what_waits_for_a_length_of_time_waits_for_that_length(
    engine: Engine, clock: FakeClock, jump: int
) -> None:
    """A retry and a park end as long after the jump as they would have without it; the jump is told once."""
    keeper = Timekeeper(engine.store)
    retry = await waiting(engine, FailureKind.SERVER)
    park = await waiting(engine, FailureKind.RATE_LIMIT, 7 * HOUR)
    before = left_ms(engine, retry), left_ms(engine, park)
    clock.advance(1.0)
    clock.set_wall(clock.now() + jump)
    await seen_to(engine, keeper)
    assert (left_ms(engine, retry), left_ms(engine, park)) == (before[0] - 1000, before[1] - 1000)
    assert [event.data for event in told(engine, events.Kind.CLOCK_JUMPED)] == [{"ms": jump}]
    assert told(engine, events.Kind.SLEPT) == []


@pytest.mark.parametrize("jump", [-YEARS_MS, YEARS_MS])
async def test_what_failed_just_after_the_jump_does_not_wait_for_years(
    engine: Engine, clock: FakeClock, jump: int
) -> None:
    """A wait that was written after the clock was set, and before that was noticed, ends soon all the same."""
    keeper = Timekeeper(engine.store)
    clock.set_wall(clock.now() + jump)
    retry = await waiting(engine, FailureKind.SERVER)
    await seen_to(engine, keeper)
    assert left_ms(engine, retry) <= timekeeping.LONGEST["retry"]


@pytest.mark.parametrize("jump", [-HOUR_MS, HOUR_MS])
async def test_a_moment_that_a_person_has_named_stays(engine: Engine, clock: FakeClock, jump: int) -> None:
    """What is to begin at a time of day begins at that time of the clock on the wall."""
    keeper = Timekeeper(engine.store)
    named = clock.now() + 3 * HOUR_MS
    timer = engine.submit(Submission(prompt="x", not_before=named))
    clock.set_wall(clock.now() + jump)
    await seen_to(engine, keeper)
    assert engine.execution(timer.id).not_before == named


async def test_a_clock_that_was_wrong_before_the_start_keeps_nothing_waiting(engine: Engine, clock: FakeClock) -> None:
    """At the start, a wait that no attempt can have asked for is cut to the longest there is; others stay."""
    retry, park = await waiting(engine, FailureKind.SERVER), await waiting(engine, FailureKind.OFFLINE)
    timer = engine.submit(Submission(prompt="x", not_before=clock.now() + HOUR_MS))
    before = left_ms(engine, park)
    timekeeping.shorten_waits(engine.store)
    assert left_ms(engine, park) == before
    clock.set_wall(clock.now() - YEARS_MS)
    engine.start(ScriptedModels(ScriptedModel([])))
    engine.stop()
    assert left_ms(engine, retry) == timekeeping.LONGEST["retry"] < HOUR_MS
    assert left_ms(engine, park) == timekeeping.LONGEST["offline"] == 24 * HOUR_MS
    assert left_ms(engine, timer) == YEARS_MS + HOUR_MS


async def test_a_wake_is_said_once_in_the_thread_of_what_is_at_work(engine: Engine, clock: FakeClock) -> None:
    """The note says how long it slept and where it goes on; what waits or has ended gets none."""
    keeper = Timekeeper(engine.store)
    held, parked = await leased(engine), await waiting(engine, FailureKind.OFFLINE)
    quiet = notes(engine, parked)
    clock.suspend(NAP_MS / 1000)
    await seen_to(engine, keeper, held, parked)
    assert notes(engine, held) == ["Asleep for 6 h 12 min; goes on at turn 1."]
    assert notes(engine, parked) == quiet
    assert [event.data for event in told(engine, events.Kind.SLEPT)] == [{"ms": NAP_MS}]
    assert await keeper.see_to([held]) == []


async def test_a_nod_is_told_and_not_noted(engine: Engine, clock: FakeClock) -> None:
    """A sleep of seconds is an event, and no message in a thread."""
    keeper = Timekeeper(engine.store)
    held = await leased(engine)
    clock.suspend(5.0)
    await seen_to(engine, keeper, held)
    assert notes(engine, held) == []
    assert [event.data for event in told(engine, events.Kind.SLEPT)] == [{"ms": 5000}]


async def test_a_break_is_kept_until_it_could_be_written(engine: Engine, clock: FakeClock) -> None:
    """If the store refuses, the sleep is told at the next look, and nothing of it twice."""
    keeper = Timekeeper(engine.store)
    held = await leased(engine)
    engine.store.write(
        lambda tx: tx.sql("CREATE TRIGGER no BEFORE INSERT ON event BEGIN SELECT raise(ABORT, 'refused'); END")
    )
    clock.suspend(HOUR)
    assert keeper.is_off()
    with pytest.raises(Exception, match="refused"):
        await keeper.see_to([held])
    engine.store.write(lambda tx: tx.sql("DROP TRIGGER no"))
    await seen_to(engine, keeper, held)
    assert notes(engine, held) == ["Asleep for 1 h 0 min; goes on at turn 1."]


async def test_a_command_has_no_turns_to_speak_of(engine: Engine, clock: FakeClock) -> None:
    """The note of a command says how long it slept, and that it goes on."""
    keeper = Timekeeper(engine.store)
    held = await leased(engine, "sleep 1", kind=Kind.COMMAND)
    clock.suspend(HOUR)
    await seen_to(engine, keeper, held)
    assert notes(engine, held) == ["Asleep for 1 h 0 min; goes on."]


async def test_sleep_uses_up_no_working_time(engine: Engine, clock: FakeClock) -> None:
    """What an attempt has worked is the time that the computer was awake, whatever the wall clock did."""
    lease = Lease(await leased(engine), clock)
    clock.advance(2.0)
    clock.suspend(6 * HOUR)
    clock.set_wall(clock.now() + YEARS_MS)
    clock.advance(1.0)
    assert lease.worked_ms == 3000


def until(true: object) -> None:
    deadline = time.monotonic() + LONG
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_engine_that_sleeps_keeps_its_leases(engine: Engine, clock: FakeClock) -> None:
    """After six hours the lease is renewed at once, the thread says so once, and the work ends as if nothing was."""
    engine.start(ScriptedModels(ScriptedModel([])))
    execution = engine.submit(
        Submission(prompt="until test -e go; do sleep 0.05; done", kind=Kind.COMMAND, timeout_s=60)
    )
    until(lambda: engine.execution(execution.id).status is Status.RUNNING)
    clock.suspend(6 * HOUR)
    until(lambda: (engine.execution(execution.id).lease_until or 0) > clock.now())
    clock.set_wall(clock.now() + YEARS_MS)
    until(lambda: (engine.execution(execution.id).lease_until or 0) > clock.now())
    (Path(execution.workspace) / "go").touch()
    until(lambda: engine.execution(execution.id).status in ENDED)
    engine.stop()
    assert engine.execution(execution.id).status is Status.COMPLETED
    assert notes(engine, execution) == ["Asleep for 6 h 0 min; goes on."]
    assert len(engine.attempts(execution.id)) == 1


def test_a_running_engine_tries_again_though_its_clock_was_put_back(engine: Engine, clock: FakeClock) -> None:
    """A clock put back by ten years lets the next attempt wait for its two seconds, and not for ten years."""
    failure = errors.ModelFailure(FailureKind.SERVER, "No.")
    model = ScriptedModel([lambda _: says("done") if len(model.requests) > 1 else _fail(failure)])
    engine.start(ScriptedModels(model))
    execution = engine.submit(Submission(prompt="x", max_retries=1))
    until(lambda: engine.execution(execution.id).status is Status.RETRY_SCHEDULED)
    clock.set_wall(clock.now() - YEARS_MS)
    until(lambda: left_ms(engine, execution) < 10_000)
    assert engine.execution(execution.id).status is Status.RETRY_SCHEDULED
    clock.advance(3.0)
    until(lambda: engine.execution(execution.id).status is Status.COMPLETED)
    engine.stop()


def _fail(error: Exception) -> Answer:
    raise error
