"""What can be checked, and how it is written: `file:PATH`, `command:CMD`, and so on."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from baara_engine import errors

MAX_PATTERN = 1000  # characters of a regular expression: longer ones are mistakes, or attacks on the compiler


class Kind(StrEnum):
    """What is looked at."""

    FILE = "file"  #: A file exists, and this execution has changed it.
    COMMAND = "command"  #: A shell command ends with status 0 in the sandbox.
    CONTAINS = "contains"  #: A file holds a text.
    JSON = "json"  #: A file is JSON that fits a JSON Schema, which the execution has left as it was.
    OUTPUT = "output"  #: The last words of the work match a regular expression.


EXAMPLES = {
    Kind.FILE: "file:report.md",
    Kind.COMMAND: "command:make test",
    Kind.CONTAINS: "contains:report.md:Conclusion",
    Kind.JSON: "json:result.json:result.schema.json",
    Kind.OUTPUT: r"output:\d+ files",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as it is written and in its parts."""

    spec: str
    kind: Kind
    subject: str  #: the path, the command or the expression
    against: str = ""  #: the text that a file must hold, or the path of the schema


def parse(spec: str) -> Check:
    """Read a check. Raises `errors.InvalidInput` that shows how it is written."""
    name, colon, rest = spec.partition(":")
    if not colon or name not in EXAMPLES:
        known = ", ".join(EXAMPLES.values())
        raise errors.InvalidInput(f"“{spec[:80]}” is no check. Write for example: {known}")
    kind = Kind(name)
    if not rest.strip():
        raise _wrong(spec, kind, "it says nothing to look at")
    return _PARTS[kind](spec, rest)


def _file(spec: str, rest: str) -> Check:
    return Check(spec, Kind.FILE, _path(spec, Kind.FILE, rest))


def _command(spec: str, rest: str) -> Check:
    return Check(spec, Kind.COMMAND, rest)


def _contains(spec: str, rest: str) -> Check:
    path, colon, text = rest.partition(":")
    if not colon or not text:
        raise _wrong(spec, Kind.CONTAINS, "it needs a path and a text, with a colon between")
    if "\n" in text or "\r" in text:
        raise _wrong(spec, Kind.CONTAINS, "the text must be on one line")
    return Check(spec, Kind.CONTAINS, _path(spec, Kind.CONTAINS, path), text)


def _json(spec: str, rest: str) -> Check:
    path, colon, schema = rest.partition(":")
    if not colon or not schema:
        raise _wrong(spec, Kind.JSON, "it needs the path of a file and that of a schema, with a colon between")
    return Check(spec, Kind.JSON, _path(spec, Kind.JSON, path), _path(spec, Kind.JSON, schema))


def _output(spec: str, rest: str) -> Check:
    if len(rest) > MAX_PATTERN:
        raise _wrong(spec, Kind.OUTPUT, f"an expression has at most {MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is doubtful for a later Python is good enough for this one
            re.compile(rest)
    except (re.error, OverflowError, RecursionError) as error:
        raise _wrong(spec, Kind.OUTPUT, f"the expression cannot be used: {error}") from None
    return Check(spec, Kind.OUTPUT, rest)


def _path(spec: str, kind: Kind, path: str) -> str:
    """Give a path that may lie in the workspace; whether it does is seen by the sandbox."""
    if not path.strip() or "\n" in path:
        raise _wrong(spec, kind, "a path must be on one line and not empty")
    if ".." in PurePosixPath(path).parts:
        raise _wrong(spec, kind, "a path must stay within the workspace, without “..”")
    return path


_PARTS: dict[Kind, Callable[[str, str], Check]] = {
    Kind.FILE: _file,
    Kind.COMMAND: _command,
    Kind.CONTAINS: _contains,
    Kind.JSON: _json,
    Kind.OUTPUT: _output,
}


def _wrong(spec: str, kind: Kind, why: str) -> errors.InvalidInput:
    return errors.InvalidInput(f"The check “{spec[:80]}” does not do: {why}. Write for example: {EXAMPLES[kind]}")
