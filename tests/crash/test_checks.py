"""Checks with the engine dying at every moment of them: each round happens once, and says what is true."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.crash.simulated import conversations
from tests.crash.simulated.conversations import USES, Line, Played, Script

from baara_engine.engine import Engine
from baara_engine.records import UnknownEffect
from baara_engine.states import Outcome

WRITE = next(at for at, use in enumerate(USES) if use[0] == "write")
CHECKS = ("command:test first", "file:a.txt", "command:test last")

# It claims to be finished; told what is missing, it writes the file and claims it again, or only claims it.
MENDS = (Line("end_turn"), Line("tool_use", (WRITE,)), Line("end_turn"))
CLAIMS = (Line("end_turn"), Line("end_turn"), Line("end_turn"))


def script(lines: tuple[Line, ...], luck: int = 0) -> Script:
    return Script(
        lines, UnknownEffect.BY_TOOL, answers=True, say=None, luck=luck, window=None, dies_again=0, checks=CHECKS
    )


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Give an empty home to be copied."""
    Engine(tmp_path / "template").close()
    return tmp_path / "template"


def commands(played: Played) -> list[str]:
    """Give the commands of checks that were begun, by round and position."""
    return sorted(key.partition("/checks/")[2] for key in played.effects if "/checks/" in key)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize(("lines", "outcome", "rounds"), [(MENDS, Outcome.DONE, 2), (CLAIMS, Outcome.INCOMPLETE, 3)])
def test_each_round_happens_once_wherever_the_engine_dies(
    template: Path, lines: tuple[Line, ...], outcome: Outcome, rounds: int, *, kept: bool
) -> None:
    """Killed before or after each write: as many rounds, each command once in each of them, and the same outcome."""
    expected = [f"{number}-{position}" for number in range(1, rounds + 1) for position in (0, 2)]
    undisturbed = conversations.play(template, template.with_name("0"), script(lines))
    for write in range(undisturbed.writes + 1):
        played = conversations.play(template, template.with_name(f"at {write}"), script(lines), write, kept=kept)
        assert (played.execution.outcome, played.execution.check_rounds) == (outcome, rounds), write
        assert [one["passed"] for one in played.execution.check_results] == [True, outcome is Outcome.DONE, True], write
        assert (commands(played), set(played.effects.values())) == (expected, {1}), write


@pytest.mark.parametrize("luck", range(4))
@pytest.mark.parametrize("dies_again", range(6))
def test_a_command_that_the_crash_cut_short_is_begun_anew(template: Path, luck: int, dies_again: int) -> None:
    """A check is made to be run more than once; what had ended before the next crash is not repeated after that."""
    given = replace(script(MENDS, luck), dies_again=dies_again)
    played = conversations.play_and_die_at_work(template, template.with_name("home"), given)
    assert (played.execution.outcome, played.execution.check_rounds) == (Outcome.DONE, 2)
    assert set(played.effects.values()) == {1}
    begun = commands(played)
    assert [one for one in begun if "again" not in one] == ["1-0", "1-2", "2-0", "2-2"]
    assert len([one for one in begun if "again" in one]) <= 1
