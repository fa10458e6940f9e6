"""Looking for files and for lines in files, as a program that can be killed.

A hostile regular expression never ends and a workspace may hold a million files, so neither is searched in the engine.
The program works in the current folder, takes its job as JSON in its argument, and prints one JSON object.
"""

import json
import os
import re
import resource
import stat
import sys
import warnings
from collections.abc import Iterator
from typing import TypedDict

from . import confined, globbing, walking

MAX_PATHS = 1000  # paths that one glob gives
MAX_LINES = 500  # lines that one grep gives
MAX_LINE = 400  # characters of a line that are shown
BEFORE = 100  # of these, characters before the match, where a line is too long to be shown whole
MAX_CHARS = 256 * 1024  # characters of all lines together: more than a model can use
MEMORY = 1024 * 1024 * 1024  # bytes of address space, against expressions that explode when they are compiled


class Job(TypedDict):
    """What to look for."""

    kind: str  #: glob or grep
    pattern: str
    path: str  #: relative to the workspace, which is the current folder


class Report(TypedDict, total=False):
    """What came of it: `bad_pattern`, or `bad_path`, or all of the rest."""

    bad_pattern: str  #: what is wrong with it
    bad_path: int  #: the error number of opening it
    lines: list[str]
    cut: bool
    skipped: int


def main(arguments: list[str]) -> None:
    """Do the job written as JSON in the first argument."""
    warnings.simplefilter("ignore")  # a doubtful expression must not print among the JSON
    _limit_memory()
    json.dump(_report(json.loads(arguments[0])), sys.stdout)


def _report(job: Job) -> Report:
    walk = walking.Walk()
    try:
        if job["kind"] == "glob":
            lines, cut = _collect(_glob(walk, job), MAX_PATHS)
        else:
            lines, cut = _collect(_grep(walk, job), MAX_LINES)
    except (re.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
        return {"bad_pattern": str(error) or type(error).__name__}
    except OSError as error:
        return {"bad_path": error.errno or 0}
    return {"lines": lines, "cut": cut, "skipped": walk.skipped}


def _glob(walk: walking.Walk, job: Job) -> Iterator[str]:
    pattern = globbing.Pattern(job["pattern"])
    top = confined.open_beneath(walk.root, job["path"], confined.FOLDER)
    for entry in walk.below(top, job["path"], pattern.may_enter):
        if pattern.fits(entry.trail, entry.name):
            yield shown(entry.path)


def _grep(walk: walking.Walk, job: Job) -> Iterator[str]:
    expression = re.compile(job["pattern"])
    top = confined.open_beneath(walk.root, job["path"], confined.FILE)
    if not stat.S_ISDIR(os.fstat(top).st_mode):
        yield from _matches(expression, shown(os.path.normpath(job["path"])), walk.text_of(top))
        return
    for entry in walk.below(top, job["path"], lambda trail: trail[-1] != globbing.UNSEARCHED):
        if not entry.is_link:
            yield from _matches(expression, shown(entry.path), walk.text(entry))


def _matches(expression: re.Pattern[str], path: str, text: str) -> Iterator[str]:
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, 1):
        match = expression.search(line)
        if match:
            text_shown = _part_of(line.removesuffix("\r"), match.start())
            yield f"{path}:{number}:{text_shown}"


def _part_of(line: str, at: int) -> str:
    if len(line) <= MAX_LINE:
        return line
    start = max(0, at - BEFORE)
    end = start + MAX_LINE - 2
    return "…" * (start > 0) + line[start:end] + "…" * (end < len(line))


def _collect(lines: Iterator[str], most: int) -> tuple[list[str], bool]:
    """Take lines until there are too many of them."""
    found: list[str] = []
    room = MAX_CHARS
    for line in lines:
        room -= len(line)
        if len(found) == most or room < 0:
            return found, True
        found.append(line)
    return found, False


def shown(name: str) -> str:
    """Write a file name so that it is valid text on one line: other bytes and control characters as escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def _limit_memory() -> None:
    if sys.platform == "linux":  # elsewhere an address space cannot be limited so low
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
