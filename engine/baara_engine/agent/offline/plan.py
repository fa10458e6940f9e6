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
TRIES = 3  # of a step whose outcome stays uncertain

NOTES = '"${TMPDIR:?}/notes.md"'  # in the private folder of the execution, as the shell writes it
READ_LINES = 200  # lines of a file that are read: enough to see what it is about


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
    turn: int = 0  #: number of the answer that is being made, in the whole conversation


Plan = Generator[Turn, list[Result], str]
Step = Generator[Turn, list[Result], Result]
Job = Callable[[Desk], Plan]


def bash(command: str) -> Use:
    """Make a call that runs a shell command."""
    return Use("bash", {"command": command})


def read(path: str) -> Use:
    """Make a call that reads the beginning of a file."""
    return Use("read", {"file_path": path, "view_range": [1, READ_LINES]})


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


def noting(desk: Desk, text: str, line: str, before: str = "") -> Step:
    """Append one line to the notes and print it, then what the shell commands in `before` print after it.

    `line` is a shell word, in which variables set in `before` may stand. Appending twice is not the same as once, so
    each line begins with its turn, and if the outcome is uncertain, the notes are asked first.
    """
    mark = f"turn {desk.turn}: "
    append = f'{before}printf "%s\\n" {shlex.quote(mark)}{line} | tee -a {NOTES}'
    result = yield from once(text, bash(append))
    for _ in range(TRIES - 1):
        if not result.is_uncertain:
            break
        check = bash(f"grep {shlex.quote('^' + mark)} {NOTES} || true")
        noted = yield from looking("Whether this was noted is unknown, so I look at the notes first.", check)
        if mark in noted.text:
            return noted
        result = yield from once("It was not noted, so here it is again.", bash(append))
    return result
