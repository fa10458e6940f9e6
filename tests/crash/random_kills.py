"""Engines at work are killed with SIGKILL at random moments, and nothing may be lost, done twice, or left.

    python -m tests.crash.random_kills [--kills N] [--minutes M] [--seed S] [--each K]
    python -m tests.crash.random_kills --verify FOLDER

A life of an engine ends by the kill of its process alone, or of its whole tree at one moment; before that, processes of
its sandbox are killed under it. Beside it comes a person, in a process of its own that may be killed as well, who
submits, answers, calls off, brings a key. Each home lives through so many kills (`--each`) and is then left to finish;
the database and the file of effects are checked now and then, and at the end.

Whoever is killed is a real process: engine, worker, native sandbox with its processes, SQLite. Only the model is a plan
that is read from the prompt. The rig has imported everything and opened nothing, and forks them all.

The seed draws what is submitted, what the person does at each visit, and each kill with its moment. How the operating
system interleaves all that is not drawn, so the same seed repeats the plan, and may miss the moment. What was found can
be looked at again: the folder is kept, and `--verify` says of it what was said before. The exit status is 3 if
something was found.
"""

import argparse
import contextlib
import gc
import importlib
import json
import logging
import os
import random
import select
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.crash.disk import rig
from tests.crash.disk.rig import Tell
from tests.crash.kills import checks, person, processes, service
from tests.crash.kills.work import World

from baara_engine import tools
from baara_engine.engine import Engine

KILLS = 150  # of the short form
EACH = 400  # kills that a home lives through
BETWEEN = 50  # kills between two checks
BORN_S = 0.03  # before which there is hardly a sandbox to kill
LONG_S = 60.0  # no start takes as long
LOOK_S = 1.0
QUIET_S = 9.0  # after which nothing is left of an engine: the grace of a command, and its ending
ENDS = ["engine", "engine", "tree"]  #: how a life ends
LATER = ("baara_engine.tools.check", "baara_engine.sandboxes.native")  # what an engine imports when it needs it
ENDED = "ended"  #: file that says: all of this home's work must have come to its end


@dataclass(frozen=True, slots=True)
class Life:
    """The plan of one life, drawn from the seed and its number. Times in s."""

    early: bool  #: the times count from its fork, and not from the moment when it is at work
    after_s: float
    end: str  #: "engine" or "tree"
    hands: tuple[tuple[float, str], ...]  #: processes of the sandbox that are killed: when, and of which role
    visit: bool
    visitor_after_s: float | None  #: when the person's process is killed, if at all

    @classmethod
    def drawn(cls, seed: int, number: int) -> "Life":
        """Draw the plan of this number."""
        chance = random.Random(f"{seed}/life/{number}")
        early = chance.random() < 0.25
        after_s = chance.uniform(*chance.choice([(0.0, 0.05), (0.05, 0.2), (0.1, 0.4)]))
        times = sorted(chance.uniform(BORN_S, after_s) for _ in range(chance.choice([0, 0, 1, 2])))
        hands = tuple((at, chance.choice(processes.ROLES)) for at in times if after_s > 2 * BORN_S)
        visitor = chance.uniform(0, 0.08) if chance.random() < 0.1 else None
        return cls(early, after_s, chance.choice(ENDS), hands, chance.random() < 0.5, visitor)


