import asyncio
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from baara_engine import ballast, errors, housekeeping
from baara_engine.engine import Engine
from baara_engine.housekeeping import Housekeeper
from baara_engine.records import Execution
from baara_engine.requests import Submission, TaskDraft
from baara_engine.schedules import rules
from baara_engine.schedules.records import Slot, SlotState
from baara_engine.states import Status
from baara_engine.store import backup, executions, slots
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx
from baara_engine.testing.clocks import FakeClock
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

DAY = 24 * 3600.0
WEEK = 7 * DAY
LONG = 20.0  # seconds that no wait here takes unless something is wrong


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


def ended(engine: Engine, *path: Status) -> Execution:
    """Make an execution with a private folder, and lead it along these states."""
    execution = engine.submit(Submission(prompt="work"))
    if path[0] is Status.ASSIGNED:
        engine.store.write(lambda tx: executions.claim(tx, "transfer", 100, "1/1/1", 0))
        before = Status.ASSIGNED
        moves = path[1:]
    else:
        before, moves = Status.QUEUED, path
    for after in moves:
        engine.store.write(partial(executions.move, execution_id=execution.id, before=before, after=after))
        before = after
    private = engine.home / "executions" / execution.id
    (private / "receipts").mkdir(parents=True)
    (private / "receipts" / "mark").write_text("{}")
    return execution


