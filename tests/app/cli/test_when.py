import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from baara_app.cli import when
from baara_engine import errors

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
    assert when.parse(text, NOW) == NOW + seconds * 1000


def test_a_time_is_local_unless_it_names_a_zone(in_vienna: None) -> None:
    """Without a zone the computer's own holds, with the rule of that date; otherwise the one that is named."""
    for text, utc in (
        ("2027-01-31T07:00", "2027-01-31T06:00"),
        ("2027-07-31T07:00:30", "2027-07-31T05:00:30"),
        ("2027-01-31", "2027-01-30T23:00"),
        ("2027-01-31T07:00Z", "2027-01-31T07:00"),
        ("2027-01-31T07:00-05:00", "2027-01-31T12:00"),
    ):
        assert when.parse(text, NOW) == datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize(
    "text", ["", "soon", "+", "+-5", "-5", "+1y", "+1e3", "+" + "9" * 30, "2027-13-01", "9999-12-31T23:59-23:00", "+٣"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """Anything else, and times that no calendar holds, is refused with examples of what does."""
    with pytest.raises(errors.InvalidInput, match=r"is no time; type a time as in 2027-01-31T07:00"):
        when.parse(text, NOW)
