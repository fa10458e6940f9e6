import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from baara_engine import errors, events
from baara_engine.health import asking, monitor, vitals
from baara_engine.health.monitor import PATIENCE, TOOL, Monitor
from baara_engine.health.vitals import Step
from baara_engine.journal import Journal
from baara_engine.records import Effect, Kind, Question
from baara_engine.runner import Lease
from baara_engine.states import Status
from baara_engine.store import executions, findings, journal
from baara_engine.testing.clocks import FakeClock
from baara_engine.tools import Done

from .conftest import LONG, Ward

BASH = PATIENCE["bash"]
A_NIGHT = 8 * 3600.0


@asynccontextmanager
async def running(lease: Lease, what: str = "bash", turn: int = 1) -> AsyncIterator[tuple[Step, asyncio.Task[str]]]:
    """Let a step run that does nothing, and give it with what comes of it."""

    async def work() -> str:
        try:
            async with lease.vitals.step(what, turn, None if what == "model" else "toolu_1"):
                await asyncio.sleep(LONG)
        except vitals.CutShort:
            return "cut short"
        return "ended"

    task = asyncio.get_running_loop().create_task(work())
    await asyncio.sleep(0)
    yield lease.vitals.steps[0], task
    task.cancel()
    await asyncio.wait([task])


def asked(ward: Ward) -> list[Question]:
    return ward.engine.questions()


def told(ward: Ward) -> list[tuple[str, str]]:
    found = (event for event in ward.engine.events(limit=1000) if event.kind == events.Kind.FINDING)
    return [(event.data["kind"], event.data["state"]) for event in found]


async def stuck(ward: Ward, clock: FakeClock) -> Question:
    """Let time go by until the person is asked."""
    clock.advance(BASH.stuck + 1)
    await ward.monitor.look()
    [question] = asked(ward)
    return question


async def test_a_step_that_takes_long_is_told_once(ward: Ward, clock: FakeClock) -> None:
    """Output keeps coming and the end does not: that is slow, told once, and over with the step."""
    lease = await ward.lease()
    async with running(lease) as (step, _):
        for _ in range(45):
            clock.advance(15.0)
            step.beat()
            await ward.monitor.look()
        [found] = ward.engine.health()
    await ward.monitor.look()
    assert found.message == "“work”: “bash” has been at work for more than 10 min."
    assert told(ward) == [("slow", "found"), ("slow", "cleared")]
    assert asked(ward) == []


async def test_silence_is_told_before_anybody_is_asked(ward: Ward, clock: FakeClock) -> None:
    """After some minutes without output it is silent; a sign of life makes it well, and nobody was bothered."""
    lease = await ward.lease()
    async with running(lease) as (step, _):
        clock.advance(BASH.silent)
        await ward.monitor.look()
        assert ward.found() == []
        clock.advance(1.0)
        await ward.monitor.look()
        assert ward.found() == ["silent"]
        step.beat()
        await ward.monitor.look()
    assert told(ward) == [("silent", "found"), ("silent", "cleared")]
    assert asked(ward) == []


@pytest.mark.parametrize(("what", "patience"), [("model", PATIENCE["model"]), ("glob", TOOL), ("bash", BASH)])
async def test_each_kind_of_step_has_its_own_limits(
    ward: Ward, clock: FakeClock, what: str, patience: monitor.Patience
) -> None:
    """The model, a command and a quick tool are given the time that each of them usually needs."""
    lease = await ward.lease()
    async with running(lease, what):
        clock.advance(min(patience.slow, patience.silent))
        assert monitor.assess(lease.vitals, "x") == {}
        clock.advance(patience.stuck)
        assert set(monitor.assess(lease.vitals, "x")) == {"slow", "silent", "stuck"}


async def test_who_is_stuck_is_asked_about_and_goes_on(ward: Ward, clock: FakeClock) -> None:
    """The question shows the exact call and stands in the thread; the work stays at work, and is asked about once."""
    lease = await ward.lease()
    await ward.call(lease, "bash", {"command": "make"})
    async with running(lease) as (step, task):
        question = await stuck(ward, clock)
        await ward.monitor.look()
        assert [one.id for one in asked(ward)] == [question.id] == [step.question_id]
        assert not task.done()
    assert question.text.startswith("No sign of life from “bash” for 30 min. It goes on meanwhile.")
    assert (question.kind, question.turn, question.tool_use_id) == ("stuck", 1, "toolu_1")
    assert question.options == (asking.KEEP_WAITING, asking.END_CALL, asking.CANCEL)
    assert question.detail == {"tool": "bash", "input": {"command": "make"}}
    assert ward.now(lease).status == "running"
    thread = ward.engine.thread(lease.execution.thread_id)[1]
    assert [message.body for message in thread if message.kind == "question"] == [question.text]
    assert ward.found() == ["silent", "slow", "stuck"]


