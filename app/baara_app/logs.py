"""The log: one place in the home, a line of JSON each, without secrets, and never more than thirty megabytes.

What ends the program unexpectedly is told there too, with the lines of code that led to it and none of the values; the
reports of `crashes` are made of it.
"""

import contextlib
import json
import logging
import logging.handlers
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

from baara_engine import clock, errors, homes, redaction

FOLDER, FILE = "logs", "baara.log"
FILE_BYTES = 5 * 1024 * 1024  # of one file
KEPT = 5  # older files beside it
TAIL_BYTES = 256 * 1024  # read from the end of a file to give its last lines
MS_PER_S = 1000
QUIET = ("httpx", "httpcore", "asyncio", "uvicorn", "urllib3", "docker", "mcp")  # told from warnings on

log = logging.getLogger("baara")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    at: str  #: ISO 8601 in UTC
    level: str
    logger: str
    message: str
    trace: str | None = None  #: the lines of code, where an error is told


class AsJson(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        at = clock.iso(round(record.created * MS_PER_S))
        said = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        trace = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else None)
        return json.dumps(redaction.known.json(said | ({"trace": trace} if trace else {})), ensure_ascii=False)


class File(logging.handlers.RotatingFileHandler):
    """The file of a home. A line that cannot be written, as on a full disk, is lost and nothing else."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Go on: what could be said of it would be said here."""


@contextlib.contextmanager
def kept(home: Path) -> Iterator[None]:
    """Write what this program says into the home's log, for the time of the block.

    Raises `errors.StoreError` if the folder cannot be made.
    """
    folder = home / FOLDER
    homes.make_folder(folder)
    with contextlib.ExitStack() as stack:
        for handler in (_file(folder), _screen()):
            logging.getLogger().addHandler(handler)
            stack.callback(_drop, handler)
        stack.enter_context(_levels())
        stack.enter_context(_last_words())
        yield


def tail(home: Path, count: int, level: str = "debug") -> list[Line]:
    """Give the last lines of a home's log of this level or above, oldest first. What is no line of it is left out."""
    least = _number(level)
    found: list[Line] = []
    for path in (home / FOLDER / FILE, *(home / FOLDER / f"{FILE}.{number}" for number in range(1, KEPT + 1))):
        lines = [line for line in map(_read, _last_lines(path)) if line and _number(line.level) >= least]
        found = [*lines, *found]
        if len(found) >= count:
            break
    return found[-count:] if count else []


def _file(folder: Path) -> logging.Handler:
    handler = File(folder / FILE, maxBytes=FILE_BYTES, backupCount=KEPT, encoding="utf-8", delay=True)
    handler.setFormatter(AsJson())
    return handler


def _screen() -> logging.Handler:
    """Tell warnings on stderr, too: somebody may be looking."""
    handler: logging.StreamHandler[TextIO] = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    return handler


@contextlib.contextmanager
def _levels() -> Iterator[None]:
    names = {"": logging.INFO} | dict.fromkeys(QUIET, logging.WARNING)
    before = {name: logging.getLogger(name).level for name in names}
    for name, level in names.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def _last_words() -> Iterator[None]:
    """Have what ends a thread, or the whole program, written down."""
    before = sys.excepthook, threading.excepthook
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook = before


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the program was ended by an error", exc_info=(kind, error, trace))


def _thread_crashed(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread else "?"
        log.critical("the thread %s was ended by an error", name, exc_info=ended.exc_value)


def _drop(handler: logging.Handler) -> None:
    logging.getLogger().removeHandler(handler)
    handler.close()


def _last_lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - TAIL_BYTES, 0))
            lines = file.read(TAIL_BYTES).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise errors.Unavailable(f"The log {path} cannot be read: {error.strerror}.") from error
    return lines[1:] if size > TAIL_BYTES else lines


def _read(line: str) -> Line | None:
    try:
        said = json.loads(line)
        return Line(**{name: str(value) for name, value in said.items()})
    except (ValueError, TypeError, AttributeError):
        return None


def _number(level: str) -> int:
    return logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
