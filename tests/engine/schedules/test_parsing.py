import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from baara_engine import errors
from baara_engine.schedules import parsing, rules

NOW = 1_800_000_000_000  # 2027-01-15T08:00:00Z


@pytest.fixture
def in_vienna(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set this process's zone to one that is not UTC."""
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("+90", 90), ("+90s", 90), ("+10m", 600), ("+2h", 7200), ("+1d", 86400), ("+0", 0), (" +1.5h ", 5400)],
)
def test_a_duration_counts_from_now(text: str, seconds: int) -> None:
    """A plus and a number mean so many seconds, minutes, hours or days from now."""
    assert parsing.parse_at(text, NOW) == rules.Once(NOW + seconds * 1000)


def test_a_time_is_local_unless_it_names_a_zone(in_vienna: None) -> None:
    """Without a zone the computer's own holds, with the rule of that date; otherwise the one that is named."""
    for text, utc in (
        ("2027-01-31T07:00", "2027-01-31T06:00"),
        ("2027-07-31T07:00:30", "2027-07-31T05:00:30"),
        ("2027-01-31", "2027-01-30T23:00"),
        ("2027-01-31T07:00Z", "2027-01-31T07:00"),
        ("2027-01-31T07:00-05:00", "2027-01-31T12:00"),
    ):
        assert parsing.parse_at(text, NOW).at == datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize(
    "text", ["", "soon", "+", "+-5", "-5", "+1y", "+1e3", "+" + "9" * 30, "2027-13-01", "9999-12-31T23:59-23:00", "+٣"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """Anything else, and times that no calendar holds, is refused with examples of what does."""
    with pytest.raises(errors.InvalidInput, match=r"is no time; type a time as in 2027-01-31T07:00"):
        parsing.parse_at(text, NOW)


def test_a_time_can_be_by_the_clocks_of_a_zone_that_is_given() -> None:
    """With a zone, a time that names no offset is by its clocks, and one that does is not."""
    for text, utc in (("2027-07-31T07:00", "2027-07-30T22:00"), ("2027-07-31T07:00Z", "2027-07-31T07:00")):
        expected = datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000
        assert parsing.parse_at(text, NOW, "Asia/Tokyo").at == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("15m", 900),
        ("2h30m", 9000),
        ("1d", 86400),
        ("1w", 604800),
        (" 2H 30M ", 9000),
        ("1", 1),
        ("366d", 366 * 86400),
    ],
)
def test_an_interval_is_a_number_of_seconds_or_of_units(text: str, seconds: int) -> None:
    """A bare number is seconds, and units may be combined, the longer before the shorter."""
    assert parsing.parse_every(text, NOW) == rules.Every(seconds, NOW)


@pytest.mark.parametrize(
    "text", ["", " ", "0", "0m", "m", "-5m", "1.5h", "30m2h", "1y", "+5", "٣m", "367d", "9" * 40, "5 apples"]
)
def test_what_is_no_interval_is_refused(text: str) -> None:
    """Nothing, less than a second, more than a year, fractions and unknown units are refused with examples."""
    with pytest.raises(errors.InvalidInput, match=r"type an interval as in 90 \(seconds\), 15m"):
        parsing.parse_every(text, NOW)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("30 7 * * mon-fri", "30 7 * * MON-FRI"),
        ("@daily", "0 0 * * *"),
        ("@MIDNIGHT", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("  0\t9 L * *", "0 9 L * *"),
        ("0 9 * * 5L", "0 9 * * 5L"),
        ("0 9 LW * *", "0 9 LW * *"),
        ("*/5,7 1-9/2 * jan,MAR *", "*/5,7 1-9/2 * JAN,MAR *"),
        ("0 0 * * mon#2", "0 0 * * MON#2"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ],
)
def test_a_cron_expression_is_kept_in_one_form(text: str, kept: str) -> None:
    """Names become capitals, shortcuts become five fields, and blanks become one."""
    assert parsing.parse_cron(text, "UTC") == rules.Cron(kept, "UTC")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "five fields, not 0"),
        ("* * * *", "five fields, not 4"),
        ("0 0 * * * *", "five fields, not 6"),
        ("60 * * * *", "“60” is outside 0 to 59 \\(the field minute\\)"),
        ("* 24 * * *", "“24” is outside 0 to 23 \\(the field hour\\)"),
        ("* * 0 * *", "“0” is outside 1 to 31"),
        ("* * * 13 *", "“13” is outside 1 to 12"),
        ("* * * * 8", "“8” is outside 0 to 7"),
        ("5/10 * * * *", "write “5-59/10”"),
        ("*/90 * * * *", "does not fit into the field; for longer intervals there is “every”"),
        ("*/0 * * * *", "does not fit"),
        ("* * * * fri-sun", "“FRI-SUN” runs backwards"),
        ("30-20 * * * *", "runs backwards"),
        ("@reboot", "“@reboot” is no time. Those with an @ are @hourly"),
        ("*-5 * * * *", "is not understood"),
        ("mon * * * *", "“MON” is not understood"),
        ("1, * * * *", "“” is not understood"),
        ("* * L/2 * *", "is not understood"),
        ("* * * * ²L", "is not understood"),
        ("٣ * * * *", "is not understood"),
        ("0 0 30 2 *", "is never due: no such date exists"),
        ("0 0 31 4,6 *", "is never due"),
        ("0 0 */30 * MON#2", "is never due"),
        ("* * ? * *", "is not understood"),
        ("1 " * 150, "too long"),
    ],
)
def test_what_is_no_cron_expression_is_refused(text: str, why: str) -> None:
    """Each refusal says what is wrong and in which field, and shows one that works."""
    with pytest.raises(errors.InvalidInput, match=why) as refused:
        parsing.parse_cron(text, "UTC")
    assert "@hourly" in refused.value.message or "“30 7 * * 1-5”" in refused.value.message


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Vienna", "Name one as in"),
        ("europe/vienna", "Did you mean “Europe/Vienna”"),
        ("America/New York", "Did you mean “America/New_York”"),
        ("America", "There is no"),
        ("../etc/passwd", "There is no"),
        ("/etc/localtime", "There is no"),
        ("", "There is no"),
        ("right/UTC", "There is no"),
        ("x" * 5000, "There is no"),
        ("UTC\0", "There is no"),
    ],
)
def test_what_is_no_zone_is_refused(zone: str, hint: str) -> None:
    """Only names of IANA zones are zones; a near miss is told what was meant."""
    with pytest.raises(errors.InvalidInput, match=hint):
        parsing.parse_cron("@daily", zone)
