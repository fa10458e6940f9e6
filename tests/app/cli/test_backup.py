import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

Baara = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def lived(baara: Baara, engine: Engine, home: Path) -> Path:
    """Give a home with a backup of one execution, and a second that came after it."""
    engine.submit(Submission(prompt="first"))
    assert baara("backup").returncode == 0
    engine.submit(Submission(prompt="second"))
    engine.close()
    return home


def prompts(baara: Baara) -> list[str]:
    return sorted(one["name"] for one in json.loads(baara("executions", "list", "--json").stdout))


def test_a_backup_is_made_and_told(baara: Baara, engine: Engine, home: Path) -> None:
    """Its path is told, as text and as JSON, while the database is open elsewhere."""
    engine.submit(Submission(prompt="x"))
    made = json.loads(baara("backup", "--json").stdout)
    assert Path(made["path"]).stat().st_size == made["bytes"]
    assert Path(made["path"]).parent == home / "backups"
    told = baara("backup").stdout
    assert told.startswith(f"Made and verified {home / 'backups'}/baara-")


def test_backups_are_listed_with_what_is_in_them(baara: Baara, lived: Path) -> None:
    """Name, age, size and counts, newest first; one that cannot be read is listed too."""
    [one] = json.loads(baara("restore", "--json").stdout)
    assert (one["executions"], one["threads"], one["bytes"]) == (1, 1, Path(one["path"]).stat().st_size)
    baara("backup")
    newest = max((lived / "backups").iterdir())
    os.truncate(newest, 100)
    listed = baara("restore").stdout.splitlines()
    assert listed[0].split() == ["NAME", "AGE", "SIZE", "EXECUTIONS", "THREADS"]
    assert listed[1].startswith(newest.name)
    assert "cannot be read" in listed[1]
    assert listed[2].startswith(one["name"])


def test_without_backups_the_list_says_so(baara: Baara, engine: Engine) -> None:
    """An empty list is no error, and --latest has nothing to take."""
    assert "There are no backups" in baara("restore").stdout
    assert baara("restore", "--json").stdout == "[]\n"
    refused = baara("restore", "--latest")
    assert (refused.returncode, "no backup" in refused.stderr) == (3, True)


def test_the_newest_is_restored_and_the_old_one_kept(baara: Baara, lived: Path) -> None:
    """The message says what is there now, and where what was there before is."""
    assert prompts(baara) == ["first", "second"]
    told = baara("restore", "--latest")
    assert told.returncode == 0
    assert "with 1 execution and 1 thread" in told.stdout
    assert f"kept in {lived / 'damaged'}/" in told.stdout
    assert prompts(baara) == ["first"]


def test_what_was_kept_can_be_restored_by_its_path(baara: Baara, lived: Path) -> None:
    """A restore can be taken back with the path that it told."""
    done = json.loads(baara("restore", "--latest", "--json").stdout)
    assert (done["executions"], done["threads"]) == (1, 1)
    assert baara("restore", f"{done['set_aside']}/baara.db").returncode == 0
    assert prompts(baara) == ["first", "second"]


@pytest.mark.parametrize(("arguments", "status", "word"), [
    (("nope.db",), 3, "no file nope.db"),
    (("nope.db", "--latest"), 2, "not both"),
])  # fmt: skip
def test_wrong_names_are_told(baara: Baara, lived: Path, arguments: tuple[str, ...], status: int, word: str) -> None:
    """An unknown name, or two that contradict, change nothing."""
    refused = baara("restore", *arguments)
    assert (refused.returncode, word in refused.stderr) == (status, True)
    assert prompts(baara) == ["first", "second"]


def test_nothing_is_restored_below_an_engine(baara: Baara, engine: Engine, home: Path) -> None:
    """While an engine works the restore is refused, in one line."""
    engine.submit(Submission(prompt="x", not_before=4_000_000_000_000))
    engine.back_up()
    engine.start(ScriptedModels(ScriptedModel([])))
    refused = baara("restore", "--latest")
    engine.stop()
    assert refused.returncode == 4
    assert refused.stderr == f"baara: An engine works on {home}. Stop it first, then restore.\n"


def test_a_damaged_database_is_told_in_one_line_that_names_the_way_out(baara: Baara, lived: Path) -> None:
    """Any command says what is wrong and what to type; that works, and then so does the command."""
    os.truncate(lived / "baara.db", 5000)
    refused = baara("status")
    assert refused.returncode == 5
    assert "`baara restore --latest`" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert json.loads(baara("status", "--json").stdout)["error"]["code"] == "database_damaged"
    assert baara("restore", "--latest").returncode == 0
    assert baara("status").returncode == 0


def test_a_synced_home_is_refused_with_the_way_to_insist(baara: Baara, tmp_path: Path) -> None:
    """The message names the variable, and with it the command works."""
    home = str(tmp_path / "Dropbox" / "baara")
    refused = baara("status", "--home", home)
    assert (refused.returncode, "BAARA_ALLOW_SHARED_HOME=1" in refused.stderr) == (4, True)
    assert baara("status", "--home", home, BAARA_ALLOW_SHARED_HOME="1").returncode == 0