async def test_a_sign_of_life_withdraws_the_question(ward: Ward, clock: FakeClock) -> None:
    """Output that comes after all makes the question pointless, and it is told that all is well."""
    lease = await ward.lease()
    await ward.call(lease, "bash", {"command": "make"})
    async with running(lease) as (step, task):
        question = await stuck(ward, clock)
        step.beat()
        await ward.monitor.look()
        assert (step.question_id, task.done()) == (None, False)
    assert asked(ward) == []
    assert ward.found() == ["slow"]
    with pytest.raises(errors.Refused):
        ward.engine.answer(question.id, asking.END_CALL, by="test")


async def test_the_result_of_a_call_withdraws_the_question(ward: Ward, clock: FakeClock) -> None:
    """A receipt and an answer cannot both come: with the receipt, the question is withdrawn in one transaction."""
    lease = await ward.lease()
    await ward.call(lease, "bash", {"command": "make"})
    async with running(lease):
        await stuck(ward, clock)
        block = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "make"}}
        await Journal(ward.engine.store, lease.execution).receive(1, block, Done("made"), calls=1)
        assert asked(ward) == []
        await ward.monitor.look()
        assert asked(ward) == []  # the call is over, though its step has not noticed yet


async def test_keep_waiting_gives_it_as_long_again(ward: Ward, clock: FakeClock) -> None:
    """Whoever says to wait is asked again only when it has been silent for twice as long."""
    lease = await ward.lease()
    await ward.call(lease, "bash", {"command": "make"})
    async with running(lease) as (step, task):
        question = await stuck(ward, clock)
        ward.engine.answer(question.id, "keep waiting.", by="test")
        await ward.monitor.look()
        clock.advance(BASH.stuck)
        await ward.monitor.look()
        assert (asked(ward), step.question_id, task.done()) == ([], None, False)
        clock.advance(2.0)
        await ward.monitor.look()
        assert len(asked(ward)) == 1


@pytest.mark.parametrize(
    ("answer", "told_to_agent"), [(asking.END_CALL, asking.ENDED), ("Use make -j.", f"{asking.ENDED} Use make -j.")]
)
async def test_an_answer_that_ends_the_call_is_its_result(
    ward: Ward, clock: FakeClock, answer: str, told_to_agent: str
) -> None:
    """The result is in the journal with the answer, the turn is closed once, and then the call is ended."""
    lease = await ward.lease()
    await ward.call(lease, "bash", {"command": "make"})
    async with running(lease) as (_, task):
        question = await stuck(ward, clock)
        ward.engine.answer(question.id, answer, by="test")
        await ward.monitor.look()
        assert await task == "cut short"
        block = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "make"}}
        await Journal(ward.engine.store, lease.execution).receive(1, block, Done("cut"), calls=1)
    messages, calls = ward.engine.journal(lease.execution.id)
    assert [message.role for message in messages] == ["user", "assistant", "user"]
    assert (calls[0].is_error, calls[0].result) == (True, [{"type": "text", "text": told_to_agent}])


@pytest.mark.parametrize("answer", [asking.ASK_AGAIN, "Be brief."])
async def test_a_silent_model_is_asked_again(ward: Ward, clock: FakeClock, answer: str) -> None:
    """Ending a question to the model leaves the conversation as it was, but for what the person has said."""
    lease = await ward.lease()
    async with running(lease, "model") as (_, task):
        clock.advance(PATIENCE["model"].stuck + 1)
        await ward.monitor.look()
        [question] = asked(ward)
        assert question.options == (asking.KEEP_WAITING, asking.ASK_AGAIN, asking.CANCEL)
        ward.engine.answer(question.id, answer, by="test")
        await ward.monitor.look()
        assert await task == "cut short"
    said = [message.content[0]["text"] for message in ward.engine.journal(lease.execution.id)[0]]
    assert said == (["work"] if answer == asking.ASK_AGAIN else ["work", "Be brief."])


