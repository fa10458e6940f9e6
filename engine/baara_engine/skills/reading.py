"""Reading the files of skills: small, regular, UTF-8, within their folder; whatever else they are is refused.

Nothing in them is believed: the YAML is loaded safely, and each value of it is checked for its type and size.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from baara_engine import errors
from baara_engine.sandboxes.hands import confined
from baara_engine.sandboxes.workspace import require_regular

MAX_BYTES = 128 * 1024  # of instructions: more than an agent should read at once; the rest belongs into other files
MAX_JSON = 1024 * 1024  # bytes of a manifest or of Claude's lists
MAX_HEAD = 16 * 1024  # characters of YAML: names and descriptions
MAX_DESCRIPTION = 1024  # characters, as the format has it
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
HEAD = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """A Markdown file: what its head says, and what stands below that."""

    head: dict[str, Any]
    body: str


def document(root: Path, path: str) -> Document:
    """Read a Markdown file with a head of YAML. Raises `errors.InvalidInput` for anything else."""
    text = _text(root, path, MAX_BYTES)
    found = HEAD.match(text)
    if found is None:
        return Document({}, text.removeprefix("\ufeff").strip())
    return Document(_head(found[1]), text[found.end() :].strip())


def manifest(root: Path, path: str) -> dict[str, Any]:
    """Read a JSON file that holds one object. Raises `errors.InvalidInput`."""
    try:
        value = orjson.loads(_text(root, path, MAX_JSON))
    except orjson.JSONDecodeError as error:
        raise errors.InvalidInput(f"it is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise errors.InvalidInput("it is not a JSON object")
    return value


def name(value: object, otherwise: str) -> str:
    """Give a name, or the other one where there is none. Raises `errors.InvalidInput` for one that cannot be typed."""
    given = otherwise if value is None else value
    if not isinstance(given, str) or not NAME.fullmatch(given):
        raise errors.InvalidInput("its name must be 1 to 64 letters, digits, hyphens, dots or underscores")
    return given


def line(value: object, most: int = MAX_DESCRIPTION) -> str:
    """Make one line of text that can be shown out of whatever a file says; empty where it says no text."""
    if not isinstance(value, str):
        return ""
    shown = "".join(char if char.isprintable() else " " for char in value[: 4 * most])
    return " ".join(shown.split())[:most]


def _head(text: str) -> dict[str, Any]:
    if len(text) > MAX_HEAD:
        raise errors.InvalidInput(f"its head has more than {MAX_HEAD:,} characters")
    try:
        head = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise errors.InvalidInput(f"its head is not valid YAML: {_where(error)}") from error
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise errors.InvalidInput("its head has YAML that makes no sense") from error
    if head is None:
        return {}
    if not isinstance(head, dict):
        raise errors.InvalidInput("its head is not a list of names and values")
    return {key: value for key, value in head.items() if isinstance(key, str)}


def _where(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        hint = "; put a value that holds a colon into quotes" if "mapping values" in str(error.problem) else ""
        return f"{error.problem} (line {error.problem_mark.line + 2}){hint}"
    return line(str(error), 200)


def _text(root: Path, path: str, most: int) -> str:
    """Read a small text file that lies in `root`, links followed no further than that."""
    data = content(root, path, most)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise errors.InvalidInput("it is not UTF-8 text") from None
    if "\0" in text:
        raise errors.InvalidInput("it is not text: it has a NUL character")
    return text


def is_folder(path: Path) -> bool:
    """Say whether there is a folder that can be looked into; what cannot be reached is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_there(path: Path) -> bool:
    """Say whether there is something at this path; what cannot be reached is not."""
    try:
        return path.exists()
    except OSError:
        return False


def content(root: Path, path: str, most: int) -> bytes:
    """Read a regular file of at most so many bytes that lies in `root`. Raises `errors.InvalidInput`."""
    try:
        folder = os.open(root, confined.FOLDER | os.O_CLOEXEC)
        try:
            opened = confined.open_beneath(folder, path, confined.FILE)
        finally:
            os.close(folder)
        with os.fdopen(opened, "rb") as file:
            require_regular(opened, path)
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise errors.InvalidInput(f"it cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > most:
        raise errors.InvalidInput(f"it is larger than {most:,} bytes")
    return data
