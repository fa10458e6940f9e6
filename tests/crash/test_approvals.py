"""A call that waits for a person's word, with the engine dying at every moment: it runs once, if it is approved."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.crash.simulated import conversations
from tests.crash.simulated.conversations import USES, Line, Script

from baara_engine.engine import Engine
from baara_engine.records import Permission, UnknownEffect
from baara_engine.states import Status

READ, WRITE, SEND = (next(at for at, use in enumerate(USES) if use[0] == name) for name in ("glob", "write", "bash"))
EDIT = 'Edit: {"command": "send less"}'
WORDS = {"Accept": 2, "Accept for this task": 2, "Refuse": 0, "Use the other one.": 0, EDIT: 2}  # word → effects


def script(word: str, luck: int = 0) -> Script:
    """Look, send, and send once more in the next turn."""
    lines = (Line("tool_use", (READ, SEND)), Line("tool_use", (SEND, READ)), Line("end_turn"))
    return Script(
        lines, UnknownEffect.BY_TOOL, answers=True, say=None, luck=luck, window=None, dies_again=0,
        permission=Permission.ASK, word=word,
    )  # fmt: skip


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Give an empty home to be copied."""
    Engine(tmp_path / "template").close()
    return tmp_path / "template"


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("kept", [True, False])
def test_it_runs_once_if_approved_wherever_the_engine_dies(template: Path, word: str, kept: bool) -> None:  # noqa: FBT001
    """Killed before or after each write (before asking, between answer and run, before the receipt): once, or never."""
    undisturbed = conversations.play(template, template.with_name("0"), script(word))
    assert undisturbed.execution.status is Status.COMPLETED
    assert list(undisturbed.effects.values()) == [1] * WORDS[word]
    for write in range(1, undisturbed.writes + 1):
        played = conversations.play(template, template.with_name(f"{write}"), script(word), write, kept=kept)
        assert played.execution.status is Status.COMPLETED, write
        assert list(played.effects.values()) == [1] * WORDS[word], write


@pytest.mark.parametrize("luck", range(4))
@pytest.mark.parametrize("word", WORDS)
def test_it_runs_once_if_the_engine_dies_while_it_runs(template: Path, word: str, luck: int) -> None:
    """A call that was cut short, or of which nothing is known any more, is not run a second time by its approval."""
    played = conversations.play_and_die_at_work(template, template.with_name("home"), script(word, luck))
    assert played.execution.status is Status.COMPLETED
    assert list(played.effects.values()) == [1] * WORDS[word]


def test_nothing_runs_while_nobody_answers(template: Path) -> None:
    """Engines come and go, and time passes: without an answer the call never runs."""
    silent = replace(script("Accept"), answers=False)
    for write in range(1, 6):
        played = conversations.play(template, template.with_name(f"{write}"), silent, write)
        assert (played.execution.status, played.effects) == (Status.WAITING_FOR_INPUT, {})
