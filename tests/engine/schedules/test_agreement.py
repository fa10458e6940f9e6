import random

import pytest
from tests.engine.schedules import agreement
from tests.engine.schedules.agreement import Case, Unexplained

AUTUMN_IN_VIENNA = 1_792_882_800  # 2026-10-24T23:00Z, 1:00 there; at 3:00 clocks go back to 2:00
SPRING_ON_LORD_HOWE = 1_791_040_800  # 2026-10-03T14:50Z, ten to clocks going from 2:00 to 2:30


def test_due_times_agree_with_two_libraries_or_differ_for_a_reason_that_has_a_name() -> None:
    """Some hundred drawn cases, and what they differ in is one of the classes (the long form is a command)."""
    seed = random.SystemRandom().randrange(1_000_000)
    print("seed", seed)
    found = [name for case in agreement.drawn(random.Random(seed), 300) for name in agreement.compare(case)]
    assert set(found) <= set(agreement.CLASSES)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (Case("30 2 * * *", "Europe/Vienna", AUTUMN_IN_VIENNA + 7800), "cronsim: not later"),
        (Case("*/10 4 * * *", "Australia/Lord_Howe", SPRING_ON_LORD_HOWE), "cronsim: lost or moved"),
        (Case("* 0 */13 * *", "Asia/Beirut", 3_226_181_406), "cronsim: no midnight"),
        (Case("18-33 */8 * * *", "America/St_Johns", 1_162_089_652), "cronsim: endless"),
    ],
)
def test_where_the_library_alone_would_be_wrong(case: Case, name: str) -> None:
    """The reasons why the zone's stretches are ours: counted out minute by minute, ours is right."""
    assert name in agreement.compare(case)


def test_a_due_time_that_is_lost_is_found() -> None:
    """The comparison refuses due times that are not the next ones."""
    case = Case("*/10 4 * * *", "Australia/Lord_Howe", SPRING_ON_LORD_HOWE)
    lost = [int(at) for at in agreement._by_cronsim(case, agreement.local(case))]
    with pytest.raises(Unexplained):
        agreement._explained("croniter", case, lost, agreement._by_croniter(case, agreement.local(case)))
    with pytest.raises(Unexplained):
        agreement._explained("croniter", Case("0 0 * * *", "UTC", 0), [172_800], [86_400])
