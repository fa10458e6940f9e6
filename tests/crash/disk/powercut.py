"""The power goes at any moment: what was acknowledged must be there, on every disk that may be left behind.

    python -m tests.crash.disk.powercut [--images N] [--lies N] [--seed S] [--only K]

A scenario runs on the real store while every call on the disk is written down, together with what was acknowledged.
From these minutes disks are made (see `images`), and each is opened, checked and worked on as at any start.
"""

import argparse
import hashlib
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from tests.crash.disk import images, rig, scenario, soundness, tapped
from tests.crash.disk.tapped import Call

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.store import connection
from baara_engine.store.store import DATABASE, SENTINEL

ROUNDS = 3
CHECKPOINT = 12  # pages in the WAL before they go into the database: nearly every commit does it, and the WAL restarts
IMAGES = 1500
LIES = 100
PASS = 50  # images made of one set of syncs that the disk has only pretended
INDEX_BYTES = 136  # of the index that say how much the WAL holds; SQLite makes the rest anew at every start
INDEX_FILE = 32768  # bytes of the whole
WORST_SHARE = 0.5  # of the syncs that are pretended

MARKS = frozenset({"will", "ack", "act", "file", "index"})  #: entries of the minutes that are no calls on the disk


@dataclass(frozen=True, slots=True)
class Case:
    """One disk, and what it must hold."""

    name: str
    image: images.Image
    expected: frozenset[str]
    effects: tuple[str, ...]

    def same_as(self) -> tuple[str, frozenset[str], int]:
        """Name what is to be checked, so that it is checked once."""
        state = hashlib.blake2b(digest_size=16)
        for name, data in sorted(self.image.items()):
            state.update(f"{name} {len(data)} ".encode())
            state.update(data)
        return state.hexdigest(), self.expected, len(self.effects)


class Index:
    """The index of the WAL: a file in memory, of which SQLite tells nobody."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[int] = []  # descriptors stay open: closing one would drop the locks that SQLite has on it
        self._file = 0
        self._seen = b""

    def news(self) -> Iterator[Call]:
        """Say what has become of it since it was last asked."""
        file = self._path.stat().st_ino if self._path.exists() else 0
        if file != self._file:
            yield Call("open" if file else "delete", self._path.name)
            self._file, self._seen = file, b""
            self._open += [os.open(self._path, os.O_RDONLY)] if file else []
        now = os.pread(self._open[-1], INDEX_BYTES, 0) if file else b""
        if now != self._seen:
            self._seen = now
            yield Call("index", self._path.name, data=now)

    def close(self) -> None:
        """Let go of it, when SQLite has."""
        while self._open:
            os.close(self._open.pop())


class Minutes:
    """What happened, in order."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._index = Index(home / f"{DATABASE}-shm")
        self.entries: list[Call] = []

    def call(self, call: Call) -> int:
        self.entries += self._index.news()
        if call.kind in tapped.CHANGING:
            self.entries.append(replace(call, half=None))
        return tapped.OK

    def will(self, digest: str) -> None:
        self.entries.append(Call("will", digest))

    def acknowledged(self, digest: str) -> None:
        if not any(entry.kind == "file" for entry in self.entries):
            self.entries.append(Call("file", SENTINEL, data=(self._home / SENTINEL).read_bytes()))
        self.entries.append(Call("ack", digest))

    def failed(self, error: BaseException) -> None:
        raise AssertionError("nothing fails here") from error

    def acted(self, key: str) -> None:
        self.entries.append(Call("act", key))

    def close(self) -> None:
        self._index.close()


def record(folder: Path, rounds: int = ROUNDS) -> list[Call]:
    """Play the scenario in `folder`, closing and opening between the rounds, and give the minutes."""
    minutes = Minutes(folder / "home")
    house = scenario.House(folder / "home", minutes)
    with tapped.tapping(minutes.call), rig.checkpoints(CHECKPOINT):
        for house.round in range(rounds):
            house.open()
            scenario.play(house, scenario.STEPS)
            house.close()
    minutes.close()
    if not any(entry.kind == "ack" for entry in minutes.entries):
        raise AssertionError("nothing was acknowledged: this rig would prove nothing")
    return minutes.entries


def cases(
    minutes: list[Call], count: int, chance: random.Random, *, lies: float = 0.0, ordered: bool = True
) -> Iterator[Case]:
    """Make disks at random moments; of the syncs, the share `lies` is only pretended."""
    moments = Counter(chance.randrange(len(minutes) + 1) for _ in range(count))
    expected = expectations(minutes)
    disk, effects = images.Disk(), list[str]()
    made = disk.images(chance, ordered=ordered)
    for position, entry in enumerate([*minutes, Call("end", "")]):
        for _ in range(moments[position]):
            rule, image = next(made)
            yield Case(f"{rule} at entry {position}", image, expected[position], tuple(effects))
        if entry.kind == "act":
            effects.append(entry.file)
        elif entry.kind == "file":
            disk.put(entry.file, entry.data)
        elif entry.kind == "index":
            disk.seen(entry.file, entry.data + bytes(INDEX_FILE - len(entry.data)))
        elif entry.kind != "sync" or chance.random() >= lies:
            disk.apply(entry)


