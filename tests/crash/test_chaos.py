"""The driver of the rigs, in short, with two of them and with some that are made up."""

import pytest
from tests.crash import chaos
from tests.crash.chaos import Rig
from tests.crash.disk import rig


def driven(capsys: pytest.CaptureFixture[str], *rigs: Rig) -> tuple[int, str]:
    status = chaos.main(["--minutes", "0.02", "--seed", "7"], rigs)
    return status, capsys.readouterr().out


def test_two_rigs_side_by_side_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is run with a seed of its own, and its figures stand in the table."""
    status, said = driven(
        capsys,
        Rig("powercut", "tests.crash.disk.powercut --lies 0", 1, "--images", 1, 20),
        Rig("bystander", "tests.crash.disk.killpoints bystander", 1, "--most", 1, 2),
    )
    assert status == 0, said
    assert "honest disk" in said
    assert "bystander: " in said
    assert "0 wrong" in said
    assert said.startswith("seed 7")


def test_what_a_rig_finds_is_told_with_the_command_that_shows_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A store that loses commits is found, and the table ends with the exact command."""
    blind = Rig("powercut", "tests.crash.disk.powercut --lies 0 --synchronous NORMAL", 1, "--images", 1, 60)
    status, said = driven(capsys, blind)
    assert status == rig.FOUND
    assert "not in the state that was acknowledged" in said
    assert "again: python -m tests.crash.disk.powercut --lies 0 --synchronous NORMAL --seed " in said


def test_a_rig_that_is_broken_or_not_here_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither is passed over in silence, and what is broken is no success."""
    status, said = driven(
        capsys, Rig("broken", "tests.crash.locker /nowhere", 1), Rig("missing", "tests.crash.none", 1)
    )
    assert status == chaos.BROKEN
    assert "not here: missing (tests.crash.none)" in said
    assert "broken: BROKEN; again: python -m tests.crash.locker" in said
