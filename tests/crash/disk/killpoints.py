"""The process is killed at every call on the disk: what it acknowledged is there, and the next start goes on.

    python -m tests.crash.disk.killpoints [--long] [--most N] [--seed S] [MODE …]

once       a kill at each call of a scenario, then a start that must find everything
twice      the same, and another kill at each call of that start
bystander  a kill while another process has the database open, which takes over
making     a kill at each step of making a home
migrating  a kill at each step of a second migration

Each is a real SIGKILL of a process forked from a parent that has opened nothing. The long form takes every point, those
that only lock and writes that are cut in the middle among them; the short form leaves some out, drawn by the seed.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest import mock

from tests.crash.disk import killer, rig, soundness, tapped
from tests.crash.disk.killer import Life
from tests.crash.disk.rig import Tell

from baara_engine.engine import Engine
from baara_engine.store import migrations
from baara_engine.store.transaction import Tx

Killed = tuple[int, "Due"]

PAIRS = (12, 5)  # in the short form: first kills, and second kills after each
BYSTANDERS = 30  # in the short form: kills beside another process


@dataclass(frozen=True, slots=True)
class Due:
    """What a home must hold after a kill."""

    expected: frozenset[str] = frozenset()
    effects: tuple[str, ...] = ()

    def heard(self, lines: list[str]) -> "Due":
        """Take up what a process told before it died: what it acknowledged, and the write it had in hand."""
        expected, effects = self.expected, list(self.effects)
        for kind, text in (line.split(" ", 1) for line in lines):
            if kind == "ack":
                expected = frozenset({text})
            elif kind == "will":
                expected |= {text}
            elif kind == "act":
                effects.append(text)
        return Due(expected, tuple(effects))


@dataclass(slots=True)
class Run:
    """One mode at work."""

    folder: Path
    long: bool
    chance: random.Random
    fresh: Due  #: what a home holds that was only made
    most: int | None = None  #: points that are taken, where somebody has said so
    finely: bool = False  #: calls that only lock are points too, and so are halves of writes
    opening: bool = True  #: so are the calls of the opening
    starts: int = 0  #: that were verified after a kill
    found: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def made(self, base: Path | None = None) -> Path:
        """Make the home anew, empty or as a copy."""
        return rig.emptied(self.home) if base is None else rig.copied(base, self.home)

    def live(self, life: Life, at: int) -> list[str]:
        """Live in a child that is killed at point `at` (0: never), and give what it told."""
        kinds = tapped.CHANGING | killer.LOCKING if self.finely else tapped.CHANGING
        striking = killer.Killer(at, kinds, tear=self.finely, awake=self.opening)
        child = rig.child(partial(killer.live, home=self.home, life=life, killer=striking))
        return child.lines if child.killed else child.require_well()

    def limit(self, short: int | None) -> int | None:
        """Give how many points to take: what was asked for, or all in the long form, or what the short form takes."""
        return self.most or (None if self.long else short)

    def points(self, life: Life, limit: int | None) -> list[int]:
        """Give the points of a life: all, or so many of them."""
        count = int(self.live(life, 0)[-1].removeprefix("count "))
        everything = range(1, count + 1)
        return sorted(everything if limit is None else self.chance.sample(everything, min(limit, count)))

    def killed(self, life: Life, due: Due, limit: int | None, base: Path | None = None) -> Iterator[Killed]:
        """Leave in `home` what a kill at each point leaves, one after the other, and say what it must hold."""
        self.made(base)
        for at in self.points(life, limit):
            self.made(base)
            yield at, due.heard(self.live(life, at))

    def verify(self, due: Due, what: str) -> None:
        """Start again in a child, and note what is wrong."""
        self.starts += 1
        before = rig.copied(self.home, self.folder / "before")
        try:
            rig.child(lambda tell: tell(soundness.verify(self.home, due.expected, due.effects))).require_well()
        except AssertionError as error:
            self.found.append(f"{what}: {error}; kept in {rig.keep(before)}")


def once(run: Run) -> None:
    """Kill at each call, then start."""
    run.finely = run.opening = run.long  # the short form of `making` has the opening
    for at, due in run.killed(killer.whole if run.long else killer.short, run.fresh, run.limit(None)):
        run.verify(due, f"killed at {at}")


def twice(run: Run) -> None:
    """Kill at each call, and again at each call of the start that follows."""
    first = run.folder / "first"
    seconds = None if run.long else PAIRS[1]
    for at, due in run.killed(killer.short, run.fresh, run.limit(PAIRS[0])):
        rig.copied(run.home, first)
        for then, later in run.killed(killer.go_on, due, seconds, base=first):
            run.verify(later, f"killed at {at}, then at {then}")


def bystander(run: Run) -> None:
    """Kill beside a process that has the database open and goes on with it."""
    run.finely, run.opening = True, False
    run.made()
    for at in run.points(killer.short, run.limit(BYSTANDERS)):
        home = run.made()
        go, orders = os.pipe()
        pid, reading = rig.begin_child(partial(stand_by, home=home, go=go))
        os.read(reading, 100)  # it is ready
        due = run.fresh.heard(run.live(killer.short, at))
        os.write(orders, json.dumps([sorted(due.expected), due.effects]).encode() + b"\n")
        child = rig.end_child(pid, reading)
        os.close(go)
        os.close(orders)
        if child.status:
            run.found.append(f"killed at {at}, and the process beside it: {child.lines}")
        run.verify(Due(effects=due.effects), f"killed at {at}, after the process beside it had gone on")


def stand_by(tell: Tell, home: Path, go: int) -> None:
    """Hold a database open until told what it must hold, then check it and go on with it."""
    engine = Engine(home)
    engine.store.read(soundness.digest)
    tell("ready")
    with os.fdopen(go) as orders:
        expected, effects = json.loads(orders.readline())
    if engine.store.read(soundness.digest) not in expected:
        raise soundness.Unsound("it does not see what was acknowledged")
    engine.store.read(lambda view: soundness.check(view, effects))
    soundness.go_on(engine)
    engine.close()


def making(run: Run) -> None:
    """Kill at each step of making a home."""
    run.finely = run.long
    for at, due in run.killed(killer.nothing, run.fresh, run.limit(None)):
        run.verify(due, f"killed at {at}")


def migrating(run: Run) -> None:
    """Kill at each step of a second migration: the next start takes it, once, and nothing else changes."""
    run.finely = run.long
    run.made()
    due = run.fresh.heard(run.live(killer.short, 0))
    base = rig.copied(run.home, run.folder / "base")
    with mock.patch.object(migrations, "STEPS", [*migrations.STEPS, m999_probe]):
        after = frozenset(rig.child(lambda tell: tell(soundness.verify(run.home, (), due.effects))).require_well())
        for at, _ in run.killed(killer.nothing, Due(after, due.effects), run.limit(None), base=base):
            run.verify(Due(after, due.effects), f"killed at {at}")


def m999_probe(tx: Tx) -> None:
    """Change a table that holds something, and make one that shows how often this was done."""
    tx.sql("ALTER TABLE execution ADD COLUMN probe TEXT")
    tx.sql("UPDATE execution SET probe = id")
    tx.sql("CREATE TABLE probe (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL)")
    for number in range(20):
        tx.sql("INSERT INTO probe (text) VALUES (?)", (str(number) * 500,))


MODES: dict[str, Callable[[Run], None]] = {
    mode.__name__: mode for mode in (once, twice, bystander, making, migrating)
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Print figures and what was found; give the exit status."""
    parser = argparse.ArgumentParser(prog="killpoints")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--most", type=int, help="kills (first kills, of pairs) to take, drawn by the seed")
    parser.add_argument("modes", nargs="*", choices=[*MODES, []])
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}")
    found = []
    for name in options.modes or MODES:
        began = time.monotonic()
        with rig.folder() as folder:
            fresh = rig.child(lambda tell: tell(soundness.verify(folder / "fresh"))).require_well()
            chance = random.Random(options.seed)
            run = Run(folder, options.long, chance, Due(frozenset(fresh)), options.most)
            MODES[name](run)
        print(f"{name}: {run.starts} starts after kills, {len(run.found)} wrong, {time.monotonic() - began:.1f} s")
        found += run.found
    print(*found, sep="\n")
    return rig.FOUND if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
