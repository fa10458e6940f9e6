import os
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from baara_engine import errors, owner
from baara_engine.clock import SystemClock
from baara_engine.doctor import Finding, examine
from baara_engine.engine import Engine
from baara_engine.records import Effect
from baara_engine.requests import Submission
from baara_engine.store import backup, executions, findings, journal, migrations, opening, soundness
from baara_engine.store.store import DATABASE, Store
from baara_engine.testing.clocks import FakeClock
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

FAR = 4_000_000_000_000
DAY = 24 * 3600.0


def looked(home: Path, **options: object) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(home, **options)}  # type: ignore[arg-type]


def wrong(home: Path) -> dict[str, str]:
    """Give what is not well, and its detail."""
    return {finding.name: finding.detail for finding in examine(home) if not finding.ok}


def with_journal(engine: Engine) -> str:
    execution_id = engine.submit(Submission(prompt="work", not_before=FAR)).id
    for turn in range(3):
        write = partial(journal.append, execution_id=execution_id, turn=turn, role="user", content=[{"type": "text"}])
        engine.store.write(write)
    return execution_id


@pytest.fixture
def lived(engine: Engine, home: Path) -> Path:
    """Give a home with work in it, and a backup."""
    with_journal(engine)
    engine.back_up()
    return home


def test_a_sound_home_is_well(lived: Path) -> None:
    """Everything is looked at, and nothing is wrong; each thing has a name of its own."""
    found = examine(lived)
    assert [finding.name for finding in found] == [
        "SQLite", "home", "place", "room", "database", "health", "journals", "leases", "at work", "backups", "files",
        "sandbox",
    ]  # fmt: skip
    assert all(finding.ok and finding.remedy is None for finding in found), found


