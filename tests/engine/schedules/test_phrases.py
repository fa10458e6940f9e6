from datetime import UTC, datetime

import pytest

from baara_engine import errors
from baara_engine.schedules import phrases, rules

NOW = 1_800_000_000_000  # Friday 2027-01-15T08:00Z, 9:00 in Vienna
VIENNA = "Europe/Vienna"


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("every weekday at 7", "0 7 * * MON-FRI"),
        ("Weekdays 7:30am", "30 7 * * MON-FRI"),
        ("daily at 18:30", "30 18 * * *"),
        ("every day at noon and midnight", "0 0,12 * * *"),
        ("mondays and thursdays at 9am", "0 9 * * MON,THU"),
        ("tuesdays, thursdays and saturdays at 6 pm", "0 18 * * TUE,THU,SAT"),
        ("at 9am every monday", "0 9 * * MON"),
        ("weekly on sunday at 12am", "0 0 * * SUN"),
        ("mon-wed at 8", "0 8 * * MON,TUE,WED"),
        ("every fri to mon at 8", "0 8 * * FRI,SAT,SUN,MON"),
        ("on weekends at 10", "0 10 * * SAT,SUN"),
        ("on the 1st of each month at 8", "0 8 1 * *"),
        ("monthly on the 1st and the 15th at 12pm", "0 12 1,15 * *"),
        ("on the last day of every month at 18", "0 18 L * *"),
        ("the first monday of each month at 9", "0 9 * * MON#1"),
        ("every month on the last friday at 17:00", "0 17 * * 5L"),
        ("every year on 24 december at 9", "0 9 24 12 *"),
        ("yearly on feb 29th at 9", "0 9 29 2 *"),
        ("hourly", "0 * * * *"),
    ],
)
def test_phrases_that_repeat_by_the_calendar(text: str, expression: str) -> None:
    """Days, days of a month and dates become the cron expression that says the same."""
    assert phrases.parse_phrase(text, VIENNA, NOW) == rules.Cron(expression, VIENNA)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("every 2 hours", 7200),
        ("every 15 minutes", 900),
        ("every minute", 60),
        ("every other day", 172800),
        ("every 2 weeks", 1209600),
    ],
)
def test_phrases_that_repeat_by_the_interval(text: str, seconds: int) -> None:
    """Intervals count from now."""
    assert phrases.parse_phrase(text, VIENNA, NOW) == rules.Every(seconds, NOW)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("tomorrow at 9", "2027-01-16T08:00"),
        ("today at 17:15", "2027-01-15T16:15"),
        ("next friday at 9", "2027-01-22T08:00"),
        ("next mon at 9pm", "2027-01-18T20:00"),
        ("in 20 minutes", "2027-01-15T08:20"),
        ("in an hour", "2027-01-15T09:00"),
        ("2027-07-01 at 9", "2027-07-01T07:00"),
        ("2028-02-29 at 0:00", "2028-02-28T23:00"),
        ("2027-03-28 at 2:30", "2027-03-28T01:00"),  # a reading that is skipped: when the clock is set
    ],
)
def test_phrases_for_a_single_time(text: str, utc: str) -> None:
    """They are read by the clocks of the zone."""
    at = int(datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()) * 1000
    assert phrases.parse_phrase(text, VIENNA, NOW) == rules.Once(at)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("every weekday", "at what time"),
        ("every week at 9", "on what day"),
        ("annually", "on what day"),
        ("monday at 9", "Say “every monday” or “next monday”"),
        ("every monday at 9 except in july", "the word “except” is not known"),
        ("weekdays at 9 but not on fridays", "the word “but” is not known"),
        ("every 2 days at 7", "an interval has no time of day"),
        ("daily at 7:30 and 9:00", "need a schedule each"),
        ("daily at 25", "“25” is no time of day"),
        ("daily at 13pm", "“13pm” is no time of day"),
        ("daily at 7:60", "“7:60” is no time of day"),
        ("today at 7", "is past"),
        ("tomorrow at 9 and 10", "one time only"),
        ("2027-02-30 at 9", "is no date"),
        ("9999-12-31 at 9", "too far away"),
        ("every year on 30 february at 9", "is never due"),
        ("on the 32nd of each month at 9", "outside 1 to 31"),
        ("every 0 minutes", "a second at least"),
        ("every 400 days", "366 days at most"),
        ("the monday at at 9", "not understood as a whole"),
        ("", "not understood as a whole"),
        ("daily " * 50, "too long"),
    ],
)
def test_what_is_no_phrase_is_refused(text: str, why: str) -> None:
    """A refusal says what is missing or not understood, and shows what is."""
    with pytest.raises(errors.InvalidInput, match=why) as refused:
        phrases.parse_phrase(text, VIENNA, NOW)
    assert any(word in refused.value.message for word in ("s in ", "every monday"))
