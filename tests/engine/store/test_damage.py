"""What a start makes of a damaged home. Never an empty inbox over evidence: all is readable, or the remedy is told."""

import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from baara_engine import backups, errors
from baara_engine.engine import Engine
from baara_engine.records import Effect
from baara_engine.requests import Submission, TaskDraft
from baara_engine.store import backup, connection, journal, layout
from baara_engine.store.store import DATABASE, SENTINEL
from baara_engine.store.transaction import Tx
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

LOG, INDEX = DATABASE + layout.LOG, DATABASE + layout.INDEX
REMEDY = "baara restore --latest"
PAGE = 4096
NOW = 1_800_000_000_000

Everything = dict[str, Any]

SEED = int(os.environ.get("BAARA_SEED") or random.SystemRandom().randrange(1_000_000))
FLIPS = int(os.environ.get("BAARA_FLIPS") or 400)
REMEDY_OR_NONE = f"{REMEDY}|no verified backup"


@dataclass(frozen=True)
class Bases:
    """Homes to be damaged: one that was closed in order, one whose process was killed, and what stands in each."""

    closed: Path
    killed: Path
    inside: dict[str, Everything]


def fill(engine: Engine) -> None:
    for number in range(4):
        execution = engine.submit(Submission(prompt=f"work {number}", not_before=4_000_000_000_000))
        engine.store.write(partial(converse, execution_id=execution.id))


def converse(tx: Tx, execution_id: str) -> None:
    for turn in range(12):
        content = [{"type": "text", "text": f"{turn}" * 300}]
        journal.append(tx, execution_id, turn=turn, role="user", content=content)
    block = {"id": "toolu_1", "name": "bash", "input": {"command": "make everything"}}
    journal.intend(tx, execution_id, 11, 0, block, Effect.UNSAFE, {})


def everything(engine: Engine) -> Everything:
    """Read all that a person could ask for."""
    return {
        "executions": engine.executions(limit=1000),
        "journals": [engine.journal(one.id) for one in engine.executions(limit=1000)],
        "found": [engine.execution(one.id).id for one in engine.executions(limit=1000)],
        "threads": [engine.thread(one.id) for one in engine.threads(1000)],
        "tasks": engine.tasks(),
        "events": engine.events(limit=100_000),
        "queues": engine.queues(),
    }


def live(home: Path) -> None:
    """Begin a life that has a backup behind it, and end it without a word."""
    engine = Engine(home)
    engine.create_task(TaskDraft(name="sweep", prompt="Sweep."))
    fill(engine)
    engine.back_up()
    engine.close()
    fill(Engine(home))
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    """Make the homes that each case gets a copy of."""
    folder = tmp_path_factory.mktemp("bases")
    process = multiprocessing.get_context("fork").Process(target=live, args=(folder / "killed",))
    process.start()
    process.join()
    shutil.copytree(folder / "killed", folder / "closed")
    inside = {}
    engine = Engine(folder / "closed")
    inside["closed"] = inside["killed"] = everything(engine)
    engine.close()
    assert not (folder / "closed" / LOG).exists()
    assert (folder / "killed" / LOG).stat().st_size > 50 * PAGE
    return Bases(folder / "closed", folder / "killed", inside)


def outcome(home: Path) -> Everything | errors.BaaraError:
    """Start as the program does, and read all there is."""
    try:
        engine = Engine(home)
    except errors.BaaraError as error:
        return error
    try:
        engine.store.require_sound()
        return everything(engine)
    except errors.BaaraError as error:
        return error
    finally:
        engine.close()


def files(home: Path) -> dict[str, bytes]:
    """Give what must not be changed when a start is refused."""
    kept = [home / name for name in (DATABASE, LOG, SENTINEL)]
    return {str(path): path.read_bytes() for path in [*kept, *(home / layout.BACKUPS).iterdir()] if path.is_file()}


# ------------------------------------------------------------------ damages

Damage = Callable[[Path], object]


def database(home: Path) -> Path:
    return home / DATABASE


def cut(name: str, size: float) -> Damage:
    """Cut a file: to so many bytes, by so many (below 0), or to a share (between 0 and 1)."""

    def damage(home: Path) -> None:
        have = (home / name).stat().st_size
        left = have + size if size < 0 else have * size if 0 < size < 1 else size
        os.truncate(home / name, int(left))

    return damage


