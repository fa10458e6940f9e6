import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baara_engine import backups, errors
from baara_engine.backups import Backups, kept
from baara_engine.clock import SystemClock
from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.store import backup, executions, layout, replacing
from baara_engine.store.store import DATABASE, Store
from baara_engine.testing.clocks import FakeClock
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, says

HOUR = 3600
NOW = 1_800_000_000_000
FAR = 4_000_000_000_000  # ms since 1970: no engine here works on it

# ------------------------------------------------------------- which are kept


def times(*written: str) -> list[int]:
    return [int(datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp() * 1000) for one in written]


KEPT = [
    ([], []),
    (["2026-11-23T10:00"], ["2026-11-23T10:00"]),
    (
        # Three of one hour stay, because there must be three; of a fourth only what is the newest of its hour.
        ["2026-11-23T10:00", "2026-11-23T10:10", "2026-11-23T10:20", "2026-11-23T10:30"],
        ["2026-11-23T10:10", "2026-11-23T10:20", "2026-11-23T10:30"],
    ),
    (
        [f"2026-11-23T{hour:02}:00" for hour in range(12)],
        [f"2026-11-23T{hour:02}:00" for hour in range(6, 12)],
    ),
    (
        [f"2026-11-{day:02}T{hour:02}:00" for day in range(1, 24) for hour in (9, 15, 21)],
        [
            *(f"2026-11-{day:02}T21:00" for day in range(17, 24)),
            *(f"2026-11-{day:02}T{hour:02}:00" for day in (22, 23) for hour in (9, 15)),
        ],
    ),
    # A day without work does not push the day before it out.
    (
        ["2026-01-01T10:00", "2026-01-02T10:00", "2026-06-01T10:00", "2026-11-23T10:00"],
        ["2026-01-01T10:00", "2026-01-02T10:00", "2026-06-01T10:00", "2026-11-23T10:00"],
    ),
    # One from a clock that was wrong takes one place, and no more.
    (
        ["2099-01-01T00:00", *(f"2026-11-23T{hour:02}:00" for hour in range(12))],
        ["2099-01-01T00:00", *(f"2026-11-23T{hour:02}:00" for hour in range(7, 12))],
    ),
]


@pytest.mark.parametrize(("made", "staying"), KEPT)
def test_which_backups_stay(made: list[str], staying: list[str]) -> None:
    """The newest of each of the last six hours and seven days that have one stay, and three in any case."""
    assert kept(times(*made)) == set(times(*staying))


def test_a_year_of_hourly_backups_stays_small() -> None:
    """However long it goes on, twelve files are the most."""
    held: set[int] = set()
    for hour in range(24 * 365):
        held = kept([*held, NOW + hour * HOUR * 1000])
    assert len(held) == 12


# --------------------------------------------------------------- when they are made


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock(NOW)


@pytest.fixture
def store(home: Path, clock: FakeClock) -> Iterator[Store]:
    """Give a store on that clock."""
    home.mkdir(mode=0o700)
    opened = Store(home, clock)
    yield opened
    opened.close()


def change(store: Store) -> None:
    store.write(lambda tx: tx.emit("task", data={}))  # type: ignore[arg-type]  # any event will do


def test_one_is_due_when_something_changed_and_an_hour_is_over(home: Path, store: Store, clock: FakeClock) -> None:
    """Nothing happens without a change or within the hour; a change that follows later is not forgotten."""
    due = Backups(home, store)
    assert due.take_if_due() is None  # nothing was ever stored
    change(store)
    first = due.take_if_due()
    assert first is not None
    change(store)
    clock.advance(HOUR - 1)
    assert due.take_if_due() is None
    clock.advance(1)
    assert due.take_if_due() is not None
    clock.advance(10 * HOUR)
    assert due.take_if_due() is None  # nothing has changed since
    change(store)
    assert due.take_if_due() is not None
    assert len(backup.listing(home)) == 3


@pytest.mark.parametrize("jump_s", [-10 * 365 * 24 * HOUR, 10 * 365 * 24 * HOUR])
def test_a_clock_that_jumps_neither_stops_backups_nor_floods_the_disk(
    home: Path, store: Store, clock: FakeClock, jump_s: int
) -> None:
    """After a jump of ten years, either way, there is one an hour as before."""
    due = Backups(home, store)
    change(store)
    assert due.take_if_due() is not None
    clock.advance(jump_s)
    made = 0
    for _ in range(6 * 4):
        change(store)
        made += due.take_if_due() is not None
        clock.advance(HOUR / 4)
    assert made == 6


