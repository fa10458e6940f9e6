import pytest

from baara_engine import backups, ballast, errors, events
from baara_engine.ballast import MIB
from baara_engine.health import machine
from baara_engine.store.store import DATABASE
from baara_engine.testing.clocks import FakeClock

from .conftest import Ward

HOUR = 3600.0
HOUR_MS = 3_600_000


def told(ward: Ward) -> dict[str, str]:
    return {problem.kind: problem.message for problem in ward.machine.problems()}


def test_an_engine_that_is_well_has_no_problems(ward: Ward) -> None:
    """With room, a small database and nothing missed, there is nothing to tell."""
    assert told(ward) == {}


@pytest.mark.parametrize(
    ("free", "message"),
    [(ballast.ROOM, None), (ballast.ROOM - 1, "is nearly full."), (ballast.FULL - 1, "is full.")],
)
def test_a_disk_that_runs_full_is_told_before_it_is(ward: Ward, free: int, message: str | None) -> None:
    """It is told where the ballast is no longer made, and again where the ballast is given back."""
    ward.free = free
    found = told(ward).get("disk")
    assert found == message if message is None else str(found).endswith(message)


def test_a_large_database_is_told(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its limit the size of the database is told."""
    size = (ward.engine.home / DATABASE).stat().st_size
    monkeypatch.setattr(machine, "LARGE", size)
    assert told(ward) == {}
    monkeypatch.setattr(machine, "LARGE", size - 1)
    assert list(told(ward)) == ["database_size"]


def test_a_long_log_is_told(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its limit the size of the log is told; where there is none, nothing is."""
    ward.engine.store.write(lambda tx: tx.sql("INSERT INTO setting (key, value) VALUES ('a', '1')"))
    log = ward.engine.home / f"{DATABASE}-wal"
    monkeypatch.setattr(machine, "LONG_LOG", log.stat().st_size)
    assert told(ward) == {}
    monkeypatch.setattr(machine, "LONG_LOG", log.stat().st_size - 1)
    assert list(told(ward)) == ["log_size"]


async def test_changes_without_a_backup_are_told(ward: Ward, clock: FakeClock) -> None:
    """Some hours after the last change, with time to make one, a missing backup is told, and not once there is one."""
    await ward.lease()
    for _ in range(4):
        assert told(ward) == {}
        clock.advance(HOUR)
    assert list(told(ward)) == ["backup"]
    ward.engine.back_up()
    assert told(ward) == {}
    clock.advance(9 * HOUR)
    assert told(ward) == {}  # nothing has changed since
    ward.engine.store.write(lambda tx: tx.emit(events.Kind.QUEUE))
    assert told(ward) == {}
    clock.advance(machine.BACKUP_S + 1)
    assert told(ward) == {"backup": "Changes of more than 3 hours are in no verified backup."}
    assert machine.UNSAVED_MS == 3 * backups.EVERY_MS


async def test_a_backup_has_time_to_be_made_after_a_wake(ward: Ward, clock: FakeClock) -> None:
    """A night's sleep and a clock that was put ahead make no backup late: it has ten minutes of work."""
    await ward.lease()
    clock.suspend(8 * HOUR)
    clock.set_wall(clock.now() + 1000 * HOUR_MS)
    assert told(ward) == {}
    clock.advance(machine.BACKUP_S)
    assert told(ward) == {}
    clock.advance(1.0)
    assert list(told(ward)) == ["backup"]


def test_what_the_housekeeping_could_not_do_is_told(ward: Ward) -> None:
    """A backup that failed is told with its reason until the next one is made."""
    ward.troubles["a backup"] = "It was not kept."
    assert told(ward) == {"housekeeping/a backup": "Housekeeping, a backup: It was not kept."}
    ward.troubles.clear()
    assert told(ward) == {}


def test_a_loop_that_stood_still_is_told_for_a_while(ward: Ward, clock: FakeClock) -> None:
    """More than a second late is told for an hour; less is nothing."""
    ward.machine.napped(0.5, 1.5)
    assert told(ward) == {}
    ward.machine.napped(0.5, 12.5)
    assert told(ward) == {"lag": "The engine stood still for 12 s."}
    clock.advance(machine.KEPT_S)
    assert told(ward) == {}


@pytest.mark.parametrize(
    ("ms", "message"),
    [(-3 * HOUR_MS, "back by 3 h 0 min."), (3 * HOUR_MS, "ahead by 3 h 0 min."), (-59_000, None), (0, None)],
)
def test_a_clock_that_was_set_far_is_told(ward: Ward, ms: int, message: str | None) -> None:
    """A minute and more is worth a look at the settings of the computer."""
    ward.machine.jumped(ms)
    assert told(ward) == ({} if message is None else {"clock": f"The computer's clock was put {message}"})


def test_trouble_with_the_store_is_told_in_its_own_words(ward: Ward) -> None:
    """What the store says about a write that failed is told, whatever kind of error it is."""
    ward.machine.store_failed(errors.DiskFull("The disk is full."))
    assert told(ward) == {"store": "Something could not be written: The disk is full."}
    ward.machine.store_failed(ValueError("no"))
    assert told(ward) == {"store": "Something could not be written: ValueError: no"}


async def test_what_happens_is_told_at_the_next_look(ward: Ward) -> None:
    """A stand-still does not wait for the minute in which everything is looked at."""
    await ward.monitor.look()
    ward.machine.napped(0.5, 12.5)
    await ward.monitor.look()
    assert ward.found() == ["lag"]


async def test_problems_are_told_once_and_cleared(ward: Ward, clock: FakeClock) -> None:
    """A problem of the engine is found with its event, seen again without one, and cleared when it is over."""
    ward.free = MIB
    for _ in range(3):
        await ward.monitor.look_at_machine()
    assert ward.found() == ["disk"]
    ward.free = 1 << 40
    await ward.monitor.look_at_machine()
    assert ward.found() == []
    kinds = [event.data["state"] for event in ward.engine.events(limit=1000) if event.kind == "finding"]
    assert kinds == ["found", "cleared"]


async def test_what_an_earlier_engine_has_found_is_cleared(ward: Ward) -> None:
    """A finding of before the start that does not hold any more is told to be over at the first look."""
    ward.free = MIB
    await ward.monitor.look_at_machine()
    ward.free = 1 << 40
    another = type(ward.monitor)(ward.engine.store, ward.machine, list)
    await another.look_at_machine()
    assert ward.found() == []
