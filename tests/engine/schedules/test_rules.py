import itertools
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baara_engine import errors
from baara_engine.records import Json
from baara_engine.schedules import parsing, phrases, rules

DAY_MS = 86_400_000
NEW_YEAR = 1_798_761_600_000  # 2027-01-01T00:00Z
A_ZONE = "Europe/Vienna"
WORDS = st.sampled_from(
    [
        "every",
        "each",
        "on",
        "the",
        "of",
        "month",
        "year",
        "day",
        "weekday",
        "monday",
        "mondays",
        "and",
        ",",
        "at",
        "7",
        "9am",
        "18:30",
        "noon",
        "1st",
        "last",
        "first",
        "next",
        "tomorrow",
        "today",
        "in",
        "2",
        "hours",
        "minutes",
        "other",
        "december",
        "monthly",
        "yearly",
        "hourly",
        "daily",
        "2027-05-05",
        "-",
        "to",
    ],
)
TERMS = st.one_of(
    st.just("*"),
    st.builds("*/{}".format, st.integers(0, 32)),
    st.builds(str, st.integers(0, 60)),
    st.builds("{}-{}".format, st.integers(0, 30), st.integers(0, 30)),
    st.builds("{}-{}/{}".format, st.integers(0, 12), st.integers(0, 30), st.integers(1, 6)),
    st.sampled_from(["L", "LW", "5L", "MON", "mon#2", "FEB", "?"]),
)
FIELDS = st.lists(TERMS, min_size=1, max_size=3).map(",".join)
EXPRESSIONS = st.tuples(*[FIELDS] * 5).map(" ".join)


PARSERS: tuple[Callable[[str, str], rules.Rule | None], ...] = (
    lambda text, zone: taken(lambda: parsing.parse_cron(text, zone)),
    lambda text, zone: taken(lambda: parsing.parse_every(text, NEW_YEAR)),
    lambda text, zone: taken(lambda: parsing.parse_at(text, NEW_YEAR, zone)),
    lambda text, zone: taken(lambda: phrases.parse_phrase(text, zone, NEW_YEAR)),
)


def taken(parse: Callable[[], rules.Rule]) -> rules.Rule | None:
    """Give what was read, or None if it was refused in the one way in which it may be."""
    try:
        return parse()
    except errors.InvalidInput:
        return None


def local(expression: str, zone: str, start: str, count: int) -> list[str]:
    """Give what clocks there show at the first due times since `start` (by those clocks), with their offset."""
    tz = ZoneInfo(zone)
    after = int(datetime.fromisoformat(start).replace(tzinfo=tz).timestamp()) * 1000
    found = rules.upcoming(parsing.parse_cron(expression, zone), after, count)
    return [datetime.fromtimestamp(at / 1000, tz).isoformat(timespec="minutes")[5:] for at in found]


def test_a_fixed_time_that_a_clock_skips_is_due_when_the_clock_is_set() -> None:
    """In spring 2:30 does not exist: what is fixed is due at 3:00 instead, once, and at 2:30 again the day after."""
    assert local("30 2 * * *", A_ZONE, "2026-03-28T12:00", 2) == ["03-29T03:00+02:00", "03-30T02:30+02:00"]
    assert local("0,20,40 2 * * *", A_ZONE, "2026-03-28T12:00", 2) == ["03-29T03:00+02:00", "03-30T02:00+02:00"]
    assert local("15 2 * * *", A_ZONE, "2026-03-29T01:30", 1) == ["03-29T03:00+02:00"]
    assert local("0 2,3 * * *", A_ZONE, "2026-03-28T12:00", 2) == ["03-29T03:00+02:00", "03-30T02:00+02:00"]


