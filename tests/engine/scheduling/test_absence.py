"""What each policy makes of due times that came while nobody was at work."""

import pytest
from tests.engine.scheduling.rig import Rig

from baara_engine import errors
from baara_engine.requests import MAX_CATCH_UP
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, SlotState
from baara_engine.scheduling import asking, firing, policy, times
from baara_engine.states import Outcome, Status

HOUR_S = 3600
YEARS_S = 10 * 365.25 * 24 * HOUR_S


def away(rig: Rig, seconds: float, **timing: object) -> None:
    """Work for 5 s, be away for so long, and start anew."""
    rig.schedule(**timing)
    rig.passed(5)
    rig.clock.advance(seconds)
    rig.restart()
    rig.look()


def test_once_runs_the_newest_and_says_so_of_the_others(rig: Rig) -> None:
    """Down for 21 s over a 5 s schedule: three are missed, and the newest, which is on time, runs for them."""
    away(rig, 21.0, missed=Missed.ONCE)
    assert rig.ledger()[1:] == [(10, "missed"), (15, "missed"), (20, "missed"), (25, "ran")]
    assert len(rig.executions()) == 2
    assert all("ran for it" in row.why for row in rig.rows() if row.state is SlotState.MISSED)


def test_once_makes_up_for_the_newest_where_that_is_late_too(rig: Rig) -> None:
    """After hours the newest due time of a slow schedule is caught up, by one execution, and the others are missed."""
    rig.rule = rules.Every(900, rig.begun)
    rig.schedule(missed=Missed.ONCE)
    rig.clock.advance(HOUR_S + 60.0)
    rig.look()
    assert rig.ledger() == [(900, "missed"), (1800, "missed"), (2700, "missed"), (3600, "caught_up")]
    assert [one.source for one in rig.executions()] == ["schedule"]


def test_all_runs_each_one_after_another(rig: Rig) -> None:
    """Down for 21 s over a 5 s schedule: each runs, oldest first, each once the one before has ended."""
    away(rig, 21.0, missed=Missed.ALL)
    assert rig.ledger()[1:] == [(10, "caught_up"), (15, "catching_up"), (20, "catching_up"), (25, "waiting")]
    for count in (3, 4, 5):
        rig.clock.advance(1.0)
        rig.look()
        assert len(rig.executions()) == count - 1  # the one before has not ended
        rig.finish()
        rig.look()
        assert len(rig.executions()) == count
    assert rig.ledger()[1:5] == [(10, "caught_up"), (15, "caught_up"), (20, "caught_up"), (25, "late")]


def test_all_has_a_bound(rig: Rig) -> None:
    """Of more than may be made up for, the newest are, and the others are missed with the reason, in one row."""
    away(rig, HOUR_S, missed=Missed.ALL, catch_up=3)
    states = [state for _, state in rig.ledger()[1:]]
    assert states == ["missed"] * 717 + ["caught_up", "catching_up", "waiting"]
    [missed] = [row for row in rig.rows() if row.state is SlotState.MISSED]
    assert (missed.count, missed.why) == (717, "Nobody was at work then. Only the newest 3 are made up for.")


def test_skip_runs_nothing_of_what_was_missed(rig: Rig) -> None:
    """Down for 21 s over a 5 s schedule: three are missed, and only what is due just now runs."""
    away(rig, 21.0, missed=Missed.SKIP)
    assert rig.ledger()[1:] == [(10, "missed"), (15, "missed"), (20, "missed"), (25, "ran")]
    away_rows = [row for row in rig.rows() if row.state is SlotState.MISSED]
    assert {row.why for row in away_rows} == {policy.ABSENT}


@pytest.mark.parametrize(
    ("answer", "states", "count"),
    [
        (asking.RUN_ONE, ["missed", "missed", "caught_up"], 1),
        (asking.RUN_ALL, ["caught_up", "caught_up", "caught_up"], 3),
        (asking.RUN_NONE, ["missed", "missed", "missed"], 0),
    ],
)
def test_ask_leaves_it_open_until_a_person_has_decided(rig: Rig, answer: str, states: list[str], count: int) -> None:
    """One question is about all that was missed; what is due now runs meanwhile; the answer settles each due time."""
    away(rig, 21.0, missed=Missed.ASK)
    assert rig.ledger()[1:] == [(10, "asked"), (15, "asked"), (20, "asked"), (25, "ran")]
    [question] = rig.engine.questions()
    assert "3 times" in question.text
    assert question.options == asking.OPTIONS
    before = len([one for one in rig.executions() if one.status is not Status.WAITING_FOR_INPUT])
    rig.engine.answer(question.id, answer, by="a person")
    for _ in range(4):
        rig.finish()
        rig.look()
    assert [state for _, state in rig.ledger()[1:4]] == states
    ran = [one for one in rig.executions() if one.outcome is not Outcome.CANCELLED]
    assert len(ran) == before + count