@dataclass(slots=True)
class Rig:
    """One run."""

    seed: int
    each: int
    folder: Path
    kills: Counter[str] = field(default_factory=Counter)  #: by what was killed
    figures: Counter[str] = field(default_factory=Counter)  #: of all homes that have come to their end
    found: list[str] = field(default_factory=list)
    life: int = 0

    def run(self, kills: int, until: float) -> None:
        """Let one home after the other live, until so many kills were made or the time is over."""
        while self.kills.total() < kills and time.monotonic() < until and not self.found:
            world = World(self.folder / f"world-{self.life}")
            world.make()
            with logged(world):
                self._home(world, min(self.kills.total() + self.each, kills), until)
            shutil.rmtree(world.folder)

    def _home(self, world: World, kills: int, until: float) -> None:
        """Live through kills, then let everything come to its end."""
        checked = self.kills.total()
        while self.kills.total() < kills and time.monotonic() < until and not self.found:
            self._live(world, Life.drawn(self.seed, self.life))
            self.life += 1
            if self.kills.total() - checked >= BETWEEN:
                checked = self.kills.total()
                self._check(world)
                print(f"{checked} kills, {self.life} lives", flush=True)
        if not self.found:
            self._finish(world)

    def _live(self, world: World, life: Life) -> None:
        pid, reading = rig.begin_child(partial(live, world=world))
        visit = partial(person.visit, world=world, seed=self.seed, number=self.life)
        visitor = rig.begin_child(visit) if life.visit else None
        chance = random.Random(f"{self.seed}/victims/{self.life}")
        if not life.early:
            select.select([reading], [], [], LONG_S)  # until it says that it works, or has ended
        began = time.monotonic()
        if visitor and life.visitor_after_s is not None:
            _sleep_until(began + life.visitor_after_s)
            processes.kill(visitor[0])
        for at, role in life.hands:
            _sleep_until(began + at)
            self._count(processes.kill_hand(pid, role, chance))
        _sleep_until(began + life.after_s)
        (processes.kill if life.end == "engine" else processes.kill_tree)(pid)
        self._count(life.end)
        self._bury("engine", world, rig.end_child(pid, reading))
        if visitor:
            done = rig.end_child(*visitor)
            self._count("person" if done.killed else None)
            self._bury("person", world, done)
        processes.reap(set())

    def _count(self, what: str | None) -> None:
        self.kills.update([what] if what else [])

    def _bury(self, who: str, world: World, child: rig.Child) -> None:
        """Note it if a process has ended by itself in trouble; an engine ends by a kill only."""
        if not child.killed and (child.status or who == "engine"):
            self._keep(world, [f"the {who} of life {self.life} ended by itself:", *child.lines])

    def _finish(self, world: World) -> None:
        """Let all work end without kills, and check that it has."""
        self._note(world, processes.left(QUIET_S), "left after its engine")
        drained = rig.child(partial(person.drain, world=world))
        self._note(world, drained.lines, "at the end")
        if drained.status:
            self._keep(world, ["the last engine failed"])
        self._note(world, processes.left(QUIET_S), "left at the end")
        (world.folder / ENDED).touch()
        self.figures.update(self._check(world))
        self.figures["homes"] += 1

    def _check(self, world: World) -> dict[str, int]:
        wrong, figures = verified(world)
        self._keep(world, wrong)
        return figures

    def _note(self, world: World, lines: list[str], what: str) -> None:
        self._keep(world, [f"{what}: {line}" for line in lines])

    def _keep(self, world: World, wrong: list[str]) -> None:
        if wrong:
            self.found += [*wrong, f"in life {self.life}; kept in {rig.keep(world.folder)}"]


def live(tell: Tell, world: World) -> None:
    """Be an engine until it is killed, or its parent ends."""
    parent = os.getppid()
    engine = Engine(world.home)
    engine.start(service.Service(world.refusals))
    tell("working")
    while os.getppid() == parent and not engine.join(LOOK_S):
        pass


def verified(world: World) -> tuple[list[str], dict[str, int]]:
    """Check a home in a process of its own; give what is wrong, and its figures."""
    ended = (world.folder / ENDED).exists()
    child = rig.child(partial(checks.check, world=world, ended=ended))
    if child.killed or child.status:
        return child.lines or ["the check was killed"], {}
    *wrong, figures = child.lines
    return wrong, json.loads(figures)


@contextlib.contextmanager
def logged(world: World) -> Iterator[None]:
    """Let what is logged by the processes forked meanwhile go to the world's file."""
    handler = logging.FileHandler(world.log)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def prepare() -> None:
    """Import what is else imported when it is needed, and let forks share it."""
    for name in (*LATER, *tools.TABLE.values()):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def verify(folder: Path) -> int:
    """Check a folder that was kept, on a copy, and print what is wrong."""
    with rig.folder() as place:
        wrong, figures = verified(World(rig.copied(folder, place / "world")))
    print(figures, *wrong, sep="\n")
    return rig.FOUND if wrong else 0


def main(arguments: list[str]) -> int:
    """Print figures and what was found; give the exit status."""
    parser = argparse.ArgumentParser(prog="random_kills")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--minutes", type=float, default=60.0, help="no kill comes after so long")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--each", type=int, default=EACH, help="kills that one home lives through")
    parser.add_argument("--verify", type=Path, help="check a folder that was kept, and nothing else")
    options = parser.parse_args(arguments)
    prepare()
    if options.verify:
        return verify(options.verify)
    print(f"seed {options.seed}", flush=True)
    processes.adopt()
    began = time.monotonic()
    with rig.folder() as folder:
        run = Rig(options.seed, options.each, folder)
        run.run(options.kills, began + options.minutes * 60)
    print(f"{run.kills.total()} kills in {run.life} lives: {dict(run.kills)}")
    print(f"{dict(run.figures)}")
    print(f"{time.monotonic() - began:.0f} s, {len(run.found)} lines of what is wrong", *run.found, sep="\n")
    return rig.FOUND if run.found else 0


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0.0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
