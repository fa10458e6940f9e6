import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from baara_engine.engine import Engine
from baara_engine.requests import Submission

Baara = Callable[..., subprocess.CompletedProcess[str]]

KEY = "sk-ant-nobody-may-see-this"


def findings(told: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    return {finding["name"]: finding for finding in json.loads(told.stdout)["findings"]}


def test_a_sound_home_is_ticked_off(baara: Baara, engine: Engine) -> None:
    """Each check has its line, and the status is 0 where all is well."""
    engine.submit(Submission(prompt="x"))
    engine.back_up()
    told = baara("doctor", BAARA_MODEL="offline", ANTHROPIC_API_KEY=KEY)
    assert told.returncode == 0, told.stdout
    assert all(line.startswith("✓ ") for line in told.stdout.splitlines())
    assert "✓ model: the offline model" in told.stdout
    assert "✓ sandbox: native" in told.stdout


def test_what_is_not_well_is_crossed_with_its_remedy(baara: Baara, engine: Engine, home: Path) -> None:
    """A database that cannot be opened gets a cross, the way out below it, and the status 1; the rest is looked at."""
    engine.submit(Submission(prompt="x"))
    engine.back_up()
    engine.close()
    os.truncate(home / "baara.db", 5000)
    told = baara("doctor", BAARA_MODEL="offline", ANTHROPIC_API_KEY=KEY)
    assert told.returncode == 1
    lines = told.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("✗ database: "))
    assert lines[at + 1].startswith("  → ")
    assert "baara restore --latest" in lines[at + 1]
    assert [line for line in lines if line.startswith("✗")] == [lines[at]]


def test_programs_get_a_document(baara: Baara, home: Path) -> None:
    """With --json all findings are there with name, ok, detail and remedy; a home that is not there is not made."""
    told = baara("doctor", "--json", BAARA_MODEL="offline", ANTHROPIC_API_KEY=KEY)
    document = json.loads(told.stdout)
    assert (document["ok"], document["home"]) == (told.returncode == 0, str(home))
    assert {"SQLite", "home", "database", "backups", "sandbox", "keyring", "model"} <= set(findings(told))
    assert all(set(finding) == {"name", "ok", "detail", "remedy"} for finding in document["findings"])
    assert not home.exists()


def test_the_key_is_looked_for_and_never_shown(baara: Baara, engine: Engine) -> None:
    """Without a key the model is not well; with one in the environment it is, and nobody reads it."""
    without = findings(baara("doctor", "--json"))
    assert (without["model"]["ok"], without["keyring"]["ok"]) == (False, False)
    assert "baara key set" in str(without["model"]["remedy"])
    told = baara("doctor", "--json", ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL="http://me:sesame@127.0.0.1:9")
    found = findings(told)
    assert found["model"]["ok"]
    assert "127.0.0.1" in str(found["model"]["detail"])
    assert not {KEY, "sesame"} & set(re.findall(r"[\w-]+", told.stdout + told.stderr))


def test_a_sandbox_is_tried(baara: Baara) -> None:
    """With a name, every promise of that sandbox gets a line with what came of it, and its strength comes first."""
    told = baara("doctor", "--sandbox", "native", "--json")
    document = json.loads(told.stdout)
    assert (told.returncode, document["ok"]) == (0, True), told.stdout
    assert document["strength"] in ("boundary", "not a boundary")
    assert {check["verdict"] for check in document["checks"]} <= {"holds", "not applicable"}


def test_a_sandbox_that_does_not_exist_is_refused(baara: Baara) -> None:
    """The sentence names those that there are."""
    told = baara("doctor", "--sandbox", "paper")
    assert told.returncode != 0
    assert "native" in told.stderr