async def test_cancelling_by_an_answer_is_cancelling(ward: Ward, clock: FakeClock) -> None:
    """The owner hears of it as of any other cancelling; the monitor itself ends nothing."""
    lease = await ward.lease()
    await ward.call(lease, "bash", {"command": "make"})
    async with running(lease) as (_, task):
        question = await stuck(ward, clock)
        ward.engine.answer(question.id, "Cancel the execution", by="test")
        await ward.monitor.look()
        assert not task.done()
    assert ward.engine.store.read(executions.cancel_requested) == [lease.execution.id]


async def test_nobody_can_talk_to_a_command(ward: Ward, clock: FakeClock) -> None:
    """About a command it can be said to wait or to cancel, and nothing else."""
    lease = await ward.lease("sleep 99999", Kind.COMMAND)
    journaled = {"id": "toolu_1", "name": "command", "input": {"command": "sleep 99999"}}
    intend = partial(journal.intend, execution_id=lease.execution.id, turn=1, ordinal=0, block=journaled)
    ward.engine.store.write(partial(intend, effect=Effect.UNSAFE, notes={}))
    async with running(lease, "command"):
        clock.advance(PATIENCE["command"].stuck + 1)
        await ward.monitor.look()
        [question] = asked(ward)
        assert question.options == (asking.KEEP_WAITING, asking.CANCEL)
        with pytest.raises(errors.InvalidInput, match="Keep waiting, Cancel"):
            ward.engine.answer(question.id, "hurry", by="test")


async def test_a_lease_that_ends_takes_its_question_along(ward: Ward, clock: FakeClock) -> None:
    """Given back, cancelled or failed: the question about a step that is over is withdrawn, and nothing is found."""
    lease = await ward.lease()
    await ward.call(lease, "bash", {"command": "make"})
    async with running(lease):
        await stuck(ward, clock)
        ward.engine.store.write(lambda tx: executions.move(tx, lease.execution.id, Status.RUNNING, Status.QUEUED))
        assert (asked(ward), ward.found()) == ([], [])
        lease.vitals.steps[0].question_id = None
        await ward.monitor.look()
        assert (asked(ward), ward.found()) == ([], [])  # whoever has lost the lease finds nothing any more


async def test_a_night_of_sleep_is_no_silence(ward: Ward, clock: FakeClock) -> None:
    """After a wake nothing is slow, silent or stuck for the time that the computer was asleep."""
    lease = await ward.lease()
    await ward.call(lease, "bash", {"command": "make"})
    async with running(lease):
        clock.advance(60.0)
        clock.suspend(A_NIGHT)
        clock.set_wall(clock.now() + 10**12)
        await ward.monitor.look()
    assert (ward.found(), asked(ward), told(ward)) == ([], [], [])


@pytest.mark.expects_log("the health monitor could not look: ValueError: no")
async def test_a_monitor_that_fails_is_told_and_goes_on(ward: Ward, clock: FakeClock) -> None:
    """A defect in it is logged once and found, ends nothing, and is well again when it can look again."""
    broken = True

    def held() -> list[Lease]:
        if broken:
            raise ValueError("no")
        return []

    failing = Monitor(ward.engine.store, ward.machine, held)
    for _ in range(3):
        await failing.look()
    await failing.look_at_machine()
    assert ward.found() == ["monitor"]
    broken = False
    clock.advance(monitor.MACHINE_S)
    await failing.look()
    await failing.look_at_machine()
    assert (ward.found(), told(ward)) == ([], [("monitor", "found"), ("monitor", "cleared")])


async def test_looking_at_what_is_well_writes_nothing(ward: Ward, clock: FakeClock) -> None:
    """An engine that is well costs no commits, whether it has work or not."""
    lease = await ward.lease()
    before = ward.engine.store.read(lambda view: view.sql("SELECT max(batch) FROM writer"))
    async with running(lease):
        for _ in range(10):
            clock.advance(25.0)
            await ward.monitor.look()
    assert ward.engine.store.read(lambda view: view.sql("SELECT max(batch) FROM writer")) == before
    assert ward.engine.store.read(lambda view: findings.listing(view, open_only=False)) == []
