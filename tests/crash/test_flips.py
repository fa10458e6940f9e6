"""The short form of the rig that flips single bits of the journal; README.md says how to run the long one."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOUND = 3  # exit status of a rig that found something; see disk/rig.py


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the rig, and show what it printed: its seed is among it."""
    command = [sys.executable, "-m", "tests.crash.flips", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout)
    if done.returncode not in {0, FOUND}:
        raise RuntimeError("the rig itself is broken")
    return done


def test_every_flipped_bit_of_the_journal_is_found() -> None:
    """A bit flipped on the disk, in tables, indexes or log of the journal, shows at the start or when read."""
    assert run("--flips", "300").returncode == 0


@pytest.mark.parametrize(
    ("blind", "within", "flips"),
    [("calls", "tool_call overflow", 10), ("facts", "message leaf", 120), ("heads", "tool_call_execution_id_turn", 60)],
)
def test_the_rig_sees_a_journal_that_is_covered_less(blind: str, within: str, flips: int) -> None:
    """Without the checksums of calls, those over all columns, or the heads, the same rig finds what nothing shows."""
    done = run("--flips", str(flips), "--seed", "1", "--within", within, "--blind", blind)
    assert done.returncode == FOUND
    assert "WRONG" in done.stdout
    assert "RAISED" not in done.stdout
