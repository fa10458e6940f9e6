"""A soak: one real engine under ten times the usual load, with faults all along, and nothing may be lost or grow.

    python -m tests.crash.soak [--minutes 30] [--seed S] [--load 10] [--short]

The usual load is a submission every two seconds: mostly agents of three turns and two tool calls. See `soaking/`.
The same seed gives the same work and the same plan of faults; the moments of a real machine differ.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tests.crash import mounts
from tests.crash.disk import rig
from tests.crash.soaking import figures, running, trouble, verdict

from baara_engine.engine import Engine
from baara_engine.store.transaction import View

ROOT = Path(__file__).parents[2]
USUAL_RATE = 0.5  # submissions a second
DISK_MIB = 6144  # of a file with holes: only what is written is taken up
SAMPLE_S = 5.0
ENDED_S = 30.0  # seconds until no process of an engine may be left
DRAIN_S = 300.0  # seconds until what is queued must have ended: parked work waits a minute at most
SHORT = figures.Limits(
    rss_share=0.25, rss_bytes=32 * figures.MIB, objects_share=9.0, shortest_s=15.0, descriptors=15, threads=8
)

NOT_ENDED = "SELECT count(*) FROM execution WHERE status NOT IN ('completed', 'cancelled', 'dead_lettered')"


@dataclass(slots=True)
class Soak:
    """One soak, from its empty home to its verdict."""

    seconds: float
    seed: int
    rate: float  #: submissions a second
    limits: figures.Limits
    sample_s: float
    folder: Path
    disk: Path | None  #: a disk of its own, which may be filled
    samples: list[figures.Sample] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    began: float = 0.0
    backlog: int = 0

    @property
    def home(self) -> Path:
        return (self.disk or self.folder) / "home"

    def run(self) -> None:
        """Do it all, and print what came of it."""
        Engine(self.home).close()
        chance = random.Random(self.seed)
        with ExitStack() as stack:
            crowd = running.Crowd(ROOT, self.folder)
            stack.callback(crowd.end)
            service = crowd.begin("service", "tests.crash.soaking.service", str(self.seed))
            assert service.stdout is not None
            engine = running.Running(ROOT, self.home, self.folder, service.stdout.readline().strip(), self.seed)
            engine.start()
            stack.callback(self._end, engine, crowd)
            self._people(crowd)
            self._work(engine, crowd, chance)
        self.found += [*engine.found, *crowd.found, *figures.judged(self.samples, self.limits)]
        self._judge(engine)

    def _people(self, crowd: running.Crowd) -> None:
        for number, role in enumerate(("submit", "answer", "read")):
            given = (role, str(self.home), str(self.folder), str(self.rate), str(self.seed + number))
            crowd.begin(role, "tests.crash.soaking.people", *given)

    def _work(self, engine: running.Running, crowd: running.Crowd, chance: random.Random) -> None:
        kinds = [kind for kind in trouble.RATES if self.disk is not None or kind != "full"]
        plan = trouble.plan(self.seconds, chance, kinds)
        troubles = trouble.Trouble(plan, engine, self.disk or self.folder, chance)
        reader = Engine(self.home)
        self.began = time.monotonic()
        troubles.start()
        try:
            self._watch(engine, crowd, reader, self.began + self.seconds)
            troubles.stop()
            crowd.end("submit")
            drained_from = time.monotonic()
            self._watch(engine, crowd, reader, drained_from + DRAIN_S, until_drained=True)
            print(f"drained in {time.monotonic() - drained_from:.1f} s; {self.backlog} left")
        finally:
            troubles.stop()
            reader.close()
        self.found += troubles.found
        print(f"trouble: {dict(troubles.done)}")

    def _watch(
        self, engine: running.Running, crowd: running.Crowd, reader: Engine, end: float, *, until_drained: bool = False
    ) -> None:
        """Sample until the time is over, or nothing is left to do."""
        while time.monotonic() < end:
            time.sleep(min(self.sample_s, max(end - time.monotonic(), 0.1)))
            self._look(engine, reader)
            running.bury({engine.pid(), *crowd.pids()})
            if until_drained and self.backlog == 0:
                return

    def _look(self, engine: running.Running, reader: Engine) -> None:
        try:
            self.backlog = reader.store.read(_backlog)
            if not engine.told:  # it has just been started
                return
            at = time.monotonic() - self.began
            self.samples.append(figures.sample(engine.process(), self.home, engine.told, at, engine.life, self.backlog))
        except (psutil.Error, AssertionError):  # it has just been killed
            return
        engine.require()

    def _end(self, engine: running.Running, crowd: running.Crowd) -> None:
        """Stop the engine, and see that nothing of it is left."""
        left = engine.process().children(recursive=True)
        if len(left) > 1 and self.backlog == 0:  # the launcher stays as long as the engine does
            self.found.append(f"{len(left)} children with nothing to do")
        engine.stop()
        deadline = time.monotonic() + ENDED_S
        while time.monotonic() < deadline:
            orphans = running.bury(crowd.pids())
            if not orphans:
                return
            time.sleep(0.2)
        self.found += [f"an orphan: {orphan.pid} {orphan.name()}" for orphan in orphans]

    def _judge(self, engine: running.Running) -> None:
        wrong, counts = verdict.found(self.home, self.folder, engine.log)
        self.found += wrong
        self.found += [f"a temporary file: {path.name}" for path in engine.temporary.iterdir()]
        files, size = figures.home_bytes(self.home)
        database = (self.home / "baara.db").stat().st_size
        print(figures.table(self.samples))
        for what, value in counts.items():
            print(f"{what}: {value}")
        many = max(int(str(counts["acknowledged"])), 1)
        print(f"history per execution: {database / many:,.0f} bytes of database, {files / many:.1f} files, ", end="")
        print(f"{size / many:,.0f} bytes on the disk in all")


def main(arguments: list[str]) -> int:
    """Print a table and what was found; give the exit status."""
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--load", type=float, default=10.0, help="times the usual")
    parser.add_argument("--short", action="store_true", help="judge growth as fits so short a run")
    options = parser.parse_args(arguments)
    running.adopt()
    began = time.monotonic()
    with _place() as (folder, disk):
        print(f"seed {options.seed}: {options.minutes:g} minutes at {options.load:g} x the usual load", flush=True)
        soak = Soak(
            options.minutes * 60, options.seed, USUAL_RATE * options.load, SHORT if options.short else figures.Limits(),
            1.0 if options.short else SAMPLE_S, folder, disk,
        )  # fmt: skip
        soak.run()
        if soak.found:
            soak.found.append(f"kept in {_keep(soak)}")
    acknowledged = f"{len(soak.samples)} samples, {len(soak.found)} wrong, {time.monotonic() - began:.0f} s"
    print(acknowledged, *soak.found, sep="\n")
    return rig.FOUND if soak.found else 0


@contextmanager
def _place() -> Iterator[tuple[Path, Path | None]]:
    """Give a folder on the real disk, and in it a disk of its own if that can be had."""
    folder = Path(tempfile.mkdtemp(prefix="baara-soak-"))
    try:
        with ExitStack() as stack:
            disk = None
            try:
                disk = stack.enter_context(mounts.image(folder / "disk", DISK_MIB))
            except mounts.CannotMount as error:
                print(f"not here: a disk that is full ({error})")
            yield folder, disk
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep(soak: Soak) -> Path:
    """Save the database and the logs."""
    kept = Path(tempfile.mkdtemp(prefix="baara-found-"))
    for path in [*soak.home.glob("baara.db*"), *(path for path in soak.folder.iterdir() if path.suffix != ".img")]:
        if path.is_file():
            shutil.copy(path, kept)
    return kept


def _backlog(view: View) -> int:
    return int(view.sql(NOT_ENDED)[0][0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
