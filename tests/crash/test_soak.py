"""The soak, in short: a lighter load for half a minute, with faults all along."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = ["--minutes", "0.5", "--short", "--load", "4"]
PATIENCE_S = 300  # it drains its queue first, beside whatever else runs here


@pytest.mark.timeout(PATIENCE_S)
def test_under_load_and_faults_nothing_grows_and_nothing_is_lost() -> None:
    """Killed, stopped, locked out and filled up, an engine ends all that it acknowledged and leaves nothing."""
    command = [sys.executable, "-m", "tests.crash.soak", *SHORT]
    soak = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    print(soak.stdout)
    assert soak.returncode == 0, soak.stdout + soak.stderr
    assert "; 0 left" in soak.stdout
    assert ", 0 wrong, " in soak.stdout