def expectations(minutes: list[Call]) -> list[frozenset[str]]:
    """Give for each moment the state last acknowledged, and the one that will be acknowledged next."""
    states = [entry.file for entry in minutes if entry.kind == "ack"]
    expected, acknowledged = [], 0
    for entry in [*minutes, Call("end", "")]:
        expected.append(frozenset(states[max(acknowledged - 1, 0) : acknowledged + 1]))
        acknowledged += entry.kind == "ack"
    return expected


def write(image: images.Image, home: Path) -> None:
    """Put an image where it can be opened."""
    rig.emptied(home)
    for name, data in image.items():
        (home / name).write_bytes(data)


def judge_liar(home: Path, known: frozenset[str]) -> str:
    """Say what the program makes of a disk that has pretended."""
    try:
        engine = Engine(home)
    except errors.StoreError:
        return "refused at the start"
    except Exception as error:  # noqa: BLE001 - loud enough, though not in words for people
        return f"{type(error).__name__} at the start"
    try:
        found = engine.store.read(soundness.digest)
        engine.store.read(soundness.check)
    except errors.StoreError:
        return "refused when read"
    except soundness.Unsound as error:
        return "integrity_check finds it" if str(error) == soundness.INTEGRITY else "only this rig finds it"
    except Exception as error:  # noqa: BLE001 - as above
        return f"{type(error).__name__} when read"
    finally:
        engine.close()
    return "an acknowledged state" if found in known else "wrong, and nothing shows it"


def run_honest(minutes: list[Call], options: argparse.Namespace, home: Path) -> tuple[Counter[str], list[str]]:
    """Verify images of an honest disk; give the figures, and what was found."""
    chance = random.Random(options.seed)
    figures, wrong, seen = Counter[str](), list[str](), set[object]()
    for number, case in enumerate(cases(minutes, options.images, chance, ordered=not options.unordered), 1):
        figures["images"] += 1
        what = case.same_as()
        if what in seen or options.only not in {None, number}:
            continue
        seen.add(what)
        write(case.image, home)
        try:
            soundness.verify(home, case.expected, case.effects)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be told with its number
            write(case.image, home)
            wrong.append(f"image {number} ({case.name}): {error!r}; kept in {rig.keep(home)}")
    figures["distinct"] = len(seen)
    return figures, wrong


def run_lying(minutes: list[Call], options: argparse.Namespace, home: Path) -> Counter[str]:
    """Open images of a disk that only pretended some syncs, and count what the program makes of them.

    Nothing above SQLite can see all of it (a page whose newest writing is gone is a sound page), so this only counts.
    """
    chance = random.Random(options.seed)
    known = frozenset(entry.file for entry in minutes if entry.kind == "ack")
    figures = Counter[str]()
    for _ in range(0, options.lies, PASS):
        for case in cases(minutes, PASS, chance, lies=chance.uniform(0, WORST_SHARE)):
            write(case.image, home)
            figures[judge_liar(home, known)] += 1
    return figures


def shape(minutes: list[Call]) -> str:
    """Name the calls without their bytes: the same seed means the same disks as long as this is the same."""
    calls = [(entry.kind, entry.offset, len(entry.data)) for entry in minutes if entry.kind not in MARKS]
    return hashlib.blake2b(repr(calls).encode(), digest_size=4).hexdigest()


def main(arguments: list[str]) -> int:
    """Print figures and what was found; give the exit status."""
    parser = argparse.ArgumentParser(prog="powercut")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--lies", type=int, default=LIES)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--only", type=int, help="the number of one image")
    parser.add_argument("--unordered", action="store_true", help="changes of names reach the disk in any order")
    parser.add_argument("--synchronous", default="FULL", help="another setting, to see that this rig is not blind")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with rig.folder() as folder, mock.patch.dict(connection.PRAGMAS, {"synchronous": options.synchronous}):
        minutes = record(folder)
        acks = sum(entry.kind == "ack" for entry in minutes)
        calls = sum(entry.kind not in MARKS for entry in minutes)
        print(f"seed {options.seed}, shape {shape(minutes)}: {calls} calls on the disk, {acks} acknowledgements")
        honest, wrong = run_honest(minutes, options, folder / "image")
        lying = run_lying(minutes, options, folder / "image")
    print(f"honest disk: {dict(honest)}, {len(wrong)} wrong")
    print(f"lying disk: {dict(lying)}")
    print(f"{time.monotonic() - began:.1f} s", *wrong, sep="\n")
    return rig.FOUND if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
