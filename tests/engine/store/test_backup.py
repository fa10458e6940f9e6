import os
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import apsw
import pytest

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.store import backup, connection, journal, layout, migrations
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx
from baara_engine.testing.clocks import FakeClock

PAIRS = "SELECT count(*), count(DISTINCT value) * 2 FROM setting"


def settings(path: Path, statement: str) -> list[tuple[object, ...]]:
    db = connection.connect_to_copy(path)
    rows = connection.execute(db, statement)
    db.close()
    return rows


def with_journal(engine: Engine, messages: int = 3) -> str:
    execution_id = engine.submit(Submission(prompt="work")).id

    def write(tx: Tx) -> None:
        for turn in range(messages):
            content = [{"type": "text", "text": f"message {turn}"}]
            journal.append(tx, execution_id, turn=turn, role="user", content=content)

    engine.store.write(write)
    return execution_id


def test_a_backup_holds_what_was_committed_and_is_private(engine: Engine, home: Path) -> None:
    """What stands only in the log is in the copy too, which nobody else may read and which needs no other file."""
    execution_id = with_journal(engine)
    made = engine.store.back_up()
    assert settings(made.path, "SELECT id FROM execution") == [(execution_id,)]
    assert [path.name for path in made.path.parent.iterdir()] == [made.path.name]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert made.size == made.path.stat().st_size
    assert backup.listing(home) == [made]


def test_verifying_tells_what_is_in_it(engine: Engine) -> None:
    """Executions, threads, and the newest event are counted."""
    with_journal(engine)
    with_journal(engine)
    found = backup.verify(engine.store.back_up().path)
    assert (found.executions, found.threads) == (2, 2)
    assert found.last_event == engine.store.read(backup.last_event)


def test_a_backup_is_one_snapshot_and_does_not_hold_writers_up(engine: Engine) -> None:
    """While writers go on, a copy taken piece by piece holds whole transactions only, and none waits for it."""
    engine.store.write(lambda tx: tx.sql("INSERT INTO setting (key, value) VALUES ('big', zeroblob(20000000))"))
    stop, written = threading.Event(), 0

    def pair(tx: Tx, number: int) -> None:
        for half in "ab":
            tx.sql("INSERT INTO setting (key, value) VALUES (?, ?)", (f"{number}{half}", number))

    def keep_writing() -> None:
        nonlocal written
        while not stop.is_set():
            engine.store.write(partial(pair, number=written))
            written += 1

    pieces = []
    writer = threading.Thread(target=keep_writing)
    writer.start()
    engine.store.write(lambda tx: tx.sql("DELETE FROM setting WHERE key = 'big'"))
    folder = engine.home / layout.BACKUPS
    folder.mkdir()
    copy = folder / "copy.part"
    backup._copy(lambda: connection.connect(engine.home / layout.DATABASE), copy, lambda: pieces.append(written))
    stop.set()
    writer.join()
    assert len(pieces) > 3
    assert pieces[-1] > pieces[0]
    [(rows, paired)] = settings(copy, PAIRS)
    assert rows == paired


def test_a_backup_that_is_called_off_leaves_nothing(engine: Engine, home: Path) -> None:
    """Whatever is raised between two pieces is raised on, and the half copy is gone."""

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.store.back_up(stop)
    assert list((home / layout.BACKUPS).iterdir()) == []


def test_what_a_dead_process_left_unfinished_is_cleared_away(engine: Engine, home: Path) -> None:
    """The half copy of a process that died is deleted when the next one is made."""
    folder = home / layout.BACKUPS
    folder.mkdir()
    (folder / "baara-20260101T000000000Z.db.part").write_bytes(b"half")
    engine.store.back_up()
    assert [path.suffix for path in folder.iterdir()] == [".db"]


def test_two_backups_of_one_moment_have_two_names(home: Path) -> None:
    """A clock that stands still overwrites nothing."""
    home.mkdir()
    store = Store(home, FakeClock())
    first, second = store.back_up(), store.back_up()
    store.close()
    assert (second.path != first.path, len(backup.listing(home))) == (True, 2)


def test_names_that_are_not_ours_are_no_backups(engine: Engine, home: Path) -> None:
    """Other files in the folder are neither listed nor touched."""
    made = engine.store.back_up()
    for name in ("baara-notes.db", "baara-20261399T000000000Z.db", "mine.db"):
        (made.path.parent / name).write_text("x")
    assert backup.listing(home) == [made]


def test_a_backup_of_a_damaged_journal_is_not_kept(engine: Engine, home: Path) -> None:
    """A copy in which a message is not what was written is deleted and told; those from before stay."""
    execution_id = with_journal(engine)
    before = engine.store.back_up()
    engine.store.write(lambda tx: tx.sql("UPDATE message SET role = 'assistant' WHERE seq = 1"))
    with pytest.raises(errors.DatabaseDamaged, match=rf"was not kept, because Message 1 of execution {execution_id}"):
        engine.store.back_up()
    assert list((home / layout.BACKUPS).iterdir()) == [before.path]


