"""Taking ranges of lines out of files."""

import os
import time
import tracemalloc
from pathlib import Path

import pytest

from baara_engine import errors
from baara_engine.sandboxes import FileText, reading

MIB = 1024 * 1024


def lines_of(path: Path, wanted: tuple[int, int] | None, limit: int = MIB) -> FileText:
    """Read from a file."""
    file = os.open(path, os.O_RDONLY)
    try:
        return reading.read_text(file, path.name, path.stat().st_size, wanted, limit)
    finally:
        os.close(file)


@pytest.fixture
def five(tmp_path: Path) -> Path:
    """Write a file of five lines, the last without an end."""
    path = tmp_path / "five"
    path.write_text("1\n2\n3\n4\n5")
    return path


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (None, "1\n2\n3\n4\n5"),
        ((1, -1), "1\n2\n3\n4\n5"),
        ((1, 1), "1\n"),
        ((2, 3), "2\n3\n"),
        ((5, 5), "5"),
        ((4, 99), "4\n5"),
        ((5, -1), "5"),
    ],
)
def test_ranges_are_lines(five: Path, wanted: tuple[int, int] | None, text: str) -> None:
    """A range holds its first and its last line, and all lines are counted."""
    assert lines_of(five, wanted) == FileText(text=text, lines=5, cut=False)


@pytest.mark.parametrize("wanted", [(0, 1), (-1, 1), (3, 2), (1, 0), (1, -2)])
def test_ranges_that_make_no_sense_are_refused(five: Path, wanted: tuple[int, int]) -> None:
    """A range starts at 1 or later and does not end before it starts."""
    with pytest.raises(errors.InvalidInput, match="A range of lines"):
        lines_of(five, wanted)


def test_a_line_that_is_not_there_is_told(five: Path) -> None:
    """Asking beyond the end says how many lines there are."""
    with pytest.raises(errors.InvalidInput, match="has 5 lines, so there is no line 6"):
        lines_of(five, (6, 7))


def test_a_range_may_begin_in_any_chunk(tmp_path: Path) -> None:
    """Lines are found wherever they lie between the pieces in which a file is read."""
    lines = [f"{number}:{'x' * (number % 700)}\n" for number in range(1, 2001)]
    path = tmp_path / "many"
    path.write_text("".join(lines))
    for first in range(1, 2001, 97):
        for last in (first, first + 300):
            assert lines_of(path, (first, last)).text == "".join(lines[first - 1 : last])


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    """An empty file is read as nothing."""
    (tmp_path / "empty").touch()
    assert lines_of(tmp_path / "empty", None) == FileText(text="", lines=0, cut=False)


def test_a_range_is_cut_too(five: Path) -> None:
    """The cap on bytes holds for ranges, and says so."""
    assert lines_of(five, (2, 4), limit=3) == FileText(text="2\n3", lines=5, cut=True)
    assert lines_of(five, (2, 3), limit=4) == FileText(text="2\n3\n", lines=5, cut=False)


def test_a_binary_file_is_told_with_its_size(tmp_path: Path) -> None:
    """A NUL near the beginning makes a file binary."""
    (tmp_path / "binary").write_bytes(b"\x7fELF\0")
    with pytest.raises(errors.InvalidInput, match="is a binary file of 5 bytes"):
        lines_of(tmp_path / "binary", None)


def test_the_end_of_a_huge_file_is_found_in_little_memory(tmp_path: Path) -> None:
    """The last line of a gigabyte is found within seconds, without reading the file into memory."""
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.write(b"first\n" * 2000)
        file.truncate(1024 * MIB)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    tracemalloc.start()
    began = time.monotonic()
    found = lines_of(path, (2002, -1))
    assert time.monotonic() - began < 20
    assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    tracemalloc.stop()
    assert found == FileText(text="last\n", lines=2002, cut=False)


def test_counting_stops_in_a_huge_file(tmp_path: Path) -> None:
    """What was asked for comes at once; the lines of a huge file are then not counted."""
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.write(b"first\n" * 2000)
        file.truncate(1 << 40)
    assert lines_of(path, (1, 2)) == FileText(text="first\nfirst\n", lines=0, cut=False)