def test_what_is_thinned_out_is_only_what_need_not_stay(home: Path, store: Store, clock: FakeClock) -> None:
    """After many hours there are six files left, and all of them are sound."""
    for _ in range(9):
        change(store)
        Backups(home, store).take()
        clock.advance(HOUR)
    found = backup.listing(home)
    assert len(found) == 6
    assert [backup.verify(one.path).last_event for one in found] == sorted(
        (backup.verify(one.path).last_event for one in found), reverse=True, key=str
    )


def test_backups_that_cannot_be_verified_push_no_good_one_out(home: Path, store: Store, clock: FakeClock) -> None:
    """While the database is damaged, what was made before stays, however long that lasts."""
    change(store)
    good = Backups(home, store).take()
    store.write(lambda tx: tx.sql("UPDATE event SET at = 'noon'"))
    for _ in range(20):
        clock.advance(24 * HOUR)
        with pytest.raises(errors.DatabaseDamaged, match="was not kept"):
            Backups(home, store).take()
    assert backup.listing(home) == [good]


# ------------------------------------------------------------------ restoring


def submit(engine: Engine, *prompts: str) -> list[str]:
    return [engine.submit(Submission(prompt=prompt, not_before=FAR)).id for prompt in prompts]


def prompts(home: Path) -> list[str]:
    engine = Engine(home)
    found = sorted(one.prompt for one in engine.executions())
    engine.close()
    return found


@pytest.fixture
def lived(home: Path) -> Path:
    """Give a home with a backup of two executions, and a third that came after it."""
    engine = Engine(home)
    submit(engine, "a", "b")
    engine.back_up()
    submit(engine, "c")
    engine.close()
    return home


def test_the_newest_sound_backup_comes_back_and_nothing_is_deleted(lived: Path) -> None:
    """The database is that of the backup, private and marked as ours; what was there before is kept byte by byte."""
    before = (lived / DATABASE).read_bytes()
    done = backups.restore(lived, None, NOW)
    assert (done.contents.executions, done.contents.threads) == (2, 2)
    assert done.set_aside == lived / "damaged" / "20270115T080000000Z"
    assert (done.set_aside / DATABASE).read_bytes() == before
    assert stat.S_IMODE((lived / DATABASE).stat().st_mode) == 0o600
    assert prompts(lived) == ["a", "b"]
    assert not list(lived.glob("restoring-*"))


def test_a_restore_can_be_undone(lived: Path) -> None:
    """What was moved aside can be restored in its turn, its log included."""
    script = "import sys,os;from pathlib import Path;from baara_engine.engine import Engine;from baara_engine.requests "
    script += "import Submission as S;e=Engine(Path(sys.argv[1]));e.submit(S(prompt='d'));os._exit(0)"
    subprocess.run([sys.executable, "-c", script, str(lived)], check=True)
    assert (lived / "baara.db-wal").stat().st_size > 0
    done = backups.restore(lived, None, NOW)
    assert prompts(lived) == ["a", "b"]
    assert done.set_aside is not None
    assert (done.set_aside / "baara.db-wal").stat().st_size > 0
    backups.restore(lived, str(done.set_aside / DATABASE), NOW + 1)
    assert prompts(lived) == ["a", "b", "c", "d"]


def test_a_newer_but_damaged_backup_is_passed_over(lived: Path) -> None:
    """Of the backups, the newest that is sound is taken."""
    engine = Engine(lived)
    made = engine.back_up()
    engine.close()
    made.path.write_bytes(made.path.read_bytes()[:-5000])
    assert backups.restore(lived, None, NOW).source != made.path
    assert prompts(lived) == ["a", "b"]