def test_a_fixed_time_that_a_clock_shows_twice_is_due_the_first_time() -> None:
    """In autumn 2:30 comes twice, and what is fixed does not, whenever one asks."""
    assert local("30 2 * * *", A_ZONE, "2026-10-24T12:00", 2) == ["10-25T02:30+02:00", "10-26T02:30+01:00"]
    within = int(datetime(2026, 10, 25, 2, 10, tzinfo=ZoneInfo(A_ZONE), fold=1).timestamp()) * 1000
    later = rules.next_after(rules.Cron("30 2 * * *", A_ZONE), within)
    assert later == int(datetime(2026, 10, 26, 2, 30, tzinfo=ZoneInfo(A_ZONE)).timestamp()) * 1000


def test_what_goes_by_the_clock_comes_as_often_as_the_clock_shows_it() -> None:
    """With a star in minute or hour, intervals go on evenly through both days."""
    assert local("30 * * * *", A_ZONE, "2026-10-25T01:00", 4) == [
        "10-25T01:30+02:00", "10-25T02:30+02:00", "10-25T02:30+01:00", "10-25T03:30+01:00",
    ]  # fmt: skip
    assert local("30 * * * *", A_ZONE, "2026-03-29T01:00", 2) == ["03-29T01:30+01:00", "03-29T03:30+02:00"]
    assert local("*/30 2 * * *", A_ZONE, "2026-03-28T12:00", 1) == ["03-30T02:00+02:00"]


def test_lord_howe_sets_its_clocks_by_half_an_hour() -> None:
    """No due time is lost beside the half hour that is skipped or repeated, and fixed ones follow the same rule."""
    zone = "Australia/Lord_Howe"
    assert local("*/20 2 * * *", zone, "2026-10-03T12:00", 2) == ["10-04T02:40+11:00", "10-05T02:00+11:00"]
    assert local("*/20 3 * * *", zone, "2026-10-03T12:00", 1) == ["10-04T03:00+11:00"]
    assert local("15 2 * * *", zone, "2026-10-03T12:00", 2) == ["10-04T02:30+11:00", "10-05T02:15+11:00"]
    assert local("*/30 1 * * *", zone, "2026-04-04T12:00", 3) == [
        "04-05T01:00+11:00", "04-05T01:30+11:00", "04-05T01:30+10:30",
    ]  # fmt: skip
    assert local("*/20 2 * * *", zone, "2026-04-04T12:00", 1) == ["04-05T02:00+10:30"]
    assert local("45 1 * * *", zone, "2026-04-04T12:00", 2) == ["04-05T01:45+11:00", "04-06T01:45+10:30"]


def test_chatham_is_three_quarters_of_an_hour_off_and_sets_its_clocks_at_a_quarter_to_three() -> None:
    """What stands in the hour that is skipped is due at 3:45, and what is shown twice is due the first time."""
    zone = "Pacific/Chatham"
    assert local("50 2 * * *", zone, "2026-09-26T12:00", 2) == ["09-27T03:45+13:45", "09-28T02:50+13:45"]
    assert local("50 2 * * *", zone, "2026-04-04T12:00", 2) == ["04-05T02:50+13:45", "04-06T02:50+12:45"]
    assert local("0 * * * *", zone, "2026-04-05T01:30", 3) == [
        "04-05T02:00+13:45",
        "04-05T03:00+13:45",
        "04-05T03:00+12:45",
    ]


def test_a_zone_can_leave_out_a_day() -> None:
    """Samoa had no 30 December 2011: what was fixed for it was due when the 31st began."""
    assert local("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00", 2) == ["12-31T00:00+14:00", "12-31T09:00+14:00"]


