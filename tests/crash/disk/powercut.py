"""The power goes at any moment: what was acknowledged must be there, on every disk that may be left behind.

    python -m tests.crash.disk.powercut [--images N] [--lies N] [--seed S] [--only K]

A scenario runs on the real store while every call on the disk is written down, together with what was acknowledged.
From that, disks are made (see `images`), and each is opened, checked and worked on as after any start.
"""

import argparse
import hashlib
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import apsw

from baara_engine import errors
from baara_engine.store.store import SENTINEL

from tests.crash.disk import images, rig, scenario, soundness, tapped

ROUNDS = 3
CHECKPOINTS = 12  # pages in the WAL before they go into the database: nearly every commit does it, and the WAL restarts
IMAGES = 1500
LIES = 300
PASS = 50  # images made of one set of syncs that the disk has only pretended


@dataclass(frozen=True, slots=True)
class Mark:
    """Something in the minutes that is no call on the disk."""

    kind: str  #: will, ack, act, file
    text: str = ""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Case:
    """One disk, and what it must hold."""

    number: int
    position: int  #: in the minutes: where the power went
    rule: str
    image: images.Image
    expected: frozenset[str]
    effects: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"image {self.number}, {self.rule}, after {self.position} calls"


class Minutes:
    """What happened, in order."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.entries: list[tapped.Call | Mark] = []

    def call(self, call: tapped.Call) -> int:
        if call.kind in tapped.CHANGING:
            self.entries.append(replace(call, part=None))
        return tapped.OK

    def will(self, digest: str) -> None:
        self.entries.append(Mark("will", digest))

    def acknowledged(self, digest: str) -> None:
        if not any(entry.kind == "file" for entry in self.entries):
            self.entries.append(Mark("file", SENTINEL, (self._home / SENTINEL).read_bytes()))
        self.entries.append(Mark("ack", digest))

    def failed(self, error: BaseException) -> None:
        raise AssertionError("nothing fails here") from error

    def acted(self, key: str) -> None:
        self.entries.append(Mark("act", key))


def record(folder: Path, rounds: int) -> list[tapped.Call | Mark]:
    """Play the scenario in `folder`, closing and opening between the rounds."""
    minutes = Minutes(folder / "home")
    house = scenario.House(folder / "home", minutes)
    with tapped.tapping(minutes.call), frequent_checkpoints():
        for house.round in range(rounds):
            house.open()
            scenario.play(house)
            house.close()
    return minutes.entries


@contextmanager
def frequent_checkpoints() -> Iterator[None]:
    def shorten(connection: apsw.Connection) -> None:
        connection.wal_autocheckpoint(CHECKPOINTS)

    apsw.connection_hooks.append(shorten)
    try:
        yield
    finally:
        apsw.connection_hooks.remove(shorten)


def cases(entries: list[tapped.Call | Mark], count: int, chance: random.Random, lies: float = 0.0) -> Iterator[Case]:
    """Make disks at random moments; of `lies`, that share of the syncs is only pretended."""
    moments = Counter(chance.randrange(len(entries) + 1) for _ in range(count))
    disk, effects, number = images.Disk(), list[str](), 0
    expected = _expected(entries)
    made = disk.images(chance)
    for position in range(len(entries) + 1):
        for _ in range(moments[position]):
            number += 1
            rule, image = next(made)
            yield Case(number, position, rule, image, expected[position], tuple(effects))
        if position < len(entries):
            entry = entries[position]
            if isinstance(entry, Mark):
                effects += [entry.text] if entry.kind == "act" else []
                disk.put(entry.text, entry.data) if entry.kind == "file" else None
            elif entry.kind != "sync" or chance.random() >= lies:
                disk.apply(entry)


def _expected(entries: list[tapped.Call | Mark]) -> list[frozenset[str]]:
    """For each moment: the state last acknowledged, and the one that the write in hand will make."""
    first = next(entry.text for entry in entries if entry.kind == "ack")
    coming, following = "", [""] * (len(entries) + 1)
    for position in range(len(entries) - 1, -1, -1):
        entry = entries[position]
        if entry.kind == "ack":
            coming = ""
        elif isinstance(entry, Mark) and entry.kind == "will" and not coming:
            coming = entry.text
        following[position] = coming
    expected, last = [], first
    for position in range(len(entries) + 1):
        expected.append(frozenset({last, following[position]} - {""}))
        if position < len(entries) and entries[position].kind == "ack":
            last = entries[position].text  # type: ignore[union-attr]
    return expected
