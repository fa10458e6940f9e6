"""Taking a range of lines out of a file of any size, in a fixed amount of memory."""

import codecs
import os
from collections.abc import Iterator

from baara_engine import errors
from baara_engine.sandboxes import FileText

CHUNK = 64 * 1024  # bytes read at once
PROBE = 8 * 1024  # bytes that are looked at to tell binary files, which have a NUL there
COUNT_BYTES = 64 * 1024 * 1024  # bytes through which lines are counted on beyond what was asked for: some 50 ms
SCAN_BYTES = 4 * 1024 * 1024 * 1024  # bytes through which a range is looked for: some seconds

LineRange = tuple[int, int]  # first and last line, from 1; -1 for the last line there is


def read_text(file: int, path: str, size: int, wanted: LineRange | None, limit: int) -> FileText:
    """Read lines of an open file, at most `limit` bytes. Raises `errors.InvalidInput`, and OSError."""
    first, last = _checked(wanted)
    if b"\0" in os.pread(file, PROBE, 0):
        raise errors.InvalidInput(f"“{path}” is a binary file of {size} bytes.")
    window = _Window(first, last, limit)
    for chunk in _chunks(file):
        window.add(chunk)
        if window.seen > (COUNT_BYTES if window.full() else SCAN_BYTES):
            break
    else:
        window.complete()
    _require_found(window, path)
    return FileText(text=window.text(), lines=window.lines(), cut=window.cut)


class _Window:
    """The wanted lines of a file that comes in chunks."""

    def __init__(self, first: int, last: int | None, limit: int) -> None:
        self.first = first
        self.seen = 0  # bytes
        self.cut = False
        self.is_complete = False
        self._last = last
        self._limit = limit
        self._line = 1  # the line that the next byte belongs to
        self._at_line_start = True
        self._kept = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        start = _after_lines(chunk, self.first - self._line)
        end = len(chunk) if self._last is None else _after_lines(chunk, self._last - self._line + 1)
        room = self._limit - len(self._kept)
        self._kept += chunk[start:end][:room]
        self.cut = self.cut or end - start > room
        self.seen += len(chunk)
        self._line += chunk.count(b"\n")
        self._at_line_start = chunk.endswith(b"\n")

    def full(self) -> bool:
        """Say whether nothing more can come in."""
        return self.cut or (self._last is not None and self._line > self._last)

    def complete(self) -> None:
        """Know that the file has ended."""
        self.is_complete = True

    def lines(self) -> int:
        """Count the lines of the whole file; 0 if its end was not seen."""
        if not self.is_complete:
            return 0
        return self._line - 1 if self._at_line_start else self._line

    def text(self) -> str:
        """Give the lines; a character that the limit cut through is left out."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return decoder.decode(bytes(self._kept), final=not self.cut)


def _checked(wanted: LineRange | None) -> tuple[int, int | None]:
    if wanted is None:
        return 1, None
    first, last = wanted
    if first < 1 or (last != -1 and last < first):
        raise errors.InvalidInput(
            f"A range of lines goes from 1 upwards, or to -1 for the last line; {first} to {last} does not."
        )
    return first, None if last == -1 else last


def _require_found(window: _Window, path: str) -> None:
    if not window.is_complete and not window.full():
        raise errors.InvalidInput(
            f"“{path}” is too large to look for line {window.first} in it; use a command, such as tail or sed."
        )
    if window.is_complete and window.first > max(1, window.lines()):
        raise errors.InvalidInput(f"“{path}” has {window.lines()} lines, so there is no line {window.first}.")


def _chunks(file: int) -> Iterator[bytes]:
    while chunk := os.read(file, CHUNK):
        yield chunk


def _after_lines(chunk: bytes, count: int) -> int:
    """Give the offset behind the next `count` line ends, the chunk's length if there are fewer."""
    if count <= 0:
        return 0
    if chunk.count(b"\n") < count:
        return len(chunk)
    at = 0
    for _ in range(count):
        at = chunk.index(b"\n", at) + 1
    return at
