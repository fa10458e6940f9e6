from collections.abc import Callable
from functools import partial

import pytest

from baara_engine import errors, queues
from baara_engine.engine import Engine
from baara_engine.records import Execution
from baara_engine.requests import Submission
from baara_engine.states import NEXT, Status
from baara_engine.store import executions, news
from baara_engine.store.transaction import Tx, View

FAR = 4_000_000_000_000  # ms since 1970: later than anything here is due
Submit = Callable[..., Execution]


@pytest.fixture
def submit(engine: Engine) -> Submit:
    """Give a function that queues an execution."""

    def queue(prompt: str = "work", **options: object) -> Execution:
        return engine.submit(Submission.model_validate({"prompt": prompt, **options}))

    return queue


def claim(engine: Engine, concurrency: int, queue: str = queues.TRANSFER, owner: str = "boot/1/1") -> list[Execution]:
    return engine.store.write(lambda tx: executions.claim(tx, queue, concurrency, owner, FAR))


def move(engine: Engine, execution: Execution, before: Status, after: Status, **rest: object) -> Execution:
    return engine.store.write(lambda tx: executions.move(tx, execution.id, before, after, **rest))  # type: ignore[arg-type]


def test_a_claim_takes_the_most_urgent_then_the_oldest(engine: Engine, submit: Submit) -> None:
    """Priority 0 goes before 2, and within one priority the older goes first."""
    late, old, urgent = submit("late", priority=3), submit("old"), submit("urgent", priority=0)
    young = submit("young")
    assert [taken.id for taken in claim(engine, 10)] == [urgent.id, old.id, young.id, late.id]


def test_a_claim_never_exceeds_the_concurrency(engine: Engine, submit: Submit) -> None:
    """What is leased counts against the limit, and a lowered limit holds from the next claim on."""
    for _ in range(5):
        submit()
    assert len(claim(engine, 3)) == 3
    assert len(claim(engine, 3)) == 0
    assert len(claim(engine, 4)) == 1
    assert len(claim(engine, 2)) == 0


def test_a_claim_finds_its_rows_by_index(engine: Engine) -> None:
    """The hot statements read a partial index and sort nothing, however many rows there are."""
    ready = (
        "SELECT id FROM execution WHERE status = 'queued' AND queue = 'transfer' ORDER BY priority, id LIMIT 1",
        executions.COUNT_LEASED.replace("?", "'transfer'"),
        executions.NEXT_DUE,
    )
    for statement in ready:
        plan = engine.store.read(partial(View.sql, statement=f"EXPLAIN QUERY PLAN {statement}"))
        told = " ".join(str(row[3]) for row in plan)
        assert "execution_" in told, told
        assert "TEMP B-TREE" not in told, told


def test_a_move_from_another_state_is_refused(engine: Engine, submit: Submit) -> None:
    """Compare-and-set: an execution that is not in the expected state stays as it is."""
    execution = submit()
    with pytest.raises(errors.LeaseLost):
        move(engine, execution, Status.ASSIGNED, Status.RUNNING)
    assert engine.execution(execution.id).status is Status.QUEUED


@pytest.mark.parametrize("after", [state for state in Status if state not in NEXT[Status.QUEUED]])
def test_a_move_that_is_not_in_the_table_is_a_defect(engine: Engine, submit: Submit, after: Status) -> None:
    """A move that the table does not have is not even tried."""
    with pytest.raises(ValueError, match="no execution may go"):
        move(engine, submit(), Status.QUEUED, after)


def test_a_stale_owner_writes_nothing(engine: Engine, submit: Submit) -> None:
    """After the lease has been taken back and given out again, the old epoch matches no row."""
    submit()
    [old] = claim(engine, 1)
    move(engine, old, Status.ASSIGNED, Status.QUEUED)
    [new] = claim(engine, 1, owner="boot/2/2")
    assert new.epoch == old.epoch + 1
    with pytest.raises(errors.LeaseLost):
        move(engine, old, Status.ASSIGNED, Status.RUNNING, epoch=old.epoch)
    with pytest.raises(errors.LeaseLost):
        engine.store.write(lambda tx: executions.require_owner(tx, old.id, old.epoch))
    assert move(engine, new, Status.ASSIGNED, Status.RUNNING, epoch=new.epoch).owner == "boot/2/2"


def test_an_attempt_is_counted_at_its_first_lease_only(engine: Engine, submit: Submit) -> None:
    """Going on after a lease that was given back is the same attempt; after a failure it is the next."""
    submit()
    [first] = claim(engine, 1)
    move(engine, first, Status.ASSIGNED, Status.QUEUED)
    [again] = claim(engine, 1)
    move(engine, again, Status.ASSIGNED, Status.RUNNING)
    move(engine, again, Status.RUNNING, Status.FAILED)
    move(engine, again, Status.FAILED, Status.RETRY_SCHEDULED, not_before=0)
    engine.store.write(executions.promote_due)
    [second] = claim(engine, 1)
    assert (first.attempt, again.attempt, second.attempt) == (1, 1, 2)
    ended = [attempt.ended_by for attempt in engine.attempts(first.id)]
    assert ended == ["queued", "failed", None]


def test_a_timer_waits_for_its_time_and_then_runs_where_it_belongs(engine: Engine, submit: Submit) -> None:
    """A delayed submission stands in the timer queue, is not claimed, and goes to its own queue when it is due."""
    execution = submit(not_before=FAR, queue=queues.VISIBILITY)
    assert (execution.queue, execution.waiting_reason) == (queues.TIMER, "time")
    assert engine.store.write(executions.promote_due) == 0
    assert claim(engine, 10, queues.VISIBILITY) == []
    assert engine.store.read(executions.next_due) == FAR

    def due(tx: Tx) -> int:
        tx.now = FAR
        return executions.promote_due(tx)

    assert engine.store.write(due) == 1
    assert [taken.id for taken in claim(engine, 10, queues.VISIBILITY)] == [execution.id]


def test_every_move_is_told_with_the_row_it_changed(engine: Engine, submit: Submit) -> None:
    """Each state change stands as an event in the same transaction."""
    execution = submit()
    claim(engine, 1)
    told = [
        (event.data["from"], event.data["to"])
        for event in engine.events(execution=execution.id)
        if event.kind == "status"
    ]
    assert told == [(None, "created"), ("created", "queued"), ("queued", "assigned")]


def test_queues_count_what_is_in_them(engine: Engine, submit: Submit) -> None:
    """A queue says how much of it waits and how much runs."""
    for _ in range(3):
        submit()
    claim(engine, 1)
    transfer = engine.queue(queues.TRANSFER)
    assert (transfer.queued, transfer.running, transfer.concurrency) == (2, 1, 10)
    assert engine.store.read(news.concurrency)[queues.DLQ] == 1
