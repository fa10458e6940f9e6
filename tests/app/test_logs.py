"""The log: every line is JSON, holds no secret, is this user's alone, and never fills the disk."""

import contextlib
import json
import logging
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.test_serve import serving
from tests.crash import mounts

from baara_app import logs
from baara_engine import redaction
from baara_engine.engine import Engine

KEY = "sk-ant-api03-canary-0123456789"

pytestmark = pytest.mark.expects_log("")


@pytest.fixture
def kept(home: Path) -> Iterator[Path]:
    """Keep a log in a home, and give its file."""
    redaction.guard_logs()
    home.mkdir(exist_ok=True)
    with logs.kept(home):
        yield home / "logs" / "baara.log"


def fail(value: str) -> None:
    raise LookupError("it was not there" if value else "")


def test_a_line_is_json_with_what_was_said(kept: Path) -> None:
    """Time, level, who, what; of an error, the lines of code that led to it and none of the values."""
    logging.getLogger("a.b").info("two %s", "words\nand a line")
    try:
        fail("a value of nobody's business")
    except LookupError:
        logging.getLogger("a.b").exception("it failed")
    first, second = map(json.loads, kept.read_text().splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("info", "a.b", "two words\nand a line")
    assert first["at"].endswith("Z")
    assert "LookupError: it was not there" in second["trace"]
    assert "nobody's business" not in second["trace"].replace('fail("a value of nobody\'s business")', "")


def test_no_secret_gets_into_it(kept: Path) -> None:
    """Not in a message, not in an argument, not in what an error says."""
    logging.getLogger("x").warning("the key is %s", KEY)
    try:
        json.loads(f"{KEY}")
    except ValueError as error:
        error.add_note(KEY)
        logging.getLogger("x").exception(KEY)
    assert kept.read_text().count("\n") == 2
    assert "canary" not in kept.read_text()


def test_what_ends_a_thread_is_written_down(kept: Path) -> None:
    """A thread that falls over says why in the log."""

    def fall() -> None:
        raise RuntimeError("over the edge")

    thread = threading.Thread(target=fall, name="somebody")
    thread.start()
    thread.join()
    [line] = logs.tail(kept.parent.parent, 10, "critical")
    assert "somebody" in line.message
    assert "over the edge" in str(line.trace)


def test_it_is_bounded(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old files go; the last lines are found across files; what is damaged is left out."""
    [file] = [one for one in logging.getLogger().handlers if isinstance(one, logs.File)]
    monkeypatch.setattr(file, "maxBytes", 2000)
    for number in range(300):
        logging.getLogger("x").info("line %d", number)
    assert sorted(path.name for path in kept.parent.glob("baara.log*")) == [
        "baara.log", *(f"baara.log.{number}" for number in range(1, logs.KEPT + 1)),
    ]  # fmt: skip
    assert sum(path.stat().st_size for path in kept.parent.glob("baara.log*")) < 2000 * (logs.KEPT + 1)
    with kept.open("ab") as damaged:
        damaged.write(b'{"half\n\xff\xfe\n[]\n')
    assert [line.message for line in logs.tail(kept.parent.parent, 40)] == [f"line {n}" for n in range(260, 300)]
    assert logs.tail(kept.parent.parent, 0) == []


def test_a_full_disk_costs_a_line_and_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever wanted to say something goes on, nothing is said of it elsewhere, and with room it is kept again."""
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(mounts.tmpfs(tmp_path / "disk", 1))
        except mounts.CannotMount as why:
            pytest.skip(f"needs a user who may mount ({why})")
        stack.enter_context(logs.kept(disk))
        logging.getLogger("x").info("before")
        mounts.fill(disk / "filler")
        for _ in range(200):
            logging.getLogger("x").info("meanwhile " * 10)
        (disk / "filler").unlink()
        logging.getLogger("x").info("after")
        told = [line.message for line in logs.tail(disk, 1000) if "meanwhile" not in line.message]
        assert told == ["before", "after"]
    assert capfd.readouterr().err == ""


def test_a_server_keeps_one(home: Path) -> None:
    """It is this user's alone, and can be read by a command while the server runs and after."""
    Engine(home).close()
    with serving(home, "--port", "0"):
        pass
    files = [*(home / "logs").iterdir()]
    assert {path.name for path in files} >= {"fatal.log"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((home / "logs").stat().st_mode) == 0o700
    command = [sys.executable, "-m", "baara_app", "--home", str(home), "log", "--json"]
    assert isinstance(json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout), list)
