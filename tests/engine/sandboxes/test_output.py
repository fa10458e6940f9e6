"""Keeping the beginning and the end of output."""

import random

import pytest

from baara_engine.sandboxes.hands.output import Kept


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
