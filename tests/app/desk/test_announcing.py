"""What is said on the desktop, and when."""

from dataclasses import replace
from datetime import datetime

import pytest

from baara_app.desk import announcing
from baara_app.desk.announcing import ALL, GAP_MS, NUDGE_MS
from baara_engine.clock import Millis
from baara_engine.records_of_threads import Notable
from baara_engine.settings import Settings

T0 = round(datetime(2026, 3, 2, 12, 0).astimezone().timestamp() * 1000)
QUESTION = Notable("needs you", "t1", "Report", "Which  year?\nThis one?", T0)
FAILURE = Notable("failed", "t2", "Backup", "The disk is full.", T0)
RESULT = Notable("Done", "t3", "Figures", "All is well.", T0)
USUAL = Settings()


def look(
    *found: Notable, told: Millis = T0 - 1000, last: Millis | None = T0 - 1000, now: Millis = T0 + 500,
    settings: Settings = USUAL,
) -> announcing.Look:  # fmt: skip
    return announcing.look(found, told, last, now, settings)


def test_each_has_a_notice_with_its_words() -> None:
    """A question, a failure and a result are told one by one, with what a click opens."""
    told = [(one.key, one.title, one.body, one.page) for one in look(QUESTION, FAILURE, RESULT).notices]
    assert told == [
        ("t1", "Needs you: Report", "Which year? This one?", "/thread/t1"),
        ("t2", "Failed: Backup", "The disk is full.", "/thread/t2"),
        ("t3", "Done: Figures", "All is well.", "/thread/t3"),
    ]


def test_nothing_is_told_twice() -> None:
    """The next look begins where this one ended."""
    first = look(QUESTION)
    assert look(QUESTION, told=first.told_until, last=T0 + 500, now=T0 + 1000).notices == ()


def test_an_open_question_is_told_of_once_more() -> None:
    """After three hours, and then no more."""
    late = T0 + NUDGE_MS
    [notice] = look(QUESTION, FAILURE, told=late - 1000, last=late - 1000, now=late).notices
    assert notice.body.startswith("Still waiting: ")
    assert look(QUESTION, told=late, last=late, now=late + NUDGE_MS * 5).notices == ()


@pytest.mark.parametrize("last", [None, T0 - GAP_MS * 2], ids=["a start", "a wake"])
def test_what_came_in_an_absence_is_one_line(last: Millis | None) -> None:
    """After a start or a sleep there is no burst."""
    [notice] = look(
        QUESTION, replace(QUESTION, thread_id="t9"), FAILURE, RESULT, told=T0 - GAP_MS * 2, last=last
    ).notices
    assert (notice.key, notice.body, notice.page) == (ALL, "2 needs you, 1 failed, 1 new", "/")


def test_one_thing_after_an_absence_is_told_as_itself() -> None:
    """One line for one is its own."""
    assert [one.key for one in look(FAILURE, last=None).notices] == ["t2"]


def test_many_at_once_are_one_line() -> None:
    """More than three at the same moment, without any absence."""
    many = [replace(FAILURE, thread_id=f"t{number}") for number in range(4)]
    assert [one.key for one in look(*many).notices] == [ALL]


@pytest.mark.parametrize(
    ("begin", "end", "quiet"),
    [("11:00", "13:00", True), ("13:00", "11:00", False), ("22:00", "07:00", False), ("12:00", "12:00", False),
     ("07:00", "22:00", True)],
)  # fmt: skip
def test_quiet_hours_are_held_and_made_up_for(begin: str, end: str, quiet: bool) -> None:  # noqa: FBT001
    """Within them nothing is told, also over midnight; afterwards all of it is, in one line."""
    settings = Settings(quiet_from=begin, quiet_until=end)
    now = look(QUESTION, FAILURE, settings=settings)
    assert (now.notices == ()) is quiet
    if quiet:
        later = look(QUESTION, FAILURE, told=now.told_until, last=T0, now=T0 + 12 * 3600 * 1000, settings=settings)
        assert [one.key for one in later.notices] == [ALL]


def test_switched_off_nothing_is_told_afterwards_either() -> None:
    """Whoever switches it on again is not told what they did not want to know."""
    off = look(QUESTION, settings=Settings(notify=False))
    assert off.notices == ()
    assert look(QUESTION, told=off.told_until, last=T0 + 500, now=T0 + 1000).notices == ()


def test_a_clock_that_is_put_back_silences_nothing() -> None:
    """What happens after it is told, although all up to a later moment was."""
    back = T0 - 3600_000
    assert look(told=T0, last=T0, now=back).told_until == back
    assert look(replace(FAILURE, at=back + 1), told=back, last=back, now=back + 10).notices
