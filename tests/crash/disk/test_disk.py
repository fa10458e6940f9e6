"""The short forms of the rigs. Each is a program of its own, because it forks, and forks only while it has no threads.

README.md says what each does and how to run the long forms.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOUND = 3  # exit status of a rig that found something; see rig.py

FIRST_WRITES = """
import sys
from pathlib import Path
import apsw
from baara_engine import clock, errors
from baara_engine.store import connection, layout
from baara_engine.store.store import Store
from baara_engine.store.writer import Committer, GroupWriter
from tests.crash.disk import tapped

def put(key):
    write = writer.submit(lambda tx: tx.sql("INSERT INTO setting (key, value) VALUES (?, '1')", (key,)))
    write.result()

def fail(call):
    return apsw.SQLITE_IOERR_FSYNC if call.kind == "sync" else tapped.OK

tapped.vfs()
home = Path(sys.argv[1])
Store(home, clock.SystemClock(), vfs=tapped.NAME).close()
connect = lambda: connection.connect(home / layout.DATABASE, vfs=tapped.NAME)
committer = Committer(connect, "alone", clock.SystemClock(), lambda told: None, lambda error: error)
writer = GroupWriter(committer)
put("a")
with tapped.tapping(fail):
    try:
        put("b")
    except errors.CommitUnknown:
        print("refused")
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a rig, and show what it printed: its seed is among it."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout)
    if done.returncode not in {0, FOUND}:
        raise RuntimeError("the rig itself is broken")
    return done


def test_a_power_cut_loses_nothing_that_was_acknowledged() -> None:
    """Every disk that a power cut may leave opens in the state last acknowledged, or in that of the write in hand."""
    assert run("tests.crash.disk.powercut").returncode == 0


def test_the_power_cut_rig_sees_a_store_that_loses_something() -> None:
    """With `synchronous=NORMAL`, of which it is known, the same rig finds lost acknowledgements."""
    done = run("tests.crash.disk.powercut", "--synchronous", "NORMAL", "--images", "60", "--lies", "0", "--seed", "1")
    assert done.returncode == FOUND
    assert "not in the state that was acknowledged" in done.stdout


@pytest.mark.parametrize("mode", ["once", "twice", "bystander", "making", "migrating"])
def test_a_kill_at_any_call_on_the_disk_loses_nothing(mode: str) -> None:
    """Killed anywhere, the next start (or the process beside it) finds what was acknowledged, and goes on."""
    assert run("tests.crash.disk.killpoints", mode).returncode == 0


def test_a_disk_that_fails_is_told_and_costs_nothing() -> None:
    """Full, or failing at any call: nothing acknowledged is lost, nothing refused is kept, and then work goes on."""
    assert run("tests.crash.disk.faults").returncode == 0


def test_nothing_is_acknowledged_while_no_sync_succeeds(home: Path) -> None:
    """Also the only connection to a database refuses a write whose sync has failed."""
    home.mkdir()
    command = [sys.executable, "-c", FIRST_WRITES, str(home)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
