"""Ids: ULIDs, which sort by the time they were made and can be shortened to a prefix when typed."""

import random

from ulid import ULID

from baara_engine import clock

RANDOM_BYTES = 10  # of a ULID's 16; the first 6 are the time


class Ids:
    """Makes ids from a clock and a source of randomness."""

    def __init__(self, clock_: clock.Clock, randomness: random.Random | None = None) -> None:
        """Take both from outside, so that a test can make the same ids twice."""
        self._clock = clock_
        self._random = randomness or random.SystemRandom()

    def new(self) -> str:
        """Make an id: 26 characters, unguessable in its last 16."""
        stamp = self._clock.now().to_bytes(6, "big")
        return str(ULID(stamp + self._random.randbytes(RANDOM_BYTES)))