def test_ask_asks_once_however_often_it_is_missed(rig: Rig) -> None:
    """A further absence adds to the open question, and an answer that is no option is refused."""
    away(rig, 21.0, missed=Missed.ASK)
    rig.finish()
    rig.clock.advance(20.0)
    rig.restart()
    rig.look()
    assert [state for _, state in rig.ledger()[5:8]] == ["asked"] * 3
    [question] = rig.engine.questions()
    with pytest.raises(errors.InvalidInput, match="Run all of them"):
        rig.engine.answer(question.id, "well", by="a person")
    rig.engine.answer(question.id, "run none.", by="a person")
    assert {state for _, state in rig.ledger()} == {"ran", "missed"}


def test_calling_off_the_execution_that_asks_settles_what_it_asked_about(rig: Rig) -> None:
    """Whoever cancels it has answered: the due times are missed, because a person has called it off."""
    away(rig, 21.0, missed=Missed.ASK)
    [question] = rig.engine.questions()
    rig.engine.cancel(question.execution_id)
    rig.look()
    assert [state for _, state in rig.ledger()[1:4]] == ["missed"] * 3
    assert rig.engine.questions() == []


@pytest.mark.parametrize("missed", Missed)
def test_a_single_due_time_that_is_a_little_late_runs_whatever_the_policy(rig: Rig, missed: Missed) -> None:
    """A restart at the wrong moment is no absence: it runs late, and the ledger says by how much."""
    rig.rule = rules.Every(HOUR_S, rig.begun)
    rig.schedule(missed=missed)
    rig.clock.advance(HOUR_S + 30.0)
    rig.look()
    assert [(row.state, row.why) for row in rig.rows()] == [(SlotState.LATE, "It was due 30 s before.")]
    assert len(rig.executions()) == 1


def test_what_ran_while_the_clock_was_wrong_hides_no_absence(rig: Rig) -> None:
    """Behind a due time that has run before its time, another was missed: so the last, though little late, is too."""
    rig.rule = rules.Every(HOUR_S, rig.begun)
    rig.schedule(missed=Missed.ASK, catch_up=1)
    rig.set_clock(HOUR_S * 1000)
    rig.look()
    rig.set_clock(-HOUR_S * 1000)
    rig.look()
    rig.finish()
    rig.clock.advance(3 * HOUR_S + 13.0)
    rig.restart()
    rig.look()
    assert rig.ledger() == [(HOUR_S, "ran"), (2 * HOUR_S, "missed"), (3 * HOUR_S, "asked")]


def test_ten_years_cost_what_a_minute_costs(rig: Rig) -> None:
    """Sixty million due times that nobody was there for are one row, which counts them, and one execution."""
    away(rig, YEARS_S, missed=Missed.ONCE)
    [missed] = [row for row in rig.rows() if row.last_due != row.due]
    assert missed.count == round(YEARS_S / 5) - firing.AT_ONCE
    assert len(rig.executions()) == 2


def test_what_is_made_up_for_begins_one_by_one(rig: Rig) -> None:
    """After a wake with many schedules, the first begins at once and the others two seconds apart."""
    rig.rule = rules.Every(HOUR_S, rig.begun)
    for number in range(5):
        task = rig.engine.create_task(rig.draft(f"task {number}"))
        rig.engine.create_schedule(task.id, rig.rule)
    rig.clock.advance(2.5 * HOUR_S)
    rig.look()
    now = rig.clock.now()
    assert sorted((one.not_before or now) - now for one in rig.executions()) == [0, 2000, 4000, 6000, 8000]


def test_the_newest_due_times_are_found_from_the_end(rig: Rig) -> None:
    """Found in (after, until], as many as there are and as were asked for, oldest first."""
    begun, rule = rig.begun, rig.rule
    assert times.newest(rule, begun, begun + 20_000, 3) == (begun + 10_000, begun + 15_000, begun + 20_000)
    assert times.newest(rule, begun, begun + 9_999, 3) == (begun + 5000,)
    assert times.newest(rule, begun, begun, MAX_CATCH_UP) == ()