def flip(name: str, offset: float, with_: int = 0x42) -> Damage:
    """Change one byte: at this offset, or at this share of the file (between 0 and 1)."""

    def damage(home: Path) -> None:
        content = bytearray((home / name).read_bytes())
        content[int(offset * len(content)) if isinstance(offset, float) else offset] ^= with_
        (home / name).write_bytes(content)

    return damage


def fill_with(name: str, content: bytes) -> Damage:
    return lambda home: (home / name).write_bytes(content)


def put_over(name: str, offset: int, content: bytes) -> Damage:
    def damage(home: Path) -> None:
        whole = bytearray((home / name).read_bytes())
        whole[offset : offset + len(content)] = content
        (home / name).write_bytes(whole)

    return damage


def replaced(old: bytes, new: bytes) -> Damage:
    """Change text wherever it stands in the database file."""

    def damage(home: Path) -> None:
        content = database(home).read_bytes()
        assert old in content
        database(home).write_bytes(content.replace(old, new))

    return damage


def pages(change: Callable[[bytearray, int], None]) -> Damage:
    """Change each fifth page behind the first in the same way."""

    def damage(home: Path) -> None:
        content = bytearray(database(home).read_bytes())
        for page in range(1, len(content) // PAGE, 5):
            change(content, page * PAGE)
        database(home).write_bytes(content)

    return damage


def swap_pages(home: Path) -> None:
    content = bytearray(database(home).read_bytes())
    one, two = slice(2 * PAGE, 3 * PAGE), slice(5 * PAGE, 6 * PAGE)
    content[one], content[two] = content[two], content[one]
    database(home).write_bytes(content)


def sql(statement: str) -> Damage:
    def damage(home: Path) -> None:
        db = apsw.Connection(str(database(home)))
        db.execute(statement)
        db.close()

    return damage


def with_nan(home: Path) -> None:
    db = apsw.Connection(str(database(home)))
    db.execute("PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'turn INTEGER NOT NULL', "
               "'turn INTEGER') WHERE name = 'execution'")  # fmt: skip
    db.close()
    db = apsw.Connection(str(database(home)))
    db.execute("UPDATE execution SET turn = ?", (float("nan"),))
    db.execute("PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'turn INTEGER', "
               "'turn INTEGER NOT NULL') WHERE name = 'execution'")  # fmt: skip
    db.close()


def page_of(name: str, kind: str, change: Callable[[bytearray], object]) -> Damage:
    """Change the first page of this kind (leaf, internal, overflow) that a table or index has."""
    statement = f"SELECT min(pageno) FROM dbstat WHERE name = '{name}' AND pagetype = '{kind}'"

    def damage(home: Path) -> None:
        [(number,)] = backup_rows(home, statement)
        content = bytearray(database(home).read_bytes())
        page = content[(number - 1) * PAGE : number * PAGE]
        change(page)
        content[(number - 1) * PAGE : number * PAGE] = page
        database(home).write_bytes(content)

    return damage


def bit(at: int, with_: int = 1) -> Callable[[bytearray], object]:
    return lambda page: page.__setitem__(at, page[at] ^ with_)


def zero(page: bytearray) -> None:
    page[:] = bytes(len(page))


def with_free_pages(change: Callable[[bytearray], object]) -> Damage:
    """Let there be free pages, and change the first of them, which lists the others."""

    def damage(home: Path) -> None:
        sql("CREATE TABLE probe (x); INSERT INTO probe VALUES (zeroblob(60000)); DROP TABLE probe")(home)
        content = bytearray(database(home).read_bytes())
        number = int.from_bytes(content[32:36], "big")
        assert number
        page = content[(number - 1) * PAGE : number * PAGE]
        change(page)
        content[(number - 1) * PAGE : number * PAGE] = page
        database(home).write_bytes(content)

    return damage


def all_of(*damages: Damage) -> Damage:
    def damage(home: Path) -> None:
        for one in damages:
            one(home)

    return damage


def with_newer_backup(make: Callable[[Path, Path], object]) -> Damage:
    """Put something that is not sound beside the sound backup, under the name of a newer one; delete the database."""

    def damage(home: Path) -> None:
        [sound] = (home / layout.BACKUPS).iterdir()
        make(sound, sound.with_name("baara-20991231T235959000Z.db"))
        database(home).unlink()

    return damage


def changed_copy(change: Callable[[bytearray], object]) -> Callable[[Path, Path], object]:
    def make(sound: Path, newer: Path) -> None:
        content = bytearray(sound.read_bytes())
        change(content)
        newer.write_bytes(content)

    return make


def sql_copy(statement: str) -> Callable[[Path, Path], object]:
    def make(sound: Path, newer: Path) -> None:
        shutil.copyfile(sound, newer)
        db = apsw.Connection(str(newer))
        db.execute(statement)
        db.close()

    return make


def move_and_link(home: Path) -> None:
    database(home).rename(home / "elsewhere.db")
    database(home).symlink_to(home / "elsewhere.db")


def rollback_of_another(home: Path) -> None:
    """Leave what a change of another database without a log leaves behind if it is interrupted."""
    other = home / "other.db"
    foreign(other)
    db = apsw.Connection(str(other))
    db.execute("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN")
    for number in range(200):
        db.execute("INSERT INTO bookmarks VALUES (?)", (f"{number}" * 500,))
    left = (home / "other.db-journal").read_bytes()
    db.close()
    assert len(left) > 512
    (home / f"{DATABASE}{layout.ROLLBACK}").write_bytes(left)


def delete(*names: str) -> Damage:
    def damage(home: Path) -> None:
        for name in names:
            (home / name).unlink()

    return damage


def in_its_place(make: Callable[[Path], object]) -> Damage:
    def damage(home: Path) -> None:
        database(home).unlink()
        make(database(home))

    return damage


def foreign(path: Path) -> None:
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('about:blank')")
    db.close()


def foreign_with_migrations(path: Path) -> None:
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE migration (name TEXT, at INTEGER); INSERT INTO migration VALUES ('0001_initial', 0)")
    db.close()


def hollow(path: Path) -> None:
    db = apsw.Connection(str(path))
    db.execute("PRAGMA user_version = 1; PRAGMA user_version = 0")
    db.close()
    assert path.stat().st_size == PAGE


def of_another_home(path: Path) -> None:
    engine = Engine(path.parent / "another")
    fill(engine)
    engine.close()
    shutil.copyfile(path.parent / "another" / DATABASE, path)


def log_of_another_home(home: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=live, args=(home / "another",))
    process.start()
    process.join()
    shutil.copyfile(home / "another" / LOG, home / LOG)
    (home / INDEX).unlink()


def older_database_below_the_log(home: Path) -> None:
    """Copy a backup over the database and leave the log, as a person in haste may do."""
    [made] = (home / layout.BACKUPS).iterdir()
    shutil.copyfile(made, database(home))
    (home / INDEX).unlink()


DAMAGED, MISSING = errors.DatabaseDamaged, errors.DatabaseMissing
FOREIGN, OUT_OF_REACH = errors.DatabaseForeign, errors.DatabaseOutOfReach
SOUND = "all is readable"
EITHER = None  # all is readable, or any error that tells the remedy

Expected = type[errors.BaaraError] | str | None

CLOSED: dict[str, tuple[Damage, Expected]] = {
    "untouched": (lambda _: None, SOUND),
    **{f"cut to {size} bytes": (cut(DATABASE, size), DAMAGED) for size in (1, 15, 16, 99, 100, 512, PAGE - 1)},
    **{f"cut to {size} pages": (cut(DATABASE, size * PAGE), DAMAGED) for size in (1, 2, 7, 20)},
    "cut to half": (cut(DATABASE, 0.5), DAMAGED),
    "cut by a page": (cut(DATABASE, -PAGE), DAMAGED),
    "cut by a byte": (cut(DATABASE, -1), EITHER),
    "cut to nothing": (cut(DATABASE, 0), MISSING),
    "garbage": (fill_with(DATABASE, random.Random(1).randbytes(100_000)), DAMAGED),
    "zeros": (fill_with(DATABASE, bytes(100_000)), DAMAGED),
    "text": (fill_with(DATABASE, b"I was here.\n"), DAMAGED),
    "the magic flipped": (flip(DATABASE, 3), DAMAGED),
    **{f"header byte {at} flipped": (flip(DATABASE, at), EITHER) for at in range(16, 100, 3)},
    "the header overwritten": (put_over(DATABASE, 0, bytes(100)), DAMAGED),
    "a word of the schema": (replaced(b"CREATE TABLE thread", b"CREATE TABLX thread"), DAMAGED),
    "a column of the schema": (replaced(b"title TEXT NOT NULL", b"tiXle TEXT NOT NULL"), DAMAGED),
    "the name of a table": (replaced(b"thread_message", b"thread_massage"), EITHER),
    "the name of a step": (replaced(b"m001_initial", b"m00!_initial"), FOREIGN),
    "zeros at the beginning of pages": (pages(lambda all_, at: all_.__setitem__(slice(at, at + 8), bytes(8))), DAMAGED),
    "page types flipped": (pages(lambda all_, at: all_.__setitem__(at, all_[at] ^ 0x08)), DAMAGED),
    "cell pointers flipped": (pages(lambda all_, at: all_.__setitem__(at + 9, all_[at + 9] ^ 0x04)), EITHER),
    "pages of garbage": (
        pages(lambda all_, at: all_.__setitem__(slice(at, at + PAGE), random.Random(2).randbytes(PAGE))), DAMAGED,
    ),
    "two pages swapped": (swap_pages, DAMAGED),
    "a journal's text": (replaced(b"5" * 300, b"5" * 299 + b"6"), errors.JournalDamaged),
    "bytes behind the end": (put_over(DATABASE, 1 << 30, b"x"), EITHER),
    "blobs for numbers": (sql("UPDATE execution SET turn = x'01ff'"), DAMAGED),
    "texts for numbers": (sql("UPDATE event SET at = 'noon'"), DAMAGED),
    "not a number": (with_nan, DAMAGED),
    "a state that there is not": (sql("UPDATE execution SET status = 'running?'"), DAMAGED),
    "text that is no text": (sql("UPDATE thread SET title = CAST(x'ff00fe' AS TEXT)"), DAMAGED),
    "JSON that is none": (sql("UPDATE execution SET resumed = '[{'"), DAMAGED),
    "a reference to nothing": (sql("UPDATE execution SET thread_id = 'nowhere'"), DAMAGED),
    "deleted": (delete(DATABASE), MISSING),
    "deleted, and its sentinel": (delete(DATABASE, SENTINEL), MISSING),
    "without its sentinel": (delete(SENTINEL), SOUND),
    "with half a sentinel": (cut(SENTINEL, 0.5), SOUND),
    "with an empty sentinel": (cut(SENTINEL, 0), SOUND),
    "a folder": (in_its_place(Path.mkdir), OUT_OF_REACH),
    "a pipe": (in_its_place(os.mkfifo), OUT_OF_REACH),
    "a link to itself": (in_its_place(lambda path: path.symlink_to(path)), OUT_OF_REACH),
    "a link to nowhere": (in_its_place(lambda path: path.symlink_to(path.parent / "nowhere")), MISSING),
    "of another program": (in_its_place(foreign), FOREIGN),
    "of another program with migrations": (in_its_place(foreign_with_migrations), FOREIGN),
    "of another home": (in_its_place(of_another_home), FOREIGN),
    "of nobody": (in_its_place(hollow), DAMAGED),
    "a page of a table is gone from its tree": (page_of("message", "internal", bit(8 + 4 + 3)), DAMAGED),
    "an inner page has fewer entries": (page_of("message", "internal", bit(4, 0xFF)), DAMAGED),
    "a leaf has one entry less": (page_of("message", "leaf", bit(4)), DAMAGED),
    "a leaf of an index is zeros": (page_of("message_execution_id_seq", "leaf", zero), DAMAGED),
    "a bit in a leaf of an index": (page_of("message_execution_id_seq", "leaf", bit(-1)), DAMAGED),
    "a bit in an automatic index": (page_of("sqlite_autoindex_execution_1", "leaf", bit(-3)), DAMAGED),
    "the list of free pages": (with_free_pages(bit(2, 0x7F)), DAMAGED),
    "the number of free pages": (with_free_pages(bit(7, 0x40)), DAMAGED),
    "pages that are holes": (pages(lambda all_, at: all_.__setitem__(slice(at, at + PAGE), bytes(PAGE))), DAMAGED),
    "a tool call's input": (replaced(b"make everything", b"take everything"), errors.JournalDamaged),
    "a tool call is gone": (sql("DELETE FROM tool_call WHERE id = 3"), errors.JournalDamaged),
    "the last message is gone": (sql("DELETE FROM message WHERE seq = 11"), errors.JournalDamaged),
    "the head of a journal is gone": (sql("DELETE FROM journal_head"), errors.JournalDamaged),
    "a table is gone": (sql("DROP TABLE journal_head"), DAMAGED),
    "moved and linked": (move_and_link, EITHER),
    "a rollback file of garbage": (fill_with(DATABASE + layout.ROLLBACK, b"\xd9\xd5" * 4500), DAMAGED),
    "an empty rollback file": (fill_with(DATABASE + layout.ROLLBACK, b""), SOUND),
    "a rollback file of another database": (rollback_of_another, DAMAGED),
    "an empty log beside it": (fill_with(LOG, b""), SOUND),
    "a log of garbage beside it": (fill_with(LOG, random.Random(6).randbytes(9000)), DAMAGED),
    "an index of garbage beside it": (fill_with(INDEX, random.Random(7).randbytes(32768)), EITHER),
    "the newest backup garbage": (with_newer_backup(lambda _, newer: newer.write_bytes(bytes(9000))), MISSING),
    "the newest backup empty": (with_newer_backup(lambda _, newer: newer.write_bytes(b"")), MISSING),
    "the newest backup cut to half": (
        with_newer_backup(changed_copy(lambda all_: all_.__delitem__(slice(len(all_) // 2, None)))), MISSING,
    ),
    "the newest backup with zeros in it": (
        with_newer_backup(changed_copy(lambda all_: all_.__setitem__(slice(3 * PAGE, 5 * PAGE), bytes(2 * PAGE)))),
        MISSING,
    ),
    "the newest backup with a damaged message": (
        with_newer_backup(sql_copy("UPDATE message SET at = at + 1 WHERE id = 3")), MISSING,
    ),
    "the newest backup with a damaged tool call": (
        with_newer_backup(sql_copy("UPDATE tool_call SET effect = 'read' WHERE id = 3")), MISSING,
    ),
    "the newest backup of another program": (with_newer_backup(lambda _, newer: foreign(newer)), MISSING),
    "the newest backup of a newer version": (
        with_newer_backup(sql_copy("INSERT INTO migration VALUES ('m999_future', 0)")), MISSING,
    ),
    "the newest backup a folder": (with_newer_backup(lambda _, newer: newer.mkdir()), MISSING),
    "the newest backup a pipe": (with_newer_backup(lambda _, newer: os.mkfifo(newer)), MISSING),
    "the newest backup a link to nowhere": (
        with_newer_backup(lambda _, newer: newer.symlink_to(newer.with_name("nowhere"))), MISSING,
    ),
    "of a newer version": (sql("INSERT INTO migration VALUES ('m999_future', 0)"), errors.DatabaseTooNew),
}  # fmt: skip
KILLED: dict[str, tuple[Damage, Expected]] = {
    "untouched": (lambda _: None, SOUND),
    "the index deleted": (delete(INDEX), SOUND),
    "the index full of garbage": (fill_with(INDEX, random.Random(3).randbytes(32768)), SOUND),
    "the log deleted": (delete(LOG), DAMAGED),
    "the log emptied": (cut(LOG, 0), DAMAGED),
    "the log cut to its header": (cut(LOG, 32), DAMAGED),
    "the log cut to half": (cut(LOG, 0.5), DAMAGED),
    "the log cut by a page": (cut(LOG, -PAGE), DAMAGED),
    "the log's magic flipped": (flip(LOG, 0), DAMAGED),
    "the log's salt flipped": (flip(LOG, 18), DAMAGED),
    "the log full of garbage": (fill_with(LOG, random.Random(4).randbytes(100_000)), DAMAGED),
    "the log full of zeros": (fill_with(LOG, bytes(100_000)), DAMAGED),
    "a bit of the log's first page": (flip(LOG, 60, 1), DAMAGED),
    "a bit in the middle of the log": (flip(LOG, 0.5, 1), DAMAGED),
    "a bit of the log's last page": (flip(LOG, 0.999, 1), DAMAGED),
    "the log of another home": (log_of_another_home, EITHER),
    "an older database below the log": (older_database_below_the_log, EITHER),
    "the database cut": (cut(DATABASE, 100), EITHER),
    "the database deleted": (delete(DATABASE), MISSING),
    "the database emptied": (cut(DATABASE, 0), MISSING),
    "another program's database above the log": (in_its_place(foreign), EITHER),
}
CASES = [
    *(pytest.param("closed", *case, id=f"{name}") for name, case in CLOSED.items()),
    *(pytest.param("killed", *case, id=f"killed, {name}") for name, case in KILLED.items()),
]


@pytest.mark.parametrize(("base", "damage", "expected"), CASES)
def test_a_damaged_home_is_read_whole_or_refused_with_the_remedy(
    bases: Bases, tmp_path: Path, base: str, damage: Damage, expected: Expected
) -> None:
    """Either all that was acknowledged is there, or nothing is touched, the remedy is told, and it works."""
    home = tmp_path / "home"
    shutil.copytree(getattr(bases, base), home)
    damage(home)
    before = files(home)
    found = outcome(home)
    if not isinstance(found, errors.BaaraError):
        assert expected in {SOUND, EITHER}
        assert found == bases.inside[base]
        return
    assert expected is EITHER or type(found) is expected, found.message
    assert isinstance(found, errors.StoreError)
    [sound] = (getattr(bases, base) / layout.BACKUPS).iterdir()
    assert f"newest verified backup is {sound.name}" in found.message
    assert REMEDY in found.message
    assert files(home).items() >= before.items()  # SQLite leaves an empty log where there was none
    assert_remedy_works(home, before)


def assert_remedy_works(home: Path, before: dict[str, bytes]) -> None:
    """Do what the message says."""
    done = backups.restore(home, None, NOW)
    engine = Engine(home)
    engine.store.require_sound()
    held = everything(engine)
    engine.close()
    assert (len(held["executions"]), len(held["threads"]), len(held["tasks"])) == (4, 4, 1)
    assert done.set_aside is not None or not os.path.lexists(home / DATABASE) or DATABASE not in before
    if done.set_aside is not None:
        for name in (DATABASE, LOG):
            content = before.get(str(home / name))
            assert content is None or (done.set_aside / name).read_bytes() == content


# Root may do everything, so the process gives up that power first; for everybody else this changes nothing.
OPEN_WITHOUT_POWER = """
import ctypes, sys
from pathlib import Path
from baara_engine import clock, errors
from baara_engine.store.store import Store
if sys.platform == "linux":
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capset(header, none) == 0
try:
    Store(Path(sys.argv[1]), clock.SystemClock()).close()
except errors.BaaraError as error:
    print(type(error).__name__, error.message)
"""


def mode(name: str, bits: int) -> Damage:
    return lambda home: (home / name).chmod(bits)


FORBIDDEN = {
    "the database unreadable": mode(DATABASE, 0),
    "the database read-only": mode(DATABASE, 0o400),
    "the sentinel unreadable": mode(SENTINEL, 0),
    "the folder read-only": mode(".", 0o500),
    "the folder unreadable": mode(".", 0),
}


@pytest.mark.parametrize("forbid", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_may_not_be_used_is_told_with_the_remedy(bases: Bases, tmp_path: Path, forbid: Damage) -> None:
    """A database that may not be read or written is refused at the start, and nothing takes its place."""
    home = tmp_path / "home"
    shutil.copytree(bases.closed, home)
    before = files(home)
    forbid(home)
    command = [sys.executable, "-c", OPEN_WITHOUT_POWER, str(home)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    home.chmod(0o700)
    for name in (DATABASE, SENTINEL):
        (home / name).chmod(0o600)
    assert told.startswith("DatabaseOutOfReach"), told
    assert "permissions" in told
    assert re.search(REMEDY_OR_NONE, told)
    assert files(home).items() >= before.items()
    assert not isinstance(outcome(home), errors.BaaraError)


def test_a_locked_database_is_told_and_keeps_everything(
    bases: Bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another program holds the whole file the start is refused; afterwards all is there."""
    home = tmp_path / "home"
    shutil.copytree(bases.closed, home)
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.1)
    other = apsw.Connection(str(database(home)))
    other.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
    other.execute("BEGIN EXCLUSIVE")
    assert isinstance(outcome(home), errors.StoreBusy)
    other.close()
    assert outcome(home) == bases.inside["closed"]


def test_damage_that_shows_while_writing_is_told_with_the_remedy(bases: Bases, tmp_path: Path) -> None:
    """A page that is damaged while the program runs ends the write in a sentence, and the next ones work on."""
    home = tmp_path / "home"
    shutil.copytree(bases.closed, home)
    [(root,)] = backup_rows(home, "SELECT rootpage FROM sqlite_master WHERE name = 'setting'")
    engine = Engine(home)
    put_over(DATABASE, (int(root) - 1) * PAGE, b"\xff" * PAGE)(home)
    with pytest.raises(errors.DatabaseDamaged, match=REMEDY):
        engine.store.write(lambda tx: tx.sql("INSERT INTO setting (key, value) VALUES ('a', 'b')"))
    engine.submit(Submission(prompt="more"))
    engine.close()


def test_an_engine_does_not_start_on_damage(bases: Bases, tmp_path: Path) -> None:
    """What only a check of the whole file shows is found before the first work begins, and the home is free again."""
    home = tmp_path / "home"
    shutil.copytree(bases.closed, home)
    sql("UPDATE execution SET turn = x'01ff'")(home)
    engine = Engine(home)
    with pytest.raises(errors.DatabaseDamaged, match=REMEDY):
        engine.start(ScriptedModels(ScriptedModel([])))
    assert not engine.is_working()
    engine.close()


def test_without_a_backup_the_remedy_is_no_lie(tmp_path: Path) -> None:
    """Where no backup is sound, the message says so instead of naming one."""
    engine = Engine(tmp_path)
    engine.back_up()
    engine.close()
    for one in backup.listing(tmp_path):
        one.path.write_bytes(b"garbage")
    database(tmp_path).unlink()
    with pytest.raises(errors.DatabaseMissing, match=r"There is no verified backup in .*baara doctor"):
        Engine(tmp_path)


def backup_rows(home: Path, statement: str) -> list[tuple[Any, ...]]:
    db = connection.connect_to_copy(database(home))
    rows = connection.execute(db, statement)
    db.close()
    return rows


def test_every_flipped_bit_in_a_journal_is_found(tmp_path: Path) -> None:
    """Whichever bit of a message's content, role, number or checksum is flipped, reading the journal says so."""
    chance = random.Random(SEED)
    print(f"seed {SEED}, {FLIPS} flips")
    engine = Engine(tmp_path)
    fill(engine)
    engine.store.write(lambda tx: tx.sql("DROP INDEX message_execution_id_seq"))  # two numbers may become the same
    rows = engine.store.read(lambda view: view.sql("SELECT id, execution_id FROM message"))
    for _ in range(FLIPS):
        row, execution_id = chance.choice(rows)
        undo = engine.store.write(partial(flip_somewhere, row=row, chance=chance))
        with pytest.raises((errors.JournalDamaged, errors.DatabaseDamaged), match=REMEDY_OR_NONE):
            engine.journal(execution_id)
        engine.store.write(undo)
    for one in engine.executions():
        assert len(engine.journal(one.id)[0]) == 12
    engine.close()


def test_the_last_message_does_not_vanish_by_its_number(tmp_path: Path) -> None:
    """A number whose sign was flipped stands before all others, and is found there."""
    engine = Engine(tmp_path)
    fill(engine)
    [first, *_] = engine.executions()
    statement = "UPDATE message SET seq = ? WHERE execution_id = ? AND seq = 11"
    engine.store.write(lambda tx: tx.sql(statement, (flipped(11, 63), first.id)))
    with pytest.raises(errors.JournalDamaged):
        engine.journal(first.id)
    engine.close()


def flip_somewhere(tx: Tx, row: int, chance: random.Random) -> Callable[[Tx], object]:
    """Flip one bit of a row, and give what undoes it."""
    column, kind = chance.choice((("content", "BLOB"), ("role", "TEXT"), ("seq", "INTEGER"), ("checksum", "BLOB")))
    [(value,)] = tx.sql(f"SELECT CAST({column} AS BLOB) FROM message WHERE id = ?", (row,))
    if column == "seq":
        changed: bytes | int = flipped(int(value), chance.randrange(64))
    else:
        bits = int.from_bytes(value, "big") ^ (1 << chance.randrange(len(value) * 8))
        changed = bits.to_bytes(len(value), "big")
    statement = f"UPDATE message SET {column} = CAST(? AS {kind}) WHERE id = ?"
    tx.sql(statement, (changed, row))
    return lambda again: again.sql(statement, (value, row))


def flipped(number: int, bit: int) -> int:
    """Flip a bit of a number as it stands in 64 bits; the last is its sign."""
    return number - 2**63 if bit == 63 else number ^ (1 << bit)
