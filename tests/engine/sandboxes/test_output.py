"""Keeping the beginning and the end of output."""

import random
from pathlib import Path

import pytest

from baara_engine.sandboxes.hands.output import Kept
from baara_engine.sandboxes.hands.whole import Whole


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8, 9])
def test_what_fits_is_kept_whole(size: int) -> None:
    """Output up to the limit comes back unchanged."""
    kept = Kept(9)
    kept.add(b"abcdefghi"[:size])
    assert kept.text() == "abcdefghi"[:size]
    assert kept.total == size


def test_the_pieces_do_not_matter() -> None:
    """However output is cut into pieces, the same bytes are kept."""
    chance = random.Random(7)
    data = bytes(chance.randrange(97, 123) for _ in range(5000))
    for _ in range(50):
        kept = Kept(100)
        left = data
        while left:
            size = chance.choice([1, 2, 33, 34, 66, 67, 500])
            kept.add(left[:size])
            left = left[size:]
        assert kept.text() == f"{data[:66].decode()}\n[… 4900 bytes of output cut out here …]\n{data[-34:].decode()}"


def test_a_character_across_the_parts_is_whole_if_nothing_is_missing() -> None:
    """The border between the two parts does not break a character."""
    kept = Kept(9)
    kept.add("aaaaaé".encode())
    assert kept.text() == "aaaaaé"


def test_a_limit_of_nothing_keeps_nothing() -> None:
    """With no room at all there is only the note."""
    kept = Kept(0)
    kept.add(b"abc")
    assert kept.text() == "\n[… 3 bytes of output cut out here …]\n"


def test_all_of_a_long_output_is_in_the_file_that_its_cut_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is cut into pieces; what is short makes no file."""
    monkeypatch.chdir(tmp_path)
    chance = random.Random(8)
    data = bytes(chance.randrange(97, 123) for _ in range(5000))
    for number in range(20):
        kept = Kept(100, Whole(str(number)))
        left = data
        while left:
            size = chance.choice([1, 2, 33, 34, 66, 67, 500])
            kept.add(left[:size])
            left = left[size:]
        kept.close()
        assert f"all of it is in .baara/outputs/{number}.txt" in kept.text()
        assert (tmp_path / f".baara/outputs/{number}.txt").read_bytes() == data
    short = Kept(100, Whole("short"))
    short.add(data[:100])
    short.close()
    assert not (tmp_path / ".baara/outputs/short.txt").exists()
    assert (tmp_path / ".baara/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("link", [".baara", ".baara/outputs", ".baara/outputs/a.txt"])
def test_a_link_that_a_command_has_left_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    """Nothing is written outside the workspace, and the output is cut as it would be without the file."""
    outside, workspace = tmp_path / "outside", tmp_path / "ws"
    outside.mkdir()
    (workspace / link).parent.mkdir(parents=True)
    (workspace / link).symlink_to(outside / "a.txt" if link.endswith(".txt") else outside)
    monkeypatch.chdir(workspace)
    kept = Kept(3, Whole("a"))
    kept.add(b"abcdef")
    kept.close()
    assert kept.text() == "ab\n[… 3 bytes of output cut out here …]\nf"
    assert list(outside.iterdir()) == []
