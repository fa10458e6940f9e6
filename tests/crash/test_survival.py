"""What waits, waits on through the death of its engine, killed or stopped, and goes on by itself at its time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.crash.kills import work
from tests.crash.kills.work import World

from baara_engine import clock, queues, requests
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, Kind, UnknownEffect
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap, Schedule, SlotState
from baara_engine.scheduling import asking
from baara_engine.states import Status

ROOT = Path(__file__).parents[2]
LONG = 60.0  # seconds that no wait here takes unless something is wrong
PARK_S = 5.0  # longer than an engine needs to park everything and die
DELAY_MS = 5000
DOWN_S = 21
SLOW_MS = 2500  # of a step that is at work when the engine dies

KINDS = (
    FailureKind.RATE_LIMIT, FailureKind.OVERLOADED, FailureKind.OFFLINE, FailureKind.KEY, FailureKind.BILLING,
)  # fmt: skip
FOR_A_KEY = frozenset({FailureKind.KEY, FailureKind.BILLING})

either_way = pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "world")
    made.make()
    return made


@pytest.fixture
def engine(world: World) -> Iterator[Engine]:
    """Open the home, without working: this is the person's side."""
    opened = Engine(world.home)
    yield opened
    opened.close()


@contextmanager
def working(world: World, end: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """Let an engine work in a process of its own, and end it by this signal."""
    command = [sys.executable, "-m", "tests.crash.kills.host", str(world.folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "working\n"
        yield
    finally:
        process.send_signal(end)
        assert process.wait(LONG) == (-end if end == signal.SIGKILL else 0)
        process.stdout.close()


def agent(engine: Engine, world: World, title: str, *kinds: str, **options: object) -> Execution:
    """Submit an agent that does these steps; with `trouble`, the service refuses its first question."""
    trouble = options.pop("trouble", None)
    troubles: dict[int, work.Trouble] = {1: trouble} if isinstance(trouble, tuple) else {}
    steps = [("act", SLOW_MS, 0) if kind == "slow" else (kind, 0, 0) for kind in kinds]
    prompt = work.prompt(world, title, steps, troubles)
    return engine.submit(
        requests.Submission.model_validate(
            {"prompt": prompt, "name": title, "workspace": str(world.workspace), **options}
        )
    )


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def until_ended(engine: Engine, *executions: Execution) -> list[Execution]:
    until(lambda: all(engine.execution(one.id).status is Status.COMPLETED for one in executions))
    return [engine.execution(one.id) for one in executions]


def tries(engine: Engine, execution: Execution) -> list[int]:
    """Give the number of the attempt that each lease was for."""
    return [lease.attempt for lease in engine.attempts(execution.id)]


def last_begin(engine: Engine, execution: Execution) -> int:
    return engine.attempts(execution.id)[-1].started_at


@either_way
def test_parked_work_waits_on_and_burns_no_attempt(engine: Engine, world: World, end: signal.Signals) -> None:
    """Each kind of waiting keeps its reason and its time; what has a time goes on then, the rest when a key comes."""
    with working(world, end):
        # Each with an account of its own, because what shares one waits for the same.
        parked = [agent(engine, world, kind, "act", trouble=(kind, 1, PARK_S), model=f"of-{kind}") for kind in KINDS]
        until(lambda: all(engine.execution(one.id).status is Status.RETRY_SCHEDULED for one in parked))
        before = [engine.execution(one.id) for one in parked]
    assert [engine.execution(one.id) for one in parked] == before
    assert [one.waiting_reason for one in before] == list(KINDS)
    with working(world):
        timed = [one for one in before if one.error_cause not in FOR_A_KEY]
        for one in until_ended(engine, *timed):
            assert last_begin(engine, one) >= next(was.not_before or 0 for was in before if was.id == one.id)
        for_a_key = [one for one in before if one not in timed]
        assert {engine.execution(one.id).status for one in for_a_key} == {Status.RETRY_SCHEDULED}
        assert engine.key_changed() == len(for_a_key) == 2
        ended = until_ended(engine, *parked)
    assert [(one.attempt, tries(engine, one), one.resumed) for one in ended] == [(1, [1, 1], ())] * len(KINDS)


@either_way
def test_a_retry_keeps_its_time_and_its_count(engine: Engine, world: World, end: signal.Signals) -> None:
    """What has failed twice is tried a third time after the engine's death, at the time that was set, not before."""
    failing = agent(engine, world, "failing", "act", trouble=(FailureKind.SERVER, 2, 0.0))
    with working(world, end):
        until(lambda: _is_scheduled(engine.execution(failing.id), attempt=2))
    before = engine.execution(failing.id)
    assert (before.status, before.waiting_reason, before.queue) == (Status.RETRY_SCHEDULED, "retry", queues.TIMER)
    with working(world):
        [ended] = until_ended(engine, failing)
    assert (ended.attempt, tries(engine, ended)) == (3, [1, 2, 3])
    assert last_begin(engine, ended) >= (before.not_before or 0)


def _is_scheduled(execution: Execution, attempt: int) -> bool:
    return execution.status is Status.RETRY_SCHEDULED and execution.attempt == attempt


@either_way
def test_work_for_a_later_time_begins_then(engine: Engine, world: World, end: signal.Signals) -> None:
    """A time that comes after the engine's death is kept; one that passed meanwhile is made up for at the start."""
    with working(world, end):
        now = clock.SystemClock().now()
        later = agent(engine, world, "later", "act", not_before=now + DELAY_MS)
        missed = agent(engine, world, "missed", "act", not_before=now + DELAY_MS // 2)
        assert {engine.execution(one.id).queue for one in (later, missed)} == {queues.TIMER}
    until(lambda: clock.SystemClock().now() > (missed.not_before or 0))
    assert engine.execution(missed.id) == missed
    with working(world):
        for one in until_ended(engine, later, missed):
            assert (one.attempt, tries(engine, one), one.resumed) == (1, [1], ())
        assert last_begin(engine, later) >= now + DELAY_MS


@either_way
@pytest.mark.parametrize("answered", ["while nobody works", "while the next engine works"])
def test_a_question_stays_open_and_is_answered_once(
    engine: Engine, world: World, end: signal.Signals, answered: str
) -> None:
    """The question is there after the death, once; its answer, whenever it comes, lets the work go on from there."""
    asking = agent(engine, world, "asking", "careful", "ask", "careful")
    with working(world, end):
        until(lambda: engine.execution(asking.id).status is Status.WAITING_FOR_INPUT)
    [question] = engine.questions(open_only=False)
    before = engine.execution(asking.id)
    if answered == "while nobody works":
        engine.answer(question.id, work.YES, by="a person")
    with working(world):
        if answered == "while the next engine works":
            assert (engine.execution(asking.id), engine.questions(open_only=False)) == (before, [question])
            engine.answer(question.id, work.YES, by="a person")
        [ended] = until_ended(engine, asking)
    assert (ended.output, ended.attempt, len(engine.questions(open_only=False))) == (work.is_done("asking"), 1, 1)
    assert world.receipts.read_text().splitlines() == ["asking:0 1", "asking:2 3"]


@either_way
def test_an_attempt_that_was_at_work_goes_on_as_the_same_attempt(
    engine: Engine, world: World, end: signal.Signals
) -> None:
    """An engine's death burns no attempt: the second try is still the second afterwards, and says that it resumed."""
    trouble = (FailureKind.SERVER, 1, 0.0)
    failing = agent(engine, world, "failing", "slow", "careful", trouble=trouble)
    with working(world, end):
        until(lambda: _is_at_work(engine.execution(failing.id), attempt=2))
    with working(world):
        [ended] = until_ended(engine, failing)
    assert (ended.attempt, tries(engine, ended), len(ended.resumed)) == (2, [1, 2, 2], 1)
    assert [line.split()[0] for line in world.receipts.read_text().splitlines()] == ["failing:0", "failing:1"]


def _is_at_work(execution: Execution, attempt: int) -> bool:
    return execution.status is Status.RUNNING and execution.attempt == attempt and execution.turn == 1


def task(engine: Engine, title: str = "scheduled") -> str:
    """Make a task that is a command, and give its id."""
    return engine.create_task(requests.TaskDraft(name=title, prompt="true", kind=Kind.COMMAND)).id


def ledger(engine: Engine, schedule: Schedule, until_: int) -> list[tuple[int, str]]:
    """Give each due time by then with its state, oldest first."""
    rule = rules.decode(schedule.rule)
    return sorted(
        (due, slot.state.value)
        for slot in engine.slots(schedule.id, 1000)
        for due in rules.between(rule, slot.due - 1, slot.last_due)
        if due <= until_
    )


@either_way
def test_slots_that_wait_survive(engine: Engine, world: World, end: signal.Signals) -> None:
    """What waits for its turn and what is asked about is as it was, and goes on with the next engine, each once."""
    engine.create_task(
        requests.TaskDraft(name="slow", prompt="sleep 3", kind=Kind.COMMAND, unknown_effect=UnknownEffect.RERUN)
    )
    with working(world, end):
        slow = engine.create_schedule("slow", rules.Every(1, 0), requests.Timing(overlap=Overlap.QUEUE))
        until(lambda: sum(slot.state is SlotState.WAITING for slot in engine.slots(slow.id)) >= 2)
    engine.pause_schedule(slow.id)
    before = engine.slots(slow.id, 1000)
    waiting = [slot for slot in before if slot.state is SlotState.WAITING]
    with working(world):
        until(lambda: all(slot.settled_at for slot in engine.slots(slow.id, 1000)))
        done = [one for one in engine.executions(limit=1000) if one.task_id == slow.task_id]
        until_ended(engine, *done)
    after = {slot.id: slot for slot in engine.slots(slow.id, 1000)}
    assert {after[slot.id].state for slot in waiting} == {SlotState.LATE}
    assert len({slot.execution_id for slot in after.values()}) == len(after) == len(before)


@pytest.mark.parametrize("missed", [Missed.ONCE, Missed.ALL, Missed.SKIP, Missed.ASK])
def test_down_for_21_s_over_a_schedule_of_5_s(engine: Engine, world: World, missed: Missed) -> None:
    """Each due time of an absence of a real process is in the ledger once, as the policy says; what ran, ran once."""
    task(engine)
    with working(world, signal.SIGKILL):
        begun = clock.SystemClock().now()
        schedule = engine.create_schedule("scheduled", rules.Every(5, begun), requests.Timing(missed=missed))
        until(lambda: len(engine.slots(schedule.id)) == 1)
    back = begun + DOWN_S * 1000 + 5000
    until(lambda: clock.SystemClock().now() >= back)
    with working(world):
        until(lambda: any(slot.last_due >= begun + 25_000 for slot in engine.slots(schedule.id)))
        if missed is Missed.ASK:
            engine.answer(engine.questions()[0].id, asking.RUN_ALL, by="a person")
        until(lambda: all(slot.settled_at for slot in engine.slots(schedule.id, 1000)))
    found = ledger(engine, schedule, begun + 25_000)
    assert [due - begun for due, _ in found] == [5000, 10_000, 15_000, 20_000, 25_000]
    away = [state for _, state in found[1:4]]
    assert away == ["caught_up" if missed in {Missed.ALL, Missed.ASK} else "missed"] * 3
    ran = [slot.execution_id for slot in engine.slots(schedule.id, 1000) if slot.execution_id]
    assert len(ran) == len(set(ran)) == len(engine.executions())


@pytest.fixture
def service_address() -> Iterator[str]:
    command = [sys.executable, "-m", "baara_engine.testing.messages_server", "--scenario", "append", "--turns", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(LONG)
    process.stdout.close()


@contextmanager
def serving(world: World, end: signal.Signals, **environment: str) -> Iterator[None]:
    """Let the program itself work, as people start it."""
    command = [sys.executable, "-m", "baara_app", "--home", str(world.home), "serve"]
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline()
        yield
    finally:
        process.send_signal(end)
        process.wait(LONG)
        process.stdout.close()


def test_work_of_the_program_itself_waits_for_a_key_through_a_kill(
    engine: Engine, world: World, service_address: str
) -> None:
    """`baara serve` without a key parks the work; killed and started with one, it goes on as soon as that is told."""
    execution = engine.submit(requests.Submission(prompt="Write two receipts."))
    with serving(world, signal.SIGKILL, ANTHROPIC_BASE_URL="", ANTHROPIC_API_KEY=""):
        until(lambda: engine.execution(execution.id).status is Status.RETRY_SCHEDULED)
    assert engine.execution(execution.id).waiting_reason == FailureKind.KEY
    with serving(world, signal.SIGTERM, ANTHROPIC_BASE_URL=service_address, ANTHROPIC_API_KEY="not-a-key"):
        assert engine.execution(execution.id).status is Status.RETRY_SCHEDULED
        assert engine.key_changed() == 1
        [ended] = until_ended(engine, execution)
    assert (ended.attempt, tries(engine, ended)) == (1, [1, 1])
    assert (Path(ended.workspace) / "receipts.txt").read_text().split() == ["receipt-1", "receipt-2"]
