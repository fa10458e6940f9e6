"""Writing: what was asked for goes to stdout, everything else to stderr.

On a terminal, text that comes from elsewhere is rid of control characters first: an agent's output must not be able
to steer the terminal. In a pipe it stays as it is.
"""

import functools
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, TextIO

import orjson

from baara_engine import errors, words

Rows = Sequence[Sequence[str]]

COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line feed
BEYOND_JSON = re.compile(r"[\x7f-\x9f]")  # control characters that JSON leaves as they are
GAP = "  "


def prepare() -> None:
    """Let text that the terminal's encoding does not have be written anyway."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def document(value: Any) -> None:
    """Print one JSON document."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    _write(BEYOND_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def record(value: Any) -> None:
    """Print one JSON document of a stream, on a line of its own."""
    text = orjson.dumps(value).decode()
    _write(BEYOND_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def text(content: str) -> None:
    """Print text, with one line end behind it."""
    _write(clean(content, sys.stdout).removesuffix("\n"))


def tell(line: str) -> None:
    """Say something beside the result, on stderr."""
    print(clean(line, sys.stderr), file=sys.stderr, flush=True)  # noqa: T201 - this is the command line


def table(columns: Sequence[str], rows: Rows) -> None:
    """Print a table: drawn on a terminal, in aligned plain columns elsewhere. Each cell becomes one line."""
    cells = [[" ".join(clean(cell, sys.stdout).split()) for cell in row] for row in rows]
    if on_terminal(sys.stdout):
        screen().table(columns, cells)
    else:
        _write("\n".join(_aligned([list(columns), *cells])))


def fields(pairs: Sequence[tuple[str, str | None]]) -> None:
    """Print names and values below one another, leaving out those without a value."""
    known = [(name, clean(value, sys.stdout)) for name, value in pairs if value is not None]
    width = max((len(name) for name, _ in known), default=0)
    indent = "\n" + " " * (width + len(GAP))
    _write("\n".join(f"{name:<{width}}{GAP}{value.strip().replace(chr(10), indent)}" for name, value in known))


def failure(error: errors.BaaraError, *, as_json: bool) -> None:
    """Say what went wrong: as a JSON document on stdout, or in one line on stderr."""
    message = " ".join(error.message.split())
    if as_json:
        document({"error": {"code": error.code, "title": error.title, "message": message}})
    else:
        tell(f"baara: {message}")


def ids(full: Sequence[str]) -> list[str]:
    """Give ids as they are listed: short for people who read along, whole for programs."""
    return words.short(full) if on_terminal(sys.stdout) else list(full)


def clean(content: str, stream: TextIO) -> str:
    """Give text as it may be written to this stream."""
    if not on_terminal(stream):
        return content
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", COLOURS.sub("", content).replace("\r\n", "\n"))


def on_terminal(stream: TextIO) -> bool:
    """Say whether a person reads this stream as it is written."""
    return stream.isatty()


@functools.cache
def screen() -> ModuleType:
    """Give what draws on terminals; loaded only where there is one, because it takes a while."""
    return importlib.import_module("baara_app.cli.terminal")


def _aligned(rows: Rows) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _write(content: str) -> None:
    """Write to stdout at once. Whoever stops reading (`… | head`) has what they wanted."""
    try:
        print(content, flush=True)  # noqa: T201 - this is the command line
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
