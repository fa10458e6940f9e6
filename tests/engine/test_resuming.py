import pytest

from baara_engine.resuming import duration


@pytest.mark.parametrize(
    ("ms", "told"),
    [
        (0, "0 ms"),
        (428, "428 ms"),
        (1_000, "1 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (3_599_000, "59 min"),
        (22_320_000, "6 h 12 min"),
        (360_000_000, "100 h 0 min"),
    ],
)
def test_durations_are_told_as_people_say_them(ms: int, told: str) -> None:
    """From milliseconds to hours, each in the unit that one would use."""
    assert duration(ms) == told