def test_clocks_can_be_set_over_midnight() -> None:
    """Where they go back from 0:01 to 23:01, the end of the day comes twice and its due times stay in order."""
    assert local("*/30 * * * *", "America/St_Johns", "2009-10-31T23:10", 4) == [
        "10-31T23:30-02:30", "11-01T00:00-02:30", "10-31T23:30-03:30", "11-01T00:00-03:30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "dates"),
    [
        ("0 0 29 2 *", ["2028-02-29", "2032-02-29"]),
        ("0 0 13 * 5", ["2027-01-01", "2027-01-08"]),  # on the 13th or a Friday
        ("0 0 */2 * 1", ["2027-01-11", "2027-01-25"]),  # a star: on odd days that are a Monday
        ("0 0 * * 7", ["2027-01-03", "2027-01-10"]),
        ("0 0 L 2 *", ["2027-02-28", "2028-02-29"]),
        ("0 0 LW * *", ["2027-01-29", "2027-02-26"]),
        ("0 0 * * 1#5", ["2027-03-29", "2027-05-31"]),
        ("0 0 * 2 1#5", ["2044-02-29", "2072-02-29"]),
        ("0 0 29 2 */7", ["2032-02-29", "2060-02-29"]),
    ],
)
def test_dates(expression: str, dates: list[str]) -> None:
    """Leap days come in leap years; two restricted day fields mean either, unless one begins with a star."""
    found = rules.upcoming(parsing.parse_cron(expression, "UTC"), NEW_YEAR - 1, 2)
    assert [datetime.fromtimestamp(at / 1000, ZoneInfo("UTC")).date().isoformat() for at in found] == dates


def test_leap_days_across_a_century_that_has_none() -> None:
    """2100 has no leap day, so the next on a Sunday after 2088 is forty years away."""
    after = int(datetime(2088, 3, 1, tzinfo=ZoneInfo("UTC")).timestamp()) * 1000
    at = rules.next_after(parsing.parse_cron("0 0 29 2 */7", A_ZONE), after)
    assert at is not None
    assert datetime.fromtimestamp(at / 1000, ZoneInfo(A_ZONE)).year == 2128


def test_next_is_strictly_later_and_between_includes_its_end() -> None:
    """Asked at a due time, the next one is another; a stretch holds its last due time and not its first."""
    rule = rules.Cron("0 * * * *", "UTC")
    assert rules.next_after(rule, NEW_YEAR) == NEW_YEAR + 3_600_000
    assert rules.next_after(rule, NEW_YEAR - 1) == NEW_YEAR
    assert list(rules.between(rule, NEW_YEAR, NEW_YEAR + 7_200_000)) == [NEW_YEAR + 3_600_000, NEW_YEAR + 7_200_000]
    assert list(rules.between(rule, NEW_YEAR, NEW_YEAR)) == []


def test_intervals_and_single_times() -> None:
    """An interval has a phase and no beginning; a single time comes once."""
    assert rules.upcoming(rules.Every(90, 5), 5, 2) == [90_005, 180_005]
    assert rules.next_after(rules.Every(60, NEW_YEAR), NEW_YEAR - 150_000) == NEW_YEAR - 120_000
    assert rules.upcoming(rules.Once(7), 6, 5) == [7]
    assert rules.next_after(rules.Once(7), 7) is None


@pytest.mark.parametrize("rule", [rules.Cron("* * * * *", A_ZONE), rules.Every(1, 0), rules.Once(5)])
def test_due_times_have_an_end(rule: rules.Rule) -> None:
    """After the last there is none, and a clock that is set to the end of days or before 1970 raises nothing."""
    assert rules.next_after(rule, rules.LATEST) is None
    assert rules.next_after(rule, 10**18) is None
    first = rules.next_after(rule, -(10**18))
    assert first is not None
    assert 0 <= first <= 5


def test_a_year_of_minutes_is_quick() -> None:
    """Half a million due times take seconds, and a single next one a fraction of a millisecond."""
    begun = time.process_time()
    found = rules.between(rules.Cron("* * * * *", A_ZONE), NEW_YEAR, NEW_YEAR + 365 * DAY_MS)
    assert sum(1 for _ in found) == 525_600
    assert time.process_time() - begun < 30
    begun, at = time.process_time(), NEW_YEAR
    for _ in range(1000):
        at = rules.next_after(rules.Cron("0 0 1 1 *", A_ZONE), NEW_YEAR) or 0
    assert at == NEW_YEAR + 365 * DAY_MS - 3_600_000
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (rules.Cron("30 7 * * 1-5", A_ZONE), "At 07:30 on Monday through Friday (Europe/Vienna)"),
        (rules.Cron("0 0 31 * *", "UTC"), "At 00:00 on the 31st day of every month (UTC)"),
        (rules.Cron("0 0 11 * *", "UTC"), "At 00:00 on the 11th day of every month (UTC)"),
        (rules.Every(9000, 0), "Every 2 hours 30 minutes"),
        (rules.Every(3600, 0), "Every hour"),
        (rules.Every(1, 0), "Every second"),
        (rules.Every(86400, 0), "Every day"),
        (rules.Every(3660, 0), "Every 1 hour 1 minute"),
        (rules.Once(NEW_YEAR), "Once, on Friday, 2027-01-01 at 00:00:00 (UTC)"),
    ],
)
def test_a_rule_in_words(rule: rules.Rule, words: str) -> None:
    """It says when, and by which clocks."""
    assert rules.describe(rule) == words