def test_an_older_database_is_looked_at_as_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier version wrote is sound, and is neither migrated by looking nor taken for damaged."""
    with monkeypatch.context() as earlier:
        earlier.setattr(migrations, "STEPS", migrations.STEPS[:1])
        home.mkdir(mode=0o700)
        Store(home, SystemClock()).close()
    found = looked(home)
    assert {name: finding.detail for name, finding in found.items() if not finding.ok} == {}
    assert "an earlier version wrote it" in found["database"].detail
    assert "an earlier version wrote it" in looked(home)["database"].detail


def test_what_the_engine_has_found_about_itself_is_told(lived: Path, engine: Engine) -> None:
    """A finding about the engine is not well, with what to do about it; those about the work are counted."""
    [execution] = engine.executions()
    engine.store.write(lambda tx: findings.found(tx, "slow", "It is slow.", "Wait.", execution.id))
    assert looked(lived)["health"].ok
    engine.store.write(lambda tx: findings.found(tx, "disk", "9 MiB are free.", "Make room."))
    assert looked(lived)["health"] == Finding(
        "health", ok=False, detail="9 MiB are free. 1 about the work: baara status", remedy="Make room."
    )


def test_a_home_that_is_not_there_yet_is_well_and_stays_so(tmp_path: Path) -> None:
    """Looking makes nothing."""
    assert wrong(tmp_path / "none") == {}
    assert list(tmp_path.iterdir()) == []


def test_looking_changes_nothing(lived: Path, engine: Engine) -> None:
    """Database and backups are the same afterwards, byte by byte."""
    engine.close()
    before = {path: path.read_bytes() for path in [lived / DATABASE, *(lived / "backups").iterdir()]}
    looked(lived)
    assert {path: path.read_bytes() for path in before} == before


def test_every_finding_that_is_not_well_has_a_remedy(lived: Path, engine: Engine) -> None:
    """Whoever reads what is wrong reads what to do."""
    engine.close()
    (lived / DATABASE).unlink()
    lived.chmod(0o755)
    found = [finding for finding in examine(lived) if not finding.ok]
    assert {finding.name for finding in found} == {"home", "database"}
    assert all(finding.remedy for finding in found)


def test_a_database_that_cannot_be_opened_is_told_and_the_rest_is_still_looked_at(lived: Path, engine: Engine) -> None:
    """The reason and the remedy are there, and so are backups, files and sandbox."""
    engine.close()
    os.truncate(lived / DATABASE, 5000)
    found = looked(lived)
    assert "malformed" in found["database"].detail
    assert "baara restore --latest" in (found["database"].remedy or "")
    assert found["backups"].ok
    assert found["sandbox"].ok


def test_damage_that_opening_does_not_show_is_found(lived: Path, engine: Engine) -> None:
    """A value of a wrong type is told; so is an execution without its thread."""
    engine.store.write(lambda tx: tx.sql("UPDATE execution SET turn = x'00'"))
    assert "execution has a value of a type" in wrong(lived)["database"]


def test_a_damaged_journal_is_named(lived: Path, engine: Engine) -> None:
    """The execution whose messages are not what was written is named, and the sound one is not."""
    damaged, sound = with_journal(engine), with_journal(engine)
    engine.store.write(lambda tx: tx.sql("UPDATE message SET role = 'x' WHERE execution_id = ?", (damaged,)))
    found = wrong(lived)
    assert damaged in found["journals"]
    assert sound not in found["journals"]


def test_a_damaged_tool_call_and_a_stray_one_are_named(lived: Path, engine: Engine) -> None:
    """The doctor reads tool calls as well as messages, also those of an execution that is gone."""
    damaged, sound = with_journal(engine), with_journal(engine)
    block = {"id": "toolu_1", "name": "bash", "input": {}}
    for one in (damaged, sound):
        engine.store.write(
            partial(journal.intend, execution_id=one, turn=1, ordinal=0, block=block, effect=Effect.READ, notes={})
        )
    engine.store.write(lambda tx: tx.sql("UPDATE tool_call SET effect = 'x' WHERE execution_id = ?", (damaged,)))
    found = wrong(lived)
    assert damaged in found["journals"]
    assert sound not in found["journals"]
    with pytest.raises(errors.DatabaseDamaged, match="was not kept"):
        engine.back_up()


def test_a_journal_that_is_being_written_is_no_damaged_one(lived: Path, engine: Engine) -> None:
    """The doctor looks at one moment: what an engine writes while it looks is not seen by halves."""
    execution_id = with_journal(engine)
    stop = threading.Event()

    def write() -> None:
        content = [{"type": "text", "text": "x" * 2000}]
        while not stop.is_set():
            engine.store.write(partial(journal.append, execution_id=execution_id, turn=0, role="user", content=content))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with opening.looked_at(lived, FakeClock()) as view:
            assert view is not None
            until = time.monotonic() + 1.0
            while time.monotonic() < until:
                assert list(soundness.damaged_journals(view)) == []
    finally:
        stop.set()
        writer.join()


def test_work_without_an_engine_is_found(lived: Path, engine: Engine) -> None:
    """What a dead engine holds, and what a living process holds that is no engine, are told apart."""
    for _ in range(5):
        engine.submit(Submission(prompt="work"))
    dead = engine.store.write(lambda tx: executions.claim(tx, "transfer", 4, "an-earlier-boot/1/1", FAR))
    alive = engine.store.write(lambda tx: executions.claim(tx, "transfer", 5, str(owner.Owner.me()), FAR))
    found = wrong(lived)
    assert dead[0].id in found["leases"]
    assert "and 1 more" in found["leases"]
    assert alive[0].id in found["at work"]


def test_an_engine_at_work_is_well(lived: Path, engine: Engine) -> None:
    """Looking beside a working engine disturbs neither."""
    engine.start(ScriptedModels(ScriptedModel([])))
    assert wrong(lived) == {}
    engine.stop()


def test_missing_old_and_damaged_backups_are_told(lived: Path, engine: Engine) -> None:
    """No backup, one that is a day behind, and one that is not sound are each not well."""
    [made] = backup.listing(lived)
    later = FakeClock(made.at)
    later.advance(DAY + 1)
    assert looked(lived, clock_=later)["backups"].ok  # nothing has changed since
    with_journal(engine)
    assert not looked(lived, clock_=later)["backups"].ok
    assert looked(lived, clock_=FakeClock(made.at))["backups"].ok
    newer = engine.back_up()
    os.truncate(newer.path, 100)
    assert newer.path.name in wrong(lived)["backups"]
    shutil.rmtree(lived / "backups")
    assert wrong(lived)["backups"] == "there is none"


def test_what_was_left_half_done_is_named(lived: Path) -> None:
    """A folder of a restore that died, and a file that was never finished."""
    (lived / "restoring-abc").mkdir()
    (lived / "ballast.part").write_bytes(b"")
    (lived / "backups" / "baara-20260101T000000000Z.db.part").write_bytes(b"")
    assert "restoring-abc, ballast.part" in wrong(lived)["files"]


def test_a_place_that_is_not_fit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A synced folder is found even where its use was allowed."""
    monkeypatch.setenv("BAARA_ALLOW_SHARED_HOME", "1")
    home = tmp_path / "Dropbox" / "baara"
    Engine(home).close()
    assert "Dropbox" in wrong(home)["place"]


def test_others_look_at_what_the_engine_does_not_know(lived: Path) -> None:
    """Probes add their findings; one that the system refuses is a finding too."""

    def refused() -> Finding:
        raise errors.Unavailable("nobody there")

    found = examine(lived, [lambda: Finding("keyring", ok=True, detail="answers"), refused])
    assert [finding.name for finding in found[-2:]] == ["keyring", "system"]
    assert found[-1].detail == "The system refused: nobody there."


# Root may look everywhere, so the process gives up that power first; for everybody else this changes nothing.
WITHOUT_POWER = """
import ctypes, sys
from pathlib import Path
from baara_engine.doctor import examine
if sys.platform == "linux":
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capset(header, none) == 0
for finding in examine(Path(sys.argv[1])):
    print(finding.name, finding.ok, sep="\\t")
"""


@pytest.mark.parametrize("name", [".", DATABASE, "backups"])
def test_what_may_not_be_looked_at_is_no_crash(lived: Path, engine: Engine, name: str) -> None:
    """Whichever part of the home is closed to us, the examination comes to its end and says that something is wrong."""
    engine.close()
    (lived / name).chmod(0)
    command = [sys.executable, "-c", WITHOUT_POWER, str(lived)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (lived / name).chmod(0o700)
    assert done.returncode == 0, done.stderr
    told = dict(line.split("\t") for line in done.stdout.splitlines())
    assert told["sandbox"] == "True"
    assert "False" in told.values()
