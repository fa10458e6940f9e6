from collections.abc import Callable

from baara_engine import recovery, resuming
from baara_engine.agent.model import Answer, Usage
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.journal import Journal
from baara_engine.records import Execution
from baara_engine.requests import Submission
from baara_engine.states import Outcome, Status
from baara_engine.store import deaths, executions

DEAD = "an-earlier-boot/1/1"  # an owner that lives no more
ME = "this-boot/1/verifier"
FAR = 1 << 60


async def die(engine: Engine, *, began: bool = True, progress: bool = False) -> None:
    """Lease what is queued as an engine that then dies: before a step began, in it, or in the one behind it."""
    claimed = engine.store.write(
        lambda tx: [one for queue in ("transfer", "dlq") for one in executions.claim(tx, queue, 1, DEAD, FAR)]
    )
    execution, talk = await resuming.begin(engine.store, claimed[0])
    if began:
        engine.store.write(lambda tx: deaths.begin_step(tx, execution.id, execution.epoch))
    if progress:
        block = {"type": "tool_use", "id": f"toolu_{execution.epoch}", "name": "bash", "input": {"command": "true"}}
        answer = Answer([block], "tool_use", Usage(), "scripted", 0)
        await Journal(engine.store, execution).answered(answer, talk.turn + 1)
    assert recovery.recover(engine.store, ME) == 1


def submitted(engine: Engine) -> Callable[[], Execution]:
    execution_id = engine.submit(Submission(prompt="work")).id
    return lambda: engine.execution(execution_id)


async def test_what_kills_the_engine_three_times_in_one_step_is_put_away(engine: Engine) -> None:
    """After the third death in the same step it is a dead letter that says so, with its attempts."""
    now = submitted(engine)
    for _ in range(2):
        await die(engine)
        assert now().status is Status.QUEUED
    await die(engine)
    execution = now()
    assert (execution.status, execution.outcome) == (Status.DEAD_LETTERED, Outcome.FAILED)
    assert execution.error_cause == FailureKind.POISON
    letter = engine.dead_letter(execution.id)
    assert [attempt.ended_by for attempt in letter.attempts] == ["crashed"] * 3
    assert "same step" in letter.advice
    assert [one.body for one in engine.thread(execution.thread_id)[1] if one.kind == "failure"] == [recovery.POISON]


async def test_ten_deaths_with_progress_between_them_bury_nothing(engine: Engine) -> None:
    """Whoever gets on is not what kills the engine."""
    now = submitted(engine)
    await die(engine, progress=True)
    for _ in range(5):
        await die(engine)
        await engine_answers(engine, now())
        await die(engine)
    assert now().status is Status.QUEUED


async def engine_answers(engine: Engine, execution: Execution) -> None:
    """Give the open calls their receipts, as another engine does before it dies."""
    [claimed] = engine.store.write(lambda tx: executions.claim(tx, "transfer", 1, DEAD, FAR))
    begun, talk = await resuming.begin(engine.store, claimed)
    journal = Journal(engine.store, begun)
    journal.refresh(talk)
    for ordinal, block in enumerate(talk.open_blocks):
        await journal.reject(talk.turn, ordinal, block, "no", calls=len(talk.blocks))
    if not talk.blocks:
        block = {"type": "tool_use", "id": f"toolu_{begun.epoch}", "name": "bash", "input": {"command": "true"}}
        await journal.answered(Answer([block], "tool_use", Usage(), "scripted", 0), talk.turn + 1)
    assert recovery.recover(engine.store, ME) == 1
    assert execution.id == begun.id


async def test_deaths_before_any_step_bury_nothing(engine: Engine) -> None:
    """An engine that dies ten times while it starts has not been killed by what it was to do."""
    now = submitted(engine)
    for _ in range(10):
        await die(engine, began=False)
    assert now().status is Status.QUEUED


async def test_a_person_gives_it_three_more(engine: Engine) -> None:
    """Resumed, it may die twice again before it is put away again."""
    now = submitted(engine)
    for _ in range(3):
        await die(engine)
    engine.resume(now().id)
    for _ in range(2):
        await die(engine)
        assert now().status is Status.QUEUED
    await die(engine)
    assert now().status is Status.DEAD_LETTERED