def test_a_single_time_is_told_by_the_clocks_that_are_asked_for() -> None:
    """Once is a moment; a zone tells it."""
    assert rules.describe(rules.Once(NEW_YEAR), A_ZONE) == "Once, on Friday, 2027-01-01 at 01:00:00 (Europe/Vienna)"


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"kind": "moon"},
        {"kind": "cron", "expression": "0 0 30 2 *", "zone": "UTC"},
        {"kind": "cron", "expression": "@daily", "zone": "Mars/Base"},
        {"kind": "cron", "expression": 5, "zone": "UTC"},
        {"kind": "every", "seconds": 0, "anchor": 0},
        {"kind": "every", "seconds": True, "anchor": 0},
        {"kind": "every", "seconds": 1.5, "anchor": 0},
        {"kind": "every", "seconds": 60, "anchor": -1},
        {"kind": "once", "at": 10**18},
        {"kind": "once", "at": 5, "more": 1},
    ],
)
def test_what_was_not_kept_by_us_is_refused(kept: Json) -> None:
    """What is on disk is not believed."""
    with pytest.raises(errors.InvalidInput):
        rules.decode(kept)


@given(
    st.one_of(st.text(), WORDS, st.lists(WORDS, max_size=12).map(" ".join), EXPRESSIONS),
    st.sampled_from([A_ZONE, "UTC"]),
)
def test_no_text_does_anything_but_give_a_rule_or_be_refused(text: str, zone: str) -> None:
    """Whatever is typed, every parser gives a rule that can be told, kept and reckoned with, or refuses."""
    read = [parse(text, zone) for parse in PARSERS]
    for rule in [one for one in read if one is not None]:
        assert rules.decode(rules.encode(rule)) == rule
        assert rules.describe(rule)
        found = rules.upcoming(rule, NEW_YEAR - 1, 3)
        assert all(a < b for a, b in itertools.pairwise(found))


@given(st.text())
def test_no_name_does_anything_but_give_a_zone_or_be_refused(name: str) -> None:
    """Whatever is typed as a zone is one or is refused."""
    rule = taken(lambda: parsing.parse_cron("@daily", name))
    assert rule is None or rules.next_after(rule, NEW_YEAR)


@given(EXPRESSIONS, st.integers(0, 40 * 365), st.sampled_from([A_ZONE, "Australia/Lord_Howe"]))
def test_asking_one_by_one_is_asking_at_once(expression: str, day: int, zone: str) -> None:
    """The due times after a due time are those that come after it in the row."""
    rule = taken(lambda: parsing.parse_cron(expression, zone)) or rules.Cron("30 1,2 * * *", zone)
    row = rules.upcoming(rule, day * DAY_MS, 5)
    assert [rules.next_after(rule, at) for at in row[:-1]] == row[1:]


def test_a_day_is_a_day() -> None:
    """Between the due times of a daily rule lie 23, 24 or 25 hours."""
    row = rules.upcoming(rules.Cron("0 12 * * *", A_ZONE), NEW_YEAR, 365)
    hours = {timedelta(milliseconds=b - a) / timedelta(hours=1) for a, b in itertools.pairwise(row)}
    assert hours == {23, 24, 25}
