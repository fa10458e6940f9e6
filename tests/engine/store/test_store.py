import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import wait
from functools import partial
from pathlib import Path

import apsw
import peewee as pw
import pytest

from baara_engine import clock, errors
from baara_engine.events import Kind
from baara_engine.store import connection, migrations, models
from baara_engine.store.store import DATABASE, SENTINEL, Store
from baara_engine.store.transaction import Tx, View


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an empty home."""
    tmp_path.chmod(0o700)
    return tmp_path


def opened(folder: Path) -> Store:
    return Store(folder, clock.SystemClock())


def put(key: str, value: str = "1") -> Callable[[Tx], str]:
    def work(tx: Tx) -> str:
        tx.sql("INSERT INTO setting (key, value) VALUES (?, ?)", (key, value))
        return key

    return work


def keys(view: View) -> list[str]:
    return [key for (key,) in view.sql("SELECT key FROM setting ORDER BY key")]


def test_a_write_is_there_after_opening_again(folder: Path) -> None:
    """What `write` has returned from is on the disk."""
    store = opened(folder)
    store.write(put("a"))
    store.close()
    again = opened(folder)
    assert again.read(keys) == ["a"]
    again.close()


def test_writes_that_arrive_together_share_a_commit(folder: Path) -> None:
    """A thousand writes handed over at once take far fewer commits than a thousand."""
    store = opened(folder)
    wait([store.submit(put(f"{number:04}")) for number in range(1000)])
    [(batches,)] = store.read(lambda view: view.sql("SELECT max(batch) FROM writer"))
    assert len(store.read(keys)) == 1000
    assert batches < 200
    store.close()


def test_a_failing_write_takes_nothing_along(folder: Path) -> None:
    """One write that raises is undone by itself; its neighbours in the same commit stay."""
    store = opened(folder)

    def spoil(tx: Tx) -> None:
        put("spoilt")(tx)
        raise ValueError("no")

    good, bad, better = store.submit(put("a")), store.submit(spoil), store.submit(put("b"))
    good.result()
    better.result()
    with pytest.raises(ValueError, match="no"):
        bad.result()
    assert store.read(keys) == ["a", "b"]
    store.close()


def test_events_are_told_after_the_commit_only(folder: Path) -> None:
    """A listener finds in the store what an event says, and hears nothing of a write that failed."""
    store = opened(folder)
    heard: list[tuple[str, list[str]]] = []
    store.listen(lambda told: heard.extend((event.data["key"], store.read(keys)) for event in told))

    def telling(key: str, *, fail: bool) -> None:
        def work(tx: Tx) -> None:
            put(key)(tx)
            tx.emit(Kind.TASK, data={"key": key})
            if fail:
                raise ValueError(key)

        store.write(work)

    telling("kept", fail=False)
    with pytest.raises(ValueError, match="lost"):
        telling("lost", fail=True)
    store.close()
    assert heard == [("kept", ["kept"])]


@pytest.mark.parametrize("damage", ["deleted", "emptied"])
def test_no_database_is_made_over_evidence_of_an_earlier_one(folder: Path, damage: str) -> None:
    """A home whose database is gone is refused with the reason, and nothing is put in its place."""
    opened(folder).close()
    path = folder / DATABASE
    path.unlink() if damage == "deleted" else path.write_bytes(b"")
    with pytest.raises(errors.DatabaseMissing, match="has held a database"):
        opened(folder)
    assert not path.exists() or path.stat().st_size == 0


def test_a_newer_database_is_refused_and_left_as_it_is(folder: Path) -> None:
    """A database with a step that this version does not know is refused in a sentence."""
    store = opened(folder)
    store.write(lambda tx: tx.sql("INSERT INTO migration (name, at) VALUES ('m999_future', 0)"))
    store.close()
    with pytest.raises(errors.DatabaseTooNew, match="m999_future"):
        opened(folder)


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0"])
def test_a_sqlite_that_can_lose_commits_is_refused(version: str) -> None:
    """The versions with the WAL-reset bug are refused, with the reason."""
    with pytest.raises(errors.StoreError, match="can lose committed work"):
        connection.require_safe_sqlite(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", "4.0.0"])
def test_a_sound_sqlite_is_accepted(version: str) -> None:
    """Versions from the fix on are accepted."""
    connection.require_safe_sqlite(version)


def test_the_settings_that_durability_needs_are_in_force(folder: Path) -> None:
    """Both writers and readers run with WAL, FULL and foreign keys."""
    store = opened(folder)

    def settings(view: View) -> tuple[object, ...]:
        return tuple(view.sql(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "foreign_keys"))

    assert store.read(settings) == ("wal", 2, 1)
    assert store.write(settings) == ("wal", 2, 1)
    store.close()


def test_all_files_are_private(folder: Path) -> None:
    """The database, its WAL, and the sentinel can be read by their owner alone."""
    store = opened(folder)
    store.write(put("a"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}
    store.close()
    assert {DATABASE, f"{DATABASE}-wal", SENTINEL} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_the_tables_are_what_the_models_say(folder: Path) -> None:
    """The migrated schema has the columns of the models, and no others."""
    store = opened(folder)
    for table in models.TABLES:
        name = table._meta.table_name
        have = {row[1] for row in store.read(partial(View.sql, statement=f"PRAGMA table_info({name})"))}
        assert have == {field.column_name for field in table._meta.sorted_fields}, name
    store.close()


def test_migrating_twice_changes_nothing(folder: Path) -> None:
    """Every step is taken once, whoever opens."""
    opened(folder).close()
    store = opened(folder)
    assert store.read(migrations.taken) == {step.__name__ for step in migrations.STEPS}  # type: ignore[arg-type]
    store.close()


OPEN_AND_PUT = """
import sys
from pathlib import Path
from baara_engine import clock
from baara_engine.store.store import Store
store = Store(Path(sys.argv[1]), clock.SystemClock())
store.write(lambda tx: tx.sql("INSERT INTO setting (key, value) VALUES (?, '1')", (sys.argv[2],)))
store.close()
"""


def test_many_processes_may_make_the_home_at_once(folder: Path) -> None:
    """Eight processes that meet an empty folder all get their write in."""
    started = [subprocess.Popen([sys.executable, "-c", OPEN_AND_PUT, str(folder), str(number)]) for number in range(8)]
    assert [process.wait(60) for process in started] == [0] * 8
    store = opened(folder)
    assert store.read(keys) == [str(number) for number in range(8)]
    store.close()


class FailsOnce:
    """A connection whose COMMIT raises, before or after it has really happened."""

    def __init__(self, db: pw.Database, *, after: bool) -> None:
        self._db, self._after, self.armed = db, after, True

    def execute_sql(self, statement: str, params: object = ()) -> object:
        if statement != "COMMIT" or not self.armed:
            return self._db.execute_sql(statement, params)  # type: ignore[no-untyped-call]
        self.armed = False
        if self._after:
            list(self._db.execute_sql(statement, params))  # type: ignore[no-untyped-call]
        raise pw.OperationalError("disk I/O error")

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)


@pytest.mark.expects_log("a commit raised")
@pytest.mark.parametrize("kept", [True, False])
def test_a_commit_that_raised_is_looked_up(folder: Path, kept: bool) -> None:  # noqa: FBT001
    """After a COMMIT that raised, the caller hears what the file says: kept or not."""
    store = opened(folder)
    store.write(put("before"))
    writer = store._writer._committer  # type: ignore[attr-defined]
    writer._db = FailsOnce(writer._db, after=kept)
    if kept:
        assert store.write(put("a")) == "a"
    else:
        with pytest.raises(errors.StoreError, match="nothing of this was kept"):
            store.write(put("a"))
    assert store.read(keys) == (["a", "before"] if kept else ["before"])
    store.write(put("next"))
    store.close()


def test_a_busy_database_is_told_and_nothing_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another connection holds the lock a write fails with a clear error, and works again afterwards."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.05)
    store = opened(folder)
    other = connection.connect(folder / DATABASE)
    connection.execute(other, "BEGIN IMMEDIATE")
    with pytest.raises(errors.StoreBusy):
        store.write(put("a"))
    connection.execute(other, "COMMIT")
    other.close()
    store.write(put("a"))
    assert store.read(keys) == ["a"]
    store.close()


def test_killed_writers_lose_nothing_they_have_acknowledged(folder: Path) -> None:
    """A process that is killed at any moment has written all that it acknowledged."""
    script = OPEN_AND_PUT.rsplit("store.write", 1)[0] + (
        "for number in range(100000):\n"
        "    key = f'{number:06}'\n"
        "    store.write(lambda tx: tx.sql(\"INSERT INTO setting (key, value) VALUES (?, '1')\", (key,)))\n"
        "    print(key, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder), "x"], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(50)]
    process.kill()
    acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    store = opened(folder)
    assert set(acknowledged) <= set(store.read(keys))
    store.close()


class LosesItsSync(apsw.VFS):
    """A disk whose next sync of the WAL fails, once, after everything was written."""

    def __init__(self) -> None:
        super().__init__("loses-its-sync", "")
        self.armed = False

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "LosingFile":  # noqa: N802 - SQLite's name
        return LosingFile(self, name, flags)


class LosingFile(apsw.VFSFile):
    """One file on that disk."""

    def __init__(self, vfs: LosesItsSync, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._vfs = vfs
        self._is_wal = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        if self._is_wal and self._vfs.armed:
            self._vfs.armed = False
            raise apsw.IOError
        super().xSync(flags)


@pytest.mark.expects_log("a commit raised")
def test_what_was_refused_does_not_come_back_after_a_crash(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A commit whose sync failed leaves its pages in the WAL; once it is refused, no crash brings it back."""
    disk = LosesItsSync()
    store = Store(folder, clock.SystemClock(), vfs="loses-its-sync")
    store.write(put("before"))
    assert store.read(keys) == ["before"]  # and the connection that read stays open, which keeps the WAL
    disk.armed = True
    with pytest.raises(errors.StoreError, match="nothing of this was kept"):
        store.write(put("refused"))
    crashed = tmp_path_factory.mktemp("crashed")
    for name in (DATABASE, f"{DATABASE}-wal", SENTINEL):
        shutil.copy(folder / name, crashed / name)
    after = opened(crashed)
    assert after.read(keys) == ["before"]
    after.close()
    store.close()
