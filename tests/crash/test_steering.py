"""What a person says while an agent works, with the engine dying at every moment: heard once, never lost."""

from pathlib import Path

import pytest
from tests.crash.simulated import conversations
from tests.crash.simulated.conversations import USES, Line, Script

from baara_engine.engine import Engine
from baara_engine.records import Json, UnknownEffect
from baara_engine.states import Status

WORDS = "Use the blue one instead."
WRITE, SEND = (next(at for at, use in enumerate(USES) if use[0] == name) for name in ("write", "bash"))
LINES = (Line("tool_use", (WRITE, SEND)), Line("tool_use", (SEND,)), Line("end_turn"))


def script(at: int, *, checks: tuple[str, ...] = (), window: int | None = None) -> Script:
    return Script(
        LINES, UnknownEffect.TELL, answers=True, say=None, luck=1, window=window, dies_again=0, checks=checks,
        tells=WORDS, tells_at=at,
    )  # fmt: skip


def heard(request: Json) -> int:
    """Count how often a request has the words."""
    return sum(
        block.get("text", "").count(WORDS)
        for message in request["messages"]
        for block in message["content"]
        if message["role"] == "user"
    )


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Give an empty home to be copied."""
    Engine(tmp_path / "template").close()
    return tmp_path / "template"


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("at", [0, 1, 2, 3], ids=["while a command runs", "first", "second", "last"])
def test_it_is_heard_once_wherever_the_engine_dies(template: Path, at: int, kept: bool) -> None:  # noqa: FBT001
    """Said during a command or any answer, the last one too: in all that is sent from then on it stands once."""
    undisturbed = conversations.play(template, template.with_name("0"), script(at))
    assert undisturbed.execution.status is Status.COMPLETED
    assert [heard(request) for request in undisturbed.requests][-1] == 1
    for write in range(1, undisturbed.writes + 1):
        played = conversations.play(template, template.with_name(f"{write}"), script(at), write, kept=kept)
        counts = [heard(request) for request in played.requests]
        assert played.execution.status is Status.COMPLETED, write
        assert counts == sorted(counts), write
        assert counts[-1] == 1, write


def test_what_is_said_while_checks_run_is_heard_before_the_end(template: Path) -> None:
    """The work does not end with words that nobody has heard, however late they come."""
    one = Script(
        (Line("end_turn"),), UnknownEffect.TELL, answers=True, say=None, luck=1, window=None, dies_again=0,
        checks=("command:true",), tells=WORDS,
    )  # fmt: skip
    played = conversations.play(template, template.with_name("home"), one)
    assert played.execution.status is Status.COMPLETED
    assert [heard(request) for request in played.requests] == [0, 1]


def test_it_is_not_forgotten_when_the_conversation_is_shortened(template: Path) -> None:
    """A person's word is pinned like the request."""
    played = conversations.play(template, template.with_name("home"), script(1, window=conversations.SMALL[1]))
    assert played.execution.status is Status.COMPLETED
    assert heard(played.requests[-1]) == 1