def test_a_named_backup_and_a_path_are_found(lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup is named as it is listed, or any file by its path."""
    [made] = backup.listing(lived)
    backups.restore(lived, made.path.name, NOW)
    assert prompts(lived) == ["a", "b"]
    shutil.copyfile(made.path, tmp_path / "mine.db")
    monkeypatch.chdir(tmp_path)
    backups.restore(lived, "mine.db", NOW + 1)
    assert prompts(lived) == ["a", "b"]


def test_a_backup_of_another_home_may_be_taken_over(lived: Path, tmp_path: Path) -> None:
    """Whoever names a file of another home gets it, and it belongs to this home from then on."""
    engine = Engine(tmp_path / "other")
    submit(engine, "x")
    made = engine.back_up()
    engine.close()
    backups.restore(lived, str(made.path), NOW)
    assert prompts(lived) == ["x"]


@pytest.mark.parametrize("content", [b"garbage" * 2000, b"", b"SQLite format 3\x00" + bytes(4080)])
def test_what_is_not_sound_is_not_put_in_place(lived: Path, tmp_path: Path, content: bytes) -> None:
    """A file that is no sound database of Baara is refused by its name, and everything stays as it is."""
    odd = tmp_path / "odd.db"
    odd.write_bytes(content)
    with pytest.raises(errors.StoreError, match=r"odd\.db"):
        backups.restore(lived, str(odd), NOW)
    assert prompts(lived) == ["a", "b", "c"]
    assert not list(lived.glob("restoring-*"))
    assert not (lived / "damaged").exists()


def test_where_no_backup_is_sound_the_reasons_are_told(lived: Path) -> None:
    """Nothing is moved if there is nothing to put in place."""
    for one in backup.listing(lived):
        one.path.write_bytes(b"garbage" * 1000)
    with pytest.raises(errors.NotFound, match=r"no backup .* sound.*cannot be read"):
        backups.restore(lived, None, NOW)
    assert prompts(lived) == ["a", "b", "c"]


def test_an_unknown_name_is_told(lived: Path, tmp_path: Path) -> None:
    """Neither a name nor a home that does not exist is made up."""
    with pytest.raises(errors.NotFound, match="nope"):
        backups.restore(lived, "nope", NOW)
    with pytest.raises(errors.NotFound, match="no data folder"):
        backups.restore(tmp_path / "nowhere", None, NOW)
    assert not (tmp_path / "nowhere").exists()


def test_nothing_is_restored_below_a_working_engine(lived: Path) -> None:
    """While an engine works on the home the restore is refused, and the engine does not notice."""
    engine = Engine(lived)
    engine.start(ScriptedModels(ScriptedModel([])))
    with pytest.raises(errors.Refused, match="An engine works on"):
        backups.restore(lived, None, NOW)
    engine.close()
    assert prompts(lived) == ["a", "b", "c"]


HOLD = """
import sys
from pathlib import Path
from baara_engine.engine import Engine
engine = Engine(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
engine.close()
"""


def test_nothing_is_restored_below_a_command_that_has_the_database_open(lived: Path) -> None:
    """What another process would still write into the old file is not lost: the restore is refused until it ends."""
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lived)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holding.stdout is not None
    holding.stdout.readline()
    with pytest.raises(errors.Refused, match=r"has .* open"):
        backups.restore(lived, None, NOW)
    holding.communicate()
    backups.restore(lived, None, NOW)
    assert prompts(lived) == ["a", "b"]


def test_nothing_is_restored_below_ourselves(lived: Path) -> None:
    """A process that has the database open itself is told so."""
    engine = Engine(lived)
    with pytest.raises(errors.Refused, match="itself"):
        backups.restore(lived, None, NOW)
    engine.close()


def test_a_restore_that_died_half_way_is_told_and_repeated(lived: Path) -> None:
    """Between the old database and the new one a start finds it missing, names the remedy, and that works."""
    aside = replacing.set_aside(lived, lived / layout.DAMAGED / "x")
    assert aside is not None
    with pytest.raises(errors.DatabaseMissing, match="baara restore --latest"):
        Engine(lived)
    assert backups.restore(lived, None, NOW).set_aside is None
    assert prompts(lived) == ["a", "b"]
    assert (aside / DATABASE).exists()


def test_what_was_leased_in_the_backup_is_taken_back_at_the_next_start(home: Path) -> None:
    """An execution that was at work when the backup was made goes back to its queue, as after a crash."""
    engine = Engine(home)
    execution_id = engine.submit(Submission(prompt="work")).id
    engine.store.write(lambda tx: executions.claim(tx, "transfer", 1, "an-earlier-boot/1/1", 0))
    engine.back_up()
    engine.close()
    backups.restore(home, None, SystemClock().now())
    again = Engine(home)
    assert again.execution(execution_id).status is Status.ASSIGNED
    again.start(ScriptedModels(ScriptedModel([says("done")])))
    again.stop()
    assert again.attempts(execution_id)[0].ended_by == "crashed"
    again.close()


def test_the_list_tells_what_is_in_each(lived: Path) -> None:
    """Newest first, with counts; one that cannot be read is listed as such."""
    engine = Engine(lived)
    newest = engine.back_up()
    engine.close()
    os.truncate(newest.path, 100)
    first, second = backups.listing(lived)
    assert (first.path, first.contents) == (newest.path, None)
    assert second.contents is not None
    assert second.contents.executions == 2
