"""When something is due, in whatever way it is said."""

import pytest

from baara_engine import errors
from baara_engine.schedules import rules, saying

NOW = 1_795_000_000_000
ZONE = "Europe/Berlin"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("0 7 * * 1-5", rules.Cron),
        ("@daily", rules.Cron),
        ("*/15 8-18 * * MON-FRI", rules.Cron),
        ("every 2h", rules.Every),
        ("2h30m", rules.Every),
        ("every 90", rules.Every),
        ("+30m", rules.Once),
        ("2027-01-31 07:00", rules.Once),
        ("2027-01-31T07:00Z", rules.Once),
        ("every weekday at 7", rules.Cron),
        ("mondays at 9:30", rules.Cron),
    ],
)
def test_each_way_is_understood(said: str, kind: type[rules.Rule]) -> None:
    """Cron, an interval, a moment and words are told apart by themselves."""
    rule = saying.parse(said, ZONE, NOW)
    assert isinstance(rule, kind)
    assert rules.upcoming(rule, NOW, 1)


@pytest.mark.parametrize(
    "said", ["", "   ", "sometimes", "every", "every -2h", "61 * * * *", "2027-13-01", "+", "0 7 * *", "x" * 5000]
)
def test_what_makes_no_sense_is_refused(said: str) -> None:
    """What is none of these is refused in words."""
    with pytest.raises(errors.InvalidInput):
        saying.parse(said, ZONE, NOW)
