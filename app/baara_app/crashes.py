"""Crash reports: what fell over, a file each beside the log, for the person to read and to send on, if they wish.

A report has the lines of code that led to it and none of the values, what the log said just before, and no secrets. It
goes nowhere by itself. The same fault is reported once for each start, and only the newest reports are kept.
"""

import contextlib
import faulthandler
import hashlib
import json
import logging
import os
import platform
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pydantic

import baara_engine
from baara_app import logs
from baara_engine import clock, errors, homes, redaction

FOLDER, FATAL = "crashes", "fatal.log"  # in the folder of the log; the latter is written while the program dies
KEPT = 20  # reports; the oldest go
BEFORE = 30  # lines of the log that are in a report
LONGEST = 64 * 1024  # characters of a trace: its end says what happened
WORDS = "last_words"  #: of a log record: what a process of ours said before it fell over
MS_PER_S = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What fell over, and how."""

    at: str  #: ISO 8601 in UTC
    what: str  #: in a sentence
    trace: str  #: the lines of code, the innermost last
    version: str = baara_engine.__version__
    python: str = field(default_factory=platform.python_version)
    system: str = field(default_factory=platform.platform)
    before: list[logs.Line] = field(default_factory=list)

    def is_since(self, at: clock.Millis) -> bool:
        """Say whether it was made at this time or later."""
        return self.at >= str(clock.iso(at))


class Fault(errors.BaaraError):
    """Baara itself has made a mistake."""

    code = "fault"
    title = "Baara made a mistake"


class Handler(logging.Handler):
    """Makes a report of each error that the log tells with a trace."""

    def __init__(self, home: Path) -> None:
        """Take the home whose log it is."""
        super().__init__(logging.WARNING)
        self._home = home
        self._known: set[bytes] = set()  # traces that were reported since the start

    def emit(self, record: logging.LogRecord) -> None:
        """Write a report, if it is one that was not written before. On a full disk there is none."""
        trace = _trace(record)
        fault = hashlib.sha256(trace.encode("utf-8", "surrogatepass")).digest()
        if trace and fault not in self._known:
            self._known.add(fault)
            with contextlib.suppress(OSError, errors.BaaraError):
                at = clock.iso(round(record.created * MS_PER_S))
                write(self._home, Report(str(at), record.getMessage(), trace, before=logs.tail(self._home, BEFORE)))


@contextlib.contextmanager
def kept(home: Path) -> Iterator[None]:
    """Report what falls over, for the time of the block; first what ended the program before it could say anything.

    Raises OSError if the folder of the log cannot be written.
    """
    handler, folder = Handler(home), home / logs.FOLDER
    _report_fatal(home)
    logging.getLogger().addHandler(handler)
    try:
        with (folder / FATAL).open("a", encoding="utf-8") as fatal:
            faulthandler.enable(fatal)
            try:
                yield
            finally:
                faulthandler.disable()  # before its file is closed
    finally:
        logging.getLogger().removeHandler(handler)


@contextlib.contextmanager
def told(home: Path, *expected: type[BaseException]) -> Iterator[None]:
    """Make of whatever the block raises, and was not expected, a report and one sentence.

    Raises `Fault`; the error itself where no report of it can be written.
    """
    try:
        yield
    except expected:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        try:
            path = write(home, Report(_now(), what, "".join(traceback.format_exception(error))))
        except (OSError, errors.BaaraError):
            raise error from None
        said = redaction.known.text(what)[:200]
        raise Fault(f"Baara made a mistake ({said}). What was queued is safe. The report is {path}.") from error


def write(home: Path, report: Report) -> Path:
    """Write a report, whole or not at all, and give its path. Raises OSError or `errors.StoreError`."""
    folder = home / logs.FOLDER / FOLDER
    for one in (home, folder.parent, folder):
        homes.make_folder(one)
    clean = redaction.known.json(asdict(report) | {"trace": report.trace[-LONGEST:]})
    path = folder / f"{report.at.replace(':', '')}-{os.getpid()}-{time.monotonic_ns():x}.json"
    unfinished = path.with_suffix(".part")
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(clean, file, ensure_ascii=False, indent=1)
    unfinished.replace(path)
    for old in sorted(folder.iterdir())[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def listing(home: Path) -> list[Report]:
    """Give the reports of a home, newest first. What is no report of ours is left out."""
    folder = home / logs.FOLDER / FOLDER
    found = [_read(path) for path in sorted(folder.glob("*.json"), reverse=True)] if folder.is_dir() else []
    return [report for report in found if report is not None]


def _trace(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[1] is not None:
        return "".join(traceback.format_exception(record.exc_info[1]))
    return str(getattr(record, WORDS, ""))


def _report_fatal(home: Path) -> None:
    """Make a report of what the interpreter wrote while it was killed by a fault of its own or of a library."""
    path = home / logs.FOLDER / FATAL
    with contextlib.suppress(OSError, errors.BaaraError):
        trace = path.read_text("utf-8", "replace")
        if trace.strip():
            at = clock.iso(round(path.stat().st_mtime * MS_PER_S))
            write(home, Report(str(at), "the program fell over in code that is not Python", trace))
            log.error("the run before fell over; its report is in %s", path.parent / FOLDER)
            path.unlink()


def _read(path: Path) -> Report | None:
    try:
        return pydantic.TypeAdapter(Report).validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _now() -> str:
    return str(clock.iso(clock.SystemClock().now()))
