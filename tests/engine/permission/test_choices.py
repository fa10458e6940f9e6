"""What may be answered to a call that waits, and what an answer that is not clear does: nothing."""

from dataclasses import replace

import pytest

from baara_engine import errors
from baara_engine.permission import calls, choices
from baara_engine.permission.choices import Accepted, Instead
from baara_engine.records import Grant, Json, Scope

BASH: Json = {"tool": "bash", "input": {"command": "git status -s"}}
WRITE: Json = {"tool": "write", "input": {"file_path": "a", "content": "b"}}


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("Accept", Accepted(Scope.CALL)),
        (" accept. ", Accepted(Scope.CALL)),
        ("Accept for this task", Accepted(Scope.TASK)),
        ("ACCEPT FOR 1 HOUR", Accepted(Scope.HOUR)),
        ("Accept for this task: git status", Accepted(Scope.TASK, prefix="git status")),
        ('Edit: {"command": "ls"}', Accepted(Scope.CALL, edited={"command": "ls"})),
        ("Refuse", Instead(choices.REFUSED)),
        ("ignore", Instead(choices.REFUSED)),
        ("Refuse: too dear", Instead(f"{choices.REFUSED} They say: too dear")),
        ("Reply: Use the other folder.", Instead(f"{choices.NOT_RUN} Use the other folder.")),
        ("Use the other folder.", Instead(f"{choices.NOT_RUN} Use the other folder.")),
        ("Use this: a:b", Instead(f"{choices.NOT_RUN} Use this: a:b")),
    ],
)
def test_an_answer_is_read(text: str, decision: choices.Decision) -> None:
    """The choices in any case, with what belongs behind them; other words go to the agent in place of the call."""
    assert choices.decide(BASH, text) == decision


@pytest.mark.parametrize(
    "text",
    ["yes", "ok", "No.", "accept it", "Accept for a week", "Accept: git", "accept all: x", "Edit", "Edit: ls",
     "Edit: []", "edit the file", "Reply:", "Accept for this task: rm", "Accept for 1 hour: git st"],
)  # fmt: skip
def test_an_answer_that_is_not_clear_is_refused(text: str) -> None:
    """Nothing runs by an answer that only resembles a choice, and it does not reach the agent either."""
    with pytest.raises(errors.InvalidInput):
        choices.decide(BASH, text)


def test_only_commands_are_accepted_by_their_first_words() -> None:
    """Another tool has no words by which its calls begin."""
    with pytest.raises(errors.InvalidInput, match="only commands"):
        choices.decide(WRITE, "Accept for this task: a")


@pytest.mark.parametrize(("tool", "argument"), calls.RUNS.items())
def test_what_runs_anything_is_never_allowed_as_such(tool: str, argument: str) -> None:
    """A grant for further calls of it covers the very same command or code, and nothing else."""
    given: Json = dict.fromkeys(Grant.__slots__) | {"tool": tool, "definition": "d", "is_prefix": False, "command": "a"}
    grant = Grant(**given)
    assert calls.covers(grant, tool, "d", {argument: "a"})
    assert not calls.covers(grant, tool, "d", {argument: "a; b"})
    assert not calls.covers(grant, tool, "d", {})
    assert not calls.covers(replace(grant, command=None), tool, "d", {argument: "a"})


@pytest.mark.parametrize(
    ("command", "prefix", "covered"),
    [
        ("git status", "git status", True),
        ("git status -s --branch", "git status", True),
        ("git statusx", "git status", False),
        ("git stash", "git status", False),
        ("git status; rm -rf x", "git status", False),
        ("git status && x", "git status", False),
        ("git status | sh", "git status", False),
        ("git status > x", "git status", False),
        ("git status $(x)", "git status", False),
        ("git status `x`", "git status", False),
        ("git status\nrm x", "git status", False),
        ("git status 'x'", "git status", False),
        ("git status *", "git status", False),
        ("git status ~", "git status", False),
        ("GIT_DIR=x git status", "git status", False),
        ("git  status", "git status", False),
        ("git status", "git status; x", False),
    ],
)
def test_first_words_cover_plain_commands_only(command: str, prefix: str, covered: bool) -> None:  # noqa: FBT001
    """A command with anything by which a shell does more than run these words is asked about."""
    assert calls.begins_with(command, prefix) is covered
