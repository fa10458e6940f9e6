import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import baara_engine
from baara_engine.engine import Engine

Baara = Callable[..., subprocess.CompletedProcess[str]]

USAGE = {
    "unknown option": (["submit", "x", "--nope"], "No such option: --nope"),
    "no number": (["submit", "x", "--priority", "high"], "Invalid value for '--priority'"),
    "missing argument": (["executions", "show"], "Missing argument"),
    "too many": (["submit", "x", "y"], "Got unexpected extra argument"),
    "unknown command": (["submitt", "x"], "No such command 'submitt'. Did you mean 'submit'?"),
    "no command": (["tasks"], "Missing command. See: baara tasks --help"),
    "no state": (["executions", "list", "--status", "dead"], "Invalid value for '--status'"),
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_is_one_line(baara: Baara, home: Path, case: str) -> None:
    """What the parser refuses looks like every other error, on stderr or as JSON on stdout, and makes no home."""
    arguments, line = USAGE[case]
    done, as_json = baara(*arguments), baara("--json", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"baara: {line}")
    told = json.loads(as_json.stdout)["error"]
    assert (as_json.returncode, as_json.stderr, told["code"], told["title"]) == (2, "", "invalid", "Not understood")
    assert told["message"].startswith(line)
    assert not home.exists()


def test_help_and_version_are_told(baara: Baara) -> None:
    """The help is told by either name; the version is a line or a document."""
    assert baara("-h").stdout == baara("--help").stdout
    assert "executions" in baara("-h").stdout
    assert baara("--version").stdout == f"baara {baara_engine.__version__}\n"
    assert json.loads(baara("--version", "--json").stdout) == {"version": baara_engine.__version__}


def test_a_data_folder_that_cannot_be_used_is_told(baara: Baara, tmp_path: Path) -> None:
    """A file in its place, or a database that is gone, is exit status 5 and one line; nothing is made in its place."""
    (tmp_path / "file").touch()
    taken = baara("--home", str(tmp_path / "file"), "status")
    assert (taken.returncode, taken.stdout, taken.stderr.count("\n")) == (5, "", 1)
    assert "cannot be used" in taken.stderr
    Engine(tmp_path / "lost").close()
    for path in (tmp_path / "lost").glob("baara.db*"):
        path.unlink()
    lost = baara("--home", str(tmp_path / "lost"), "submit", "x", "--json")
    assert (lost.returncode, json.loads(lost.stdout)["error"]["code"]) == (5, "database_missing")
    assert not (tmp_path / "lost" / "baara.db").exists()


def test_a_reader_that_stops_reading_is_no_error(environment: dict[str, str], engine: Engine) -> None:
    """`baara … | head -1` ends in silence."""
    pipe = f"set -o pipefail; {sys.executable} -m baara_app queues list | true"
    done = subprocess.run(["bash", "-c", pipe], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_setting_of_the_environment_that_makes_no_sense_is_told(baara: Baara) -> None:
    """A bad value in the environment is one line that names the variable."""
    done = baara("status", BAARA_OFFLINE_PACE="slow")
    assert (done.returncode, done.stderr.count("\n"), "BAARA_OFFLINE_PACE" in done.stderr) == (2, 1, True)
    for value in ("many", "-1", "100", "9" * 5000, "٣٠٠٠٠"):
        done = baara("status", BAARA_CONTEXT_TOKENS=value)
        assert (done.returncode, done.stderr.count("\n"), "BAARA_CONTEXT_TOKENS" in done.stderr) == (2, 1, True)