DAMAGES = {
    "a message changed": "UPDATE message SET content = CAST('[]' AS BLOB) WHERE seq = 1",
    "a message lost": "DELETE FROM message WHERE seq = 1",
    "messages without an execution": "PRAGMA foreign_keys = OFF; UPDATE message SET execution_id = 'X'",
    "an execution without its thread": "PRAGMA foreign_keys = OFF; UPDATE execution SET thread_id = 'X'",
    "a number that is none": "UPDATE execution SET turn = x'00ff'",
    "a text that is none": "UPDATE execution SET name = x'00ff'",
    "a table that makes no sense": "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE' "
    "WHERE name = 'thread'",
    "an index that misses a row": "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = "
    "(SELECT rootpage FROM sqlite_master WHERE name = 'queue') WHERE name = 'thread'",
    "a table gone": "DROP TABLE question",
    "a column gone": "ALTER TABLE question DROP COLUMN detail",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_copy_is_not_verified(engine: Engine, damage: str) -> None:
    """Structure, references, types, schema and every journal are looked at."""
    with_journal(engine)
    made = engine.store.back_up()
    db = apsw.Connection(str(made.path))
    db.execute(damage)
    db.close()
    with pytest.raises(errors.StoreError):
        backup.verify(made.path)


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\x00" + bytes(4080)])
def test_a_file_that_is_no_database_is_not_verified(tmp_path: Path, content: bytes) -> None:
    """An empty file and one of garbage are refused in a sentence that names them."""
    path = tmp_path / "odd.db"
    path.write_bytes(content)
    with pytest.raises(errors.StoreError, match=r"odd\.db"):
        backup.verify(path)


def test_a_copy_of_a_newer_version_is_not_verified(engine: Engine) -> None:
    """What this version would not understand cannot be put in place by it."""
    engine.store.write(lambda tx: tx.sql("INSERT INTO migration (name, at) VALUES ('m999_future', 0)"))
    with pytest.raises(errors.DatabaseDamaged, match="m999_future"):
        engine.store.back_up()


def test_a_backup_is_made_before_a_migration(engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with something in it is copied before a step is taken, as it was before it; a new one is not."""
    execution_id = with_journal(engine)
    engine.close()
    assert backup.listing(home) == []

    def m999_probe(tx: Tx) -> None:
        tx.sql("CREATE TABLE probe (id INTEGER)")

    monkeypatch.setattr(migrations, "STEPS", [*migrations.STEPS, m999_probe])
    again = Engine(home)
    assert again.store.read(lambda view: view.sql("SELECT count(*) FROM probe")) == [(0,)]
    again.close()
    [made] = backup.listing(home)
    assert settings(made.path, "SELECT name FROM sqlite_master WHERE name = 'probe'") == []
    assert settings(made.path, "SELECT id FROM execution") == [(execution_id,)]
    assert backup.verify(made.path).executions == 1


def test_nothing_is_migrated_where_no_backup_can_be_made(
    engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database whose copy cannot be verified is left as it was, with the reason."""
    with_journal(engine)
    engine.store.write(lambda tx: tx.sql("UPDATE execution SET turn = x'00'"))
    engine.close()
    monkeypatch.setattr(migrations, "STEPS", [*migrations.STEPS, lambda tx: tx.sql("CREATE TABLE probe (id)")])
    with pytest.raises(errors.DatabaseDamaged, match="was not kept"):
        Engine(home)
    assert settings(home / layout.DATABASE, "SELECT 1 FROM sqlite_master WHERE name = 'probe'") == []


BACK_UP = """
import sys
from pathlib import Path
from baara_engine.engine import Engine
engine = Engine(Path(sys.argv[1]))
engine.back_up()
engine.close()
"""


def test_several_processes_may_make_backups_at_once(engine: Engine, home: Path) -> None:
    """Each waits for its turn, and each copy is whole."""
    with_journal(engine)
    running = [subprocess.Popen([sys.executable, "-c", BACK_UP, str(home)], env=dict(os.environ)) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    found = backup.listing(home)
    assert len(found) == 3
    assert {backup.verify(one.path).executions for one in found} == {1}


def test_a_backup_that_somebody_else_makes_is_waited_for_in_bounds(
    engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits too long for another process is told so, instead of hanging."""
    monkeypatch.setattr(backup, "LOCK_S", 0.05)
    with backup.alone(home), pytest.raises(errors.StoreBusy, match="Another process"):
        engine.store.back_up()
