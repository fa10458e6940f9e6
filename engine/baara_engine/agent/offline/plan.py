"""What plans are made of.

A plan is a generator: it yields turns, gets back the results of their calls, and returns its last words. It is written
as if it ran from beginning to end; in truth it is replayed from its beginning for every answer (`planner`), so it may
depend on nothing but the desk and the results. That is what lets it go on after a crash.
"""

import re
import shlex
from collections.abc import Callable, Generator
from dataclasses import dataclass

from baara_engine.records import Json

# How results say that nobody knows what a call has done (`acting`, `answers` and `tools.bash` write them).
UNCERTAIN = re.compile(r"took effect|ended from outside while it ran")
REMARK = re.compile(r"^\[.*\]$")  # what `glob` and `grep` put below their results
TRIES = 3  # of a step whose outcome stays uncertain

NOTES = '"${TMPDIR:?}/notes.md"'  # as the shell writes it: in the private folder of the execution


@dataclass(frozen=True, slots=True)
class Use:
    """One call of a tool."""

    tool: str
    input: Json


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call."""

    text: str
    is_error: bool = False

    @property
    def is_uncertain(self) -> bool:
        """Say whether the call may have had its effect without anybody knowing."""
        return UNCERTAIN.search(self.text) is not None


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer: a sentence, and calls."""

    text: str
    uses: tuple[Use, ...]


@dataclass(slots=True)
class Desk:
    """What a plan can see besides results."""

    tools: frozenset[str]  #: names of those that may be called
    turn: int  #: number of the answer that is being made, from 1, in the whole conversation


Plan = Generator[Turn, list[Result], str]
Step = Generator[Turn, list[Result], Result]


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do."""

    needs: frozenset[str]  #: names of tools
    plan: Callable[[Desk], Plan]


class JobFailed(Exception):
    """A job did not work, so what was to come after it is left."""


def bash(command: str) -> Use:
    """Make a call that runs a shell command."""
    return Use("bash", {"command": command})


def once(text: str, use: Use) -> Step:
    """Make one call, without repeating it."""
    [result] = yield Turn(text, (use,))
    return result


def looking(text: str, use: Use) -> Step:
    """Make a call that changes nothing; if its outcome is uncertain, it is simply made again."""
    result = yield from once(text, use)
    for _ in range(TRIES - 1):
        if not result.is_uncertain:
            break
        result = yield from once("That was interrupted. It changes nothing, so here it is again.", use)
    return result


def results(text: str) -> tuple[list[str], list[str]]:
    """Part what a search found, line by line, from the tool's remarks about it."""
    lines = text.splitlines()
    return [line for line in lines if not REMARK.match(line)], [line for line in lines if REMARK.match(line)]


def noting(desk: Desk, text: str, line: str, *, before: str = "", after: str = "") -> Step:
    """Append one line to the notes, and print it.

    `line` is a shell word; `before` and `after` are shell commands that run around it, and `before` may set variables
    for it. Appending twice is not the same as once, so each line begins with its turn, and where the outcome is
    uncertain, the notes are asked first; they are then the result.
    """
    mark = f"turn {desk.turn}: "
    append = bash(f"{before}printf '%s\\n' {shlex.quote(mark)}{line} | tee -a {NOTES}{after}")
    check = bash(f"grep {shlex.quote('^' + mark)} {NOTES} || true")
    result = yield from once(text, append)
    for _ in range(TRIES - 1):
        if not result.is_uncertain:
            break
        noted = yield from looking("Whether this was noted is unknown, so I look at the notes first.", check)
        if mark in noted.text:
            return noted
        result = yield from once("It was not noted, so here it is again.", append)
    return result
