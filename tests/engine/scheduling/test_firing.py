"""Due times on time: each is a row of the ledger and an execution, once, whatever happens to the schedule meanwhile."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.engine.scheduling.rig import Rig

from baara_engine import errors, requests
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap, SlotState
from baara_engine.scheduling import ledger, policy
from baara_engine.states import Status

YEARS_MS = 10 * 365 * 24 * 3_600_000
HOUR_MS = 3_600_000


def test_each_due_time_is_one_row_and_one_execution(rig: Rig) -> None:
    """What is due on time runs; the execution names its slot, and the slot names the execution."""
    rig.schedule()
    rig.passed(20)
    assert rig.ledger() == [(5, "ran"), (10, "ran"), (15, "ran"), (20, "ran")]
    assert [(one.id, one.slot_id) for one in rig.executions()] == [(row.execution_id, row.id) for row in rig.rows()]


def test_looking_again_changes_nothing(rig: Rig) -> None:
    """However often and by however many engines one looks, nothing runs twice."""
    rig.schedule()
    rig.clock.advance(6)
    for _ in range(3):
        rig.look()
        rig.restart()
    assert (rig.ledger(), len(rig.executions())) == ([(5, "ran")], 1)


def test_a_crash_loses_a_due_time_whole_or_keeps_it_whole(rig: Rig) -> None:
    """A transaction that fails after the execution was stored leaves neither, and the next look makes up for it."""
    rig.schedule()
    rig.clock.advance(6)
    no = "CREATE TRIGGER no BEFORE UPDATE OF accounted_until ON schedule BEGIN SELECT raise(ABORT, 'refused'); END"
    rig.engine.store.write(lambda tx: tx.sql(no))
    with pytest.raises(Exception, match="refused"):
        rig.look()
    assert (rig.ledger(), rig.executions()) == ([], [])
    rig.engine.store.write(lambda tx: tx.sql("DROP TRIGGER no"))
    rig.look()
    assert (rig.ledger(), len(rig.executions())) == ([(5, "ran")], 1)


def test_overlap_skip_runs_nothing_beside_the_one_before(rig: Rig) -> None:
    """While the execution before has not ended, due times are skipped, and the ledger names that execution."""
    rig.schedule(overlap=Overlap.SKIP)
    rig.pass_time(15)
    assert rig.ledger() == [(5, "ran"), (10, "skipped"), (15, "skipped")]
    [first] = rig.executions()
    assert first.id in rig.rows()[1].why
    rig.finish()
    rig.pass_time(5)
    assert rig.ledger()[-1] == (20, "ran")


def test_overlap_queue_lets_each_wait_for_its_turn(rig: Rig) -> None:
    """Due times wait in their order and begin one by one, each once the one before has ended."""
    rig.schedule(overlap=Overlap.QUEUE)
    rig.pass_time(15)
    assert rig.ledger() == [(5, "ran"), (10, "waiting"), (15, "waiting")]
    for expected in ([(10, "late"), (15, "waiting")], [(10, "late"), (15, "late")]):
        rig.finish()
        rig.look()
        assert rig.ledger()[1:] == expected
    assert len(rig.executions()) == 3


def test_overlap_cancel_calls_the_one_before_off(rig: Rig) -> None:
    """What has not begun is cancelled at once, and the due time runs in its place."""
    rig.schedule(overlap=Overlap.CANCEL)
    rig.pass_time(10)
    assert rig.ledger() == [(5, "ran"), (10, "ran")]
    assert [one.status for one in rig.executions()] == [Status.CANCELLED, Status.QUEUED]


def test_a_manual_run_counts_as_the_one_before(rig: Rig) -> None:
    """The overlap is of the task: whoever has begun it by hand is not overtaken by the schedule."""
    rig.schedule(overlap=Overlap.SKIP)
    rig.engine.submit_task("work", source="test")
    rig.pass_time(5)
    assert rig.ledger() == [(5, "skipped")]


def test_jitter_is_drawn_once_and_kept(rig: Rig) -> None:
    """The execution waits in the timer queue for a moment within the jitter; a restart does not draw again."""
    rig.schedule(jitter_s=60.0)
    rig.pass_time(5)
    [execution] = rig.executions()
    drawn = (execution.not_before or 0) - rig.begun - 5000
    assert 0 < drawn <= 60_000
    rig.restart()
    rig.look()
    assert rig.executions() == [execution]


def test_editing_while_a_slot_is_due_neither_loses_nor_doubles_it(rig: Rig) -> None:
    """The due time that came just before the change runs by the old rule, once, and the new rule holds at once."""
    schedule_id = rig.schedule()
    rig.clock.advance(5.5)
    changed = rig.engine.update_schedule(schedule_id, rules.Every(7, rig.begun))
    assert (changed.next_due, changed.accounted_until) == (rig.begun + 7000, rig.begun + 5500)
    assert (rig.ledger(), len(rig.executions())) == ([(5, "ran")], 1)
    rig.finish()
    rig.pass_time(2)
    assert [row.due - rig.begun for row in rig.rows()] == [5000, 7000]
    assert len(rig.executions()) == 2


def test_a_changed_policy_holds_from_the_next_due_time_on(rig: Rig) -> None:
    """What is not named in a change stays as it is."""
    schedule_id = rig.schedule(missed=Missed.ALL, jitter_s=1.0)
    changed = rig.engine.update_schedule(schedule_id, timing=requests.Timing(overlap=Overlap.QUEUE))
    assert (changed.missed, changed.overlap, changed.jitter_s) == (Missed.ALL, Overlap.QUEUE, 1.0)
    assert changed.rule == rules.encode(rig.rule)


def test_a_pause_is_one_row_of_the_ledger(rig: Rig) -> None:
    """What is due while it is paused costs nothing then, and is skipped with the reason once it is resumed."""
    schedule_id = rig.schedule()
    rig.passed(5)
    assert rig.engine.pause_schedule(schedule_id).next_due is None
    rig.passed(20)
    assert (rig.ledger(), rig.engine.next_due()) == ([(5, "ran")], None)
    assert rig.engine.resume_schedule(schedule_id).next_due == rig.begun + 30_000
    rig.passed(5)
    assert rig.ledger()[1:] == [*((at, "skipped") for at in (10, 15, 20, 25)), (30, "ran")]
    [paused] = [row for row in rig.rows() if row.state is SlotState.SKIPPED]
    assert (paused.count, paused.why) == (4, policy.PAUSED)
    with pytest.raises(errors.Refused, match="not paused"):
        rig.engine.resume_schedule(schedule_id)


def test_what_is_due_before_a_pause_still_runs(rig: Rig) -> None:
    """A due time that came just before the pause is no part of it."""
    schedule_id = rig.schedule()
    rig.clock.advance(5.5)
    rig.engine.pause_schedule(schedule_id)
    assert rig.ledger() == [(5, "ran")]
    with pytest.raises(errors.Refused, match="paused already"):
        rig.engine.pause_schedule(schedule_id)


def test_a_task_that_is_off_runs_nothing_and_the_ledger_says_so(rig: Rig) -> None:
    """Due times of a task that is switched off are skipped, in one row for as long as it is off."""
    rig.schedule()
    rig.engine.update_task("work", {"enabled": False})
    rig.pass_time(20)
    [off] = rig.rows()
    assert (off.state, off.why, off.count, off.last_due) == (SlotState.SKIPPED, policy.OFF, 4, rig.begun + 20_000)
    rig.engine.update_task("work", {"enabled": True})
    rig.pass_time(5)
    assert rig.ledger()[-1] == (25, "ran")


def test_a_task_that_cannot_be_queued_is_told_of_once(rig: Rig) -> None:
    """Its folder is gone: the due times are missed with the reason, and one message says so in the inbox."""
    folder = rig.engine.home.parent / "gone"
    folder.mkdir()
    rig.engine.update_task("work", {"workspace": str(folder)})
    rig.schedule()
    folder.rmdir()
    rig.pass_time(10)
    assert rig.ledger() == [(5, "missed"), (10, "missed")]
    assert all("is not a folder" in row.why for row in rig.rows())
    [thread] = rig.engine.threads()
    assert thread.unread
    folder.mkdir()
    rig.pass_time(5)
    assert rig.ledger()[-1] == (15, "ran")


@pytest.mark.parametrize(("jump", "meanwhile"), [(HOUR_MS, "missed"), (YEARS_MS, "ran")])
def test_a_clock_set_forward_and_back_runs_nothing_twice_and_loses_nothing(rig: Rig, jump: int, meanwhile: str) -> None:
    """What was only jumped over runs when it really comes, what ran under the wrong clock never again.

    What came while the clock was wrong is dealt with by the policy: after an hour, what the wrong clock had due ran for
    it; a correction had run nothing, so the newest runs now.
    """
    rig.schedule()
    rig.passed(10)
    rig.set_clock(jump)
    rig.passed(10)
    rig.set_clock(-jump)
    rig.passed(20)
    real = [(due, state) for due, state in rig.ledger() if due <= 40]
    now = [(at, "ran") for at in (25, 30, 35, 40)]
    assert real == [(5, "ran"), (10, "ran"), (15, "missed"), (20, meanwhile), *now]
    keys = [one.idempotency_key for one in rig.executions()]
    assert len(keys) == len(set(keys))
    assert len(keys) == sum(row.state in ledger.RUN for row in rig.rows())


def test_a_correction_of_the_clock_makes_up_for_nothing(rig: Rig) -> None:
    """Set forward by ten years, the new time holds at once: what lies between is missed, because of the clock."""
    rig.schedule()
    rig.passed(10)
    rig.set_clock(YEARS_MS + 60_000)
    rig.look()
    missed = [row for row in rig.rows() if row.state is SlotState.MISSED]
    assert {row.why for row in missed} == {policy.CLOCK_SET}
    assert len(rig.executions()) <= 3  # the two before, and what is due at the new time


@pytest.mark.parametrize("jump", [-HOUR_MS, -YEARS_MS])
def test_a_clock_set_back_and_right_again_runs_nothing_twice(rig: Rig, jump: int) -> None:
    """While it shows the past, due times of the past run; once it is right, the ledger goes on from where it was."""
    rig.schedule()
    rig.passed(10)
    rig.set_clock(jump)
    rig.passed(10)
    rig.set_clock(-jump)
    rig.passed(10)
    keys = [one.idempotency_key for one in rig.executions()]
    assert len(keys) == len(set(keys))
    assert [state for due, state in rig.ledger() if due in (5, 10)] == ["ran", "ran"]
    covered = [due for due, _ in rig.ledger() if 0 < due <= 30]
    assert covered == [5, 10, 15, 20, 25, 30]


def test_minutes_that_come_twice_run_once(rig: Rig) -> None:
    """Set back by a minute, the due times that ran do not run again when the clock passes them a second time."""
    rig.schedule()
    rig.passed(120)
    assert len(rig.executions()) == 24
    rig.set_clock(-60_000)
    rig.passed(60)
    assert len(rig.executions()) == 24
    rig.passed(5)
    assert len(rig.executions()) == 25


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31)], ids=["spring", "autumn"])
def test_a_time_of_day_comes_once_on_the_days_on_which_clocks_are_changed(rig: Rig, day: date) -> None:
    """02:30 in Berlin is left out in March and comes twice in October: each day has one due time, and it runs."""
    berlin = ZoneInfo("Europe/Berlin")
    begin = datetime.combine(day - timedelta(days=2), datetime.min.time(), berlin)
    rig.clock.set_wall(round(begin.timestamp() * 1000))
    rig.restart()
    rig.rule = rules.Cron("30 2 * * *", "Europe/Berlin")
    rig.schedule()
    for _ in range(5):
        rig.clock.set_wall(rig.engine.next_due() or 0)
        rig.look()
        rig.finish()
    days = [datetime.fromtimestamp(row.due / 1000, berlin).date() for row in rig.rows()]
    assert days == [day + timedelta(days=number) for number in range(-2, 3)]
    assert {row.state for row in rig.rows()} == {SlotState.RAN}
    assert len(rig.executions()) == 5


def test_several_schedules_of_one_task_have_ledgers_of_their_own(rig: Rig) -> None:
    """Each due time of each schedule is a row; at the same moment, the overlap lets one of the two run."""
    one, other = rig.schedule(), rig.engine.create_schedule("work", rules.Every(10, rig.begun)).id
    rig.passed(10)
    assert [slot.due - rig.begun for slot in rig.engine.slots(one)] == [10_000, 5000]
    [second] = rig.engine.slots(other)
    states = {second.state, rig.engine.slots(one)[0].state}
    assert states == {SlotState.RAN, SlotState.SKIPPED}
    rig.engine.delete_schedule(other)
    assert len(rig.rows()) == 2
    rig.engine.delete_task("work")
    assert rig.rows() == []


def test_a_rule_that_is_not_understood_keeps_nothing_else_waiting(rig: Rig) -> None:
    """Where this computer lacks the zone, that schedule is paused and a thread says why; the others go on."""
    strange = rig.engine.create_schedule("work", rules.Cron("* * * * *", "UTC")).id
    rig.engine.store.write(
        lambda tx: tx.sql("UPDATE schedule SET rule = replace(rule, 'UTC', 'Mars/Base'), next_due = 1")
    )
    rig.schedule()
    rig.pass_time(5)
    assert rig.ledger() == [(5, "ran")]
    assert not rig.engine.schedule(strange).enabled
    [(_, messages)] = [rig.engine.thread(one.id) for one in rig.engine.threads() if one.unread]
    assert "Mars/Base" in messages[0].body
