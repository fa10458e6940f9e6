"""The short form of the restart figures: they are printed, and what fails the test is only what is lost or hangs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_a_killed_engine_had_in_flight_is_soon_at_work_again() -> None:
    """With 200 executions in flight at the kill, all are given back, and as many as may run are loaded and running."""
    command = [sys.executable, "-m", "tests.crash.restart", "--executions", "200", "--rounds", "2"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0
    for what in ("given back", "first", "claimed", "address"):
        assert f"\n{what:11} p50" in done.stdout
