"""What falls over is reported once, beside the log, with the lines that led to it, no values and no secrets."""

import contextlib
import json
import logging
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baara_app import crashes, lifecycle, logs
from baara_app.cli import main as cli
from baara_app.desk import screens
from baara_engine import doctor, redaction

KEY = "sk-ant-api03-canary-0123456789"
SEGFAULT = """
import ctypes, sys
from pathlib import Path
from baara_app import crashes, logs
home = Path(sys.argv[1])
with logs.kept(home), crashes.kept(home):
    ctypes.string_at(0)
"""

pytestmark = pytest.mark.expects_log("")


@pytest.fixture
def kept(home: Path) -> Iterator[Path]:
    """Keep a log and reports in a home, and give the home."""
    redaction.guard_logs()
    home.mkdir(exist_ok=True)
    with logs.kept(home), crashes.kept(home):
        yield home


def fall(value: str) -> None:
    raise LookupError(f"it was not there: {KEY}" if value else "")


def test_an_error_becomes_a_report(kept: Path) -> None:
    """With what it was, the lines of code, and what the log said before; without values and secrets, for this user."""
    logging.getLogger("x").info("just before")
    with contextlib.suppress(LookupError):
        fall("a value of nobody's business")
    try:
        fall("a value of nobody's business")
    except LookupError:
        logging.getLogger("x").exception("it fell over")
    [report] = crashes.listing(kept)
    assert report.what == "it fell over"
    assert "LookupError: it was not there" in report.trace
    assert 'fall("a value' in report.trace  # a line of code, not the value of a variable
    assert [line.message for line in report.before] == ["just before", "it fell over"]
    [path] = (kept / "logs" / "crashes").iterdir()
    assert "canary" not in path.read_text()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_the_same_fault_is_reported_once(kept: Path) -> None:
    """However often it happens; another one is reported, too, and what is no fault is not."""
    for value in ("x", "x", ""):
        try:
            fall(value)
        except LookupError:
            logging.getLogger("x").exception("it fell over")
    logging.getLogger("x").error("no fault of the program")
    assert len(crashes.listing(kept)) == 2


def test_only_the_newest_are_kept(home: Path) -> None:
    """The oldest go; a long trace is cut, and keeps its end; what is no report is left out."""
    for number in range(crashes.KEPT + 5):
        crashes.write(home, crashes.Report(f"2026-01-01T00:00:{number:02}.000Z", str(number), "x" * 100_000 + "end"))
    found = crashes.listing(home)
    assert [report.what for report in found] == [str(number) for number in range(crashes.KEPT + 4, 4, -1)]
    assert (len(found[0].trace), found[0].trace[-3:]) == (crashes.LONGEST, "end")
    next(iter((home / "logs" / "crashes").iterdir())).write_text('{"at": 1')
    assert len(crashes.listing(home)) == crashes.KEPT - 1


def test_what_kills_the_interpreter_is_reported_by_the_next_start(home: Path) -> None:
    """A fault in a library leaves the lines that it happened in, and the next start makes a report of them, once."""
    home.mkdir()
    died = subprocess.run([sys.executable, "-c", SEGFAULT, str(home)], capture_output=True, check=False, timeout=60)
    assert died.returncode < 0
    assert crashes.listing(home) == []
    for _ in range(2):
        with logs.kept(home), crashes.kept(home):
            pass
    [report] = crashes.listing(home)
    assert report.what == "the program fell over in code that is not Python"
    assert "string_at" in report.trace


def test_a_window_that_falls_over_is_reported(kept: Path) -> None:
    """With what it said last."""

    class Fallen:
        pid = 7

        def __init__(self, *_: Any) -> None: ...
        def tell(self, what: str, **_: Any) -> None: ...
        def close(self) -> None: ...

    start: Any = Fallen
    screen = screens.Screen("window", lambda *_: None, start)
    screen.tell("show")
    screen.has_ended(7, 139, 0.0, "Qt: no graphics\nof any kind")
    [report] = crashes.listing(kept)
    assert (report.what, report.trace) == ("the window fell over (status 139)", "Qt: no graphics\nof any kind")
    screen.tell("show")
    screen.has_ended(7, -9, 0.0, "words of one that was killed")
    assert len(crashes.listing(kept)) == 1


def test_a_command_that_falls_over_says_so_in_a_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a status of its own and the place of the report, and no trace on the screen."""
    monkeypatch.setattr(lifecycle, "hide_memory", lambda: None)
    monkeypatch.setattr(lifecycle, "config", lambda: fall("x"))
    assert cli.run(["--home", str(home), "status"]) == 70
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("baara: Baara made a mistake (LookupError: it was not there: [hidden")
    assert str(home / "logs" / "crashes") in told.err
    assert cli.run(["--home", str(home), "--json", "status"]) == 70
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "fault"
    assert cli.run(["--home", str(home), "log", "--crashes", "--json"]) == 0
    reports = json.loads(capsys.readouterr().out)
    assert [report["what"][:12] for report in reports] == ["LookupError:"] * 2
    assert "canary" not in str(reports)


def test_where_no_report_can_be_written_the_error_is_shown(tmp_path: Path) -> None:
    """It is raised as it is, so that it is not lost."""
    (tmp_path / "home").write_text("no folder")
    with pytest.raises(LookupError), crashes.told(tmp_path / "home"):
        fall("x")


def test_the_doctor_tells_of_it(home: Path, baara: Any) -> None:
    """For a week, with where to read on."""
    crashes.write(home, crashes.Report("2020-01-01T00:00:00.000Z", "long ago", "x"))
    assert _finding(baara).ok
    crashes.write(home, crashes.Report(crashes._now(), "the tray fell over", "x"))
    found = _finding(baara)
    assert (found.ok, found.remedy) == (False, "Read what happened: baara log --crashes")
    assert found.detail == "1 report of the last 7 days, the newest: the tray fell over"


def _finding(baara: Any) -> doctor.Finding:
    told = json.loads(baara("doctor", "--json", BAARA_MODEL="offline").stdout)["findings"]
    [found] = [one for one in told if one["name"] == "crashes"]
    return doctor.Finding(**found)