async def test_everything_is_done_soon_after_the_start(engine: Engine) -> None:
    """The first round makes a backup of what has changed, and the ballast, without anybody asking."""
    engine.submit(Submission(prompt="work"))
    running = asyncio.get_running_loop().create_task(Housekeeper(engine.home, engine.store, first_s=0.0).run())
    await asyncio.to_thread(until, lambda: backup.listing(engine.home) and (engine.home / "ballast").exists())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_an_engine_keeps_house(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working engine does its housekeeping by itself, and stops it in order."""
    monkeypatch.setattr(housekeeping.Housekeeper.__init__, "__kwdefaults__", {"first_s": 0.0})
    engine.submit(Submission(prompt="work", not_before=4_000_000_000_000))
    engine.start(ScriptedModels(ScriptedModel([])))
    until(lambda: backup.listing(engine.home) and (engine.home / "ballast").exists())
    engine.stop()
    # What a loop of another test had waited for a process with may still be there: `asyncio-waitpid-…` is no loop's.
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if "asyncio" in name and "waitpid" not in name]


def test_notes_of_writers_go_after_a_week(engine: Engine, clock: FakeClock) -> None:
    """What settled commits that raised is kept for a week after the writer's last commit, and no longer."""
    keeper = Housekeeper(engine.home, engine.store)
    for days in (0, 3, 3.9):
        clock.advance(days * DAY)
        other = Store(engine.home, clock)
        other.write(lambda tx: tx.sql("SELECT 1"))
        other.close()

    def names() -> list[str]:
        return [name for (name,) in engine.store.read(lambda view: view.sql("SELECT name FROM writer ORDER BY at"))]

    first, second, third = names()
    keeper.prune()
    assert names() == [first, second, third]
    clock.advance(0.2 * DAY)
    keeper.prune()
    assert names()[:2] == [second, third]


def test_private_folders_go_a_week_after_the_end(engine: Engine, clock: FakeClock) -> None:
    """Those of what was completed or cancelled go; work in progress and dead letters keep theirs."""
    way = (Status.ASSIGNED, Status.RUNNING)
    done, cancelled = ended(engine, *way, Status.COMPLETED), ended(engine, Status.CANCELLED)
    dead, waiting = ended(engine, *way, Status.FAILED, Status.DEAD_LETTERED), ended(engine, *way)
    keeper = Housekeeper(engine.home, engine.store)
    folder = engine.home / "executions"
    keeper.prune()
    clock.advance(WEEK)
    keeper.prune()
    assert len(list(folder.iterdir())) == 4
    clock.advance(1)
    keeper.prune()
    assert {path.name for path in folder.iterdir()} == {dead.id, waiting.id}
    assert {one.id for one in engine.executions()} == {done.id, cancelled.id, dead.id, waiting.id}


def test_old_due_times_go_but_the_newest_of_each_schedule_stay(engine: Engine, clock: FakeClock) -> None:
    """A quarter of a year is kept, of each schedule the newest hundred, and whatever is open, however old."""
    task = engine.create_task(TaskDraft(name="seldom", prompt="x"))
    made = [engine.create_schedule(task.id, rules.Every(24 * 3600, 0)).id for _ in range(2)]
    begun, many = clock.now(), housekeeping.SLOTS_KEPT + housekeeping.AT_ONCE + 50

    def fill(tx: Tx) -> None:
        for schedule_id, count in zip(made, (many, 20), strict=True):
            for at in range(count):
                state, due = (SlotState.WAITING if at == 3 else SlotState.RAN), begun + at
                slots.make(tx, Slot(f"{schedule_id}-{at:05}", schedule_id, due, due, 1, state, "", None, due))

    engine.store.write(fill)
    keeper = Housekeeper(engine.home, engine.store)
    clock.advance(DAY)
    keeper.prune()
    assert len(engine.slots(made[0], limit=many)) == many
    clock.advance(91 * DAY)
    keeper.prune()
    left = [int(slot.due - begun) for slot in engine.slots(made[0], limit=many)]
    assert left == [*range(many - 1, many - 1 - housekeeping.SLOTS_KEPT, -1), 3]
    assert len(engine.slots(made[1], limit=many)) == 20


def test_what_commands_printed_is_forgotten_once_their_work_is_over(engine: Engine) -> None:
    """What a death has left of the outputs goes at once where nobody will ask for it; a dead letter's may be needed."""
    over = ended(engine, Status.ASSIGNED, Status.RUNNING, Status.COMPLETED)
    dead = ended(engine, Status.ASSIGNED, Status.RUNNING, Status.FAILED, Status.DEAD_LETTERED)
    for one in (over, dead):
        receipts = engine.home / "executions" / one.id / "receipts"
        receipts.mkdir(parents=True, exist_ok=True)
        (receipts / "0123.receipt").write_text("what it printed")
    Housekeeper(engine.home, engine.store).prune()
    left = {path.parent.parent.name for path in (engine.home / "executions").glob("*/receipts/*")}
    assert left == {dead.id}


def test_pruning_follows_no_links_and_takes_nothing_else(engine: Engine, clock: FakeClock, tmp_path: Path) -> None:
    """A link with the name of an execution, and files of other names, stay as they are."""
    done = ended(engine, Status.CANCELLED)
    folder = engine.home / "executions"
    precious = tmp_path / "precious"
    precious.mkdir()
    shutil.rmtree(folder / done.id)
    (folder / done.id).symlink_to(precious)
    (folder / "notes").mkdir()
    clock.advance(2 * WEEK)
    Housekeeper(engine.home, engine.store).prune()
    assert precious.exists()
    assert (folder / "notes").exists()


@pytest.mark.expects_log("housekeeping, a backup")
def test_a_backup_that_fails_is_one_line_and_the_rest_goes_on(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be verified is told in the log; the other jobs are done all the same, and the engine lives."""
    engine.submit(Submission(prompt="work"))
    engine.store.write(lambda tx: tx.sql("UPDATE execution SET turn = x'00'"))
    keeper = Housekeeper(engine.home, engine.store)
    keeper._scheduler.run_all()
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "was not kept" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert (engine.home / "ballast").exists()


@pytest.mark.expects_log("housekeeping, pruning failed: PermissionError")
def test_a_defect_in_a_job_is_one_line_too(engine: Engine, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    """An error that nobody has foreseen ends neither the round nor the engine."""

    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    ended(engine, Status.CANCELLED)
    clock.advance(2 * WEEK)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    Housekeeper(engine.home, engine.store)._scheduler.run_all()


def test_a_stop_calls_a_backup_off(engine: Engine) -> None:
    """A backup that is just being made when the engine stops leaves nothing, and is no error."""
    engine.submit(Submission(prompt="work"))
    keeper = Housekeeper(engine.home, engine.store)
    keeper._stopping.set()
    with pytest.raises(housekeeping.Stopping):
        keeper.back_up()
    keeper._scheduler.run_all()
    assert backup.listing(engine.home) == []
    assert not (engine.home / "ballast").exists()


def test_a_clock_that_was_put_back_does_not_stop_the_housekeeping(engine: Engine) -> None:
    """If the next job seems to be years away, all are planned anew and due within the minute."""
    keeper = Housekeeper(engine.home, engine.store)
    for job in keeper._scheduler.jobs:
        assert job.next_run is not None
        job.next_run = job.next_run.replace(year=job.next_run.year + 10)
    assert keeper._nap_s() <= housekeeping.MINUTE_S
    assert len(keeper._scheduler.jobs) == 4


@pytest.mark.expects_log("gave back the 16 MiB")
async def test_the_ballast_goes_when_a_write_finds_the_disk_full(engine: Engine) -> None:
    """SQLite's own word that the disk is full frees it at once, and the next write succeeds."""
    keeper = Housekeeper(engine.home, engine.store, first_s=0.0)
    running = asyncio.get_running_loop().create_task(keeper.run())
    await asyncio.to_thread(until, keeper.ballast.is_there)
    engine.store.write(lambda tx: tx.sql("PRAGMA max_page_count = 1"))  # to the pages that there are
    big = "INSERT INTO setting (key, value) VALUES ('big', zeroblob(1000000))"
    with pytest.raises(errors.DiskFull, match="the disk is full"):
        engine.store.write(lambda tx: tx.sql(big))
    assert not keeper.ballast.is_there()
    engine.store.write(lambda tx: tx.sql(big))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_no_two_homes_share_a_plan(tmp_path: Path) -> None:
    """Each housekeeper has jobs of its own: stopping one leaves the other."""
    one, two = Engine(tmp_path / "one"), Engine(tmp_path / "two")
    first, second = Housekeeper(one.home, one.store), Housekeeper(two.home, two.store)
    first._scheduler.clear()
    assert len(second._scheduler.jobs) == 4
    one.close()
    two.close()
    assert ballast.SIZE == 16 * 1024 * 1024
