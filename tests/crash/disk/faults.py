"""The disk is full, or fails, at any call: nothing acknowledged is lost, nothing refused is kept, and work goes on.

    python -m tests.crash.disk.faults [--long] [--seed S] [--rule R] [--at N] [FAULT …]

A scenario runs while the N-th call of a kind fails, once or until the fault is mended after some refusals; whoever was
refused tries again. After each answer that follows the fault, three pictures are held against what was said: what the
process itself reads, what a start finds if the process dies now, and what it finds if the power goes now.
"""

import argparse
import logging
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import apsw
from tests.crash.disk import images, rig, scenario, soundness, tapped
from tests.crash.disk.tapped import Call

from baara_engine import errors

RULES = (
    "acknowledged",  #: what was acknowledged is there, and safe
    "refused",  #: what was refused is not there, and does not come back
    "stuck",  #: once the fault is mended, work goes on
    "wording",  #: what is raised has a sentence for people
)

PATIENCE = 3  # refusals until a fault that stays is mended
TRIES = 8  # of one step, after which the store is taken to be stuck
LOOKS = 3  # after the fault, and again after each refusal: what it has done shows soon, or at the end
MOST = 12  # points of each fault, in the short form
CHECKPOINT = 20  # pages in the WAL: every second or third commit


@dataclass(frozen=True, slots=True)
class Fault:
    """What a disk may do to one call."""

    kind: str
    code: int  #: what SQLite gets
    stays: bool = False  #: until it is mended, all calls of the kind fail
    half: bool = False  #: half of the write is done all the same


FAULTS: dict[str, Fault] = {
    "full": Fault("write", apsw.SQLITE_FULL),
    "full-half-way": Fault("write", apsw.SQLITE_FULL, half=True),
    "full-for-long": Fault("write", apsw.SQLITE_FULL, stays=True),
    "write-fails": Fault("write", apsw.SQLITE_IOERR_WRITE),
    "writes-fail": Fault("write", apsw.SQLITE_IOERR_WRITE, stays=True),
    "sync-fails": Fault("sync", apsw.SQLITE_IOERR_FSYNC),
    "syncs-fail": Fault("sync", apsw.SQLITE_IOERR_FSYNC, stays=True),
    "truncate-fails": Fault("truncate", apsw.SQLITE_IOERR_TRUNCATE),
    "truncates-fail": Fault("truncate", apsw.SQLITE_IOERR_TRUNCATE, stays=True),
    "delete-fails": Fault("delete", apsw.SQLITE_IOERR_DELETE),
    "open-fails": Fault("open", apsw.SQLITE_CANTOPEN),
    "read-fails": Fault("read", apsw.SQLITE_IOERR_READ),
}


class BadDisk:
    """Fails as it is told, and keeps what would be left of it without power."""

    def __init__(self, fault: Fault, at: int) -> None:
        """Take the fault and the number of the call that it hits (0: none)."""
        self.fault = fault
        self.count = 0
        self.safe = images.Disk()
        self.broke = False
        self.mended = False
        self._at = at

    def call(self, call: Call) -> int:
        if self._hits(call):
            self.broke = True
            self._fail(call)
            return self.fault.code
        if call.kind in tapped.CHANGING:
            self.safe.apply(call)
        return tapped.OK

    def _hits(self, call: Call) -> bool:
        if call.kind != self.fault.kind:
            return False
        self.count += 1
        return self.count == self._at or (self.broke and self.fault.stays and not self.mended)

    def _fail(self, call: Call) -> None:
        if call.kind == "sync":
            self.safe.lost(call)
        if self.fault.half and call.half is not None:
            done = call.half()
            self.safe.apply(Call("write", call.file, call.handle, call.offset, call.data[:done]))


class Answers:
    """What the store has said, and what its database may therefore say."""

    def __init__(self) -> None:
        self.may_be: frozenset[str] = frozenset()
        self.refusals = 0
        self.effects: list[str] = []
        self._coming = ""

    def will(self, digest: str) -> None:
        self._coming = digest

    def acknowledged(self, digest: str) -> None:
        self.may_be = frozenset({digest})

    def failed(self, error: BaseException) -> None:
        self.refusals += 1
        if isinstance(error, errors.CommitUnknown):
            self.may_be |= {self._coming}

    def acted(self, key: str) -> None:
        self.effects.append(key)


@dataclass(slots=True)
class Trial:
    """One scenario with one fault."""

    folder: Path
    disk: BadDisk
    answers: Answers = field(default_factory=Answers)
    found: list[str] = field(default_factory=list)
    looks: int = LOOKS  #: that are still to be taken

    def run(self) -> None:
        """Play it to its end, trying again whatever was refused."""
        home = rig.emptied(self.folder / "home")
        house = scenario.House(home, self.answers)
        with tapped.tapping(self.disk.call), rig.checkpoints(CHECKPOINT):
            for step in (scenario.House.open, *scenario.SHORT, scenario.House.close):
                self._persist(house, step)
        self._compare("acknowledged, at the end", soundness.verify(home, (), self.answers.effects))

    def _persist(self, house: scenario.House, step: scenario.Step) -> None:
        for _ in range(TRIES):
            before = self.answers.may_be
            if self._try(house, step):
                return
            if len(self.answers.may_be) > 1:  # nobody could say: look what it is
                self.disk.mended = True
                self.answers.may_be = frozenset({house.store.read(soundness.digest)})
                if self.answers.may_be != before:
                    return
        raise soundness.Unsound("tried too often")

    def _try(self, house: scenario.House, step: scenario.Step) -> bool:
        """Do a step, look what it has left, and say whether it was done."""
        try:
            step(house)
            what = "acknowledged"
        except Exception as error:  # noqa: BLE001 - some of it is what is looked for
            what = f"refused with {type(error).__name__}"
            if not isinstance(error, errors.BaaraError):
                self.found.append(f"wording: {error!r} in {step}")
            self.answers.refusals += step is scenario.House.open
            self.looks = LOOKS
        if self.disk.broke and self.looks and step not in {scenario.House.open, scenario.House.close}:
            self._look(house, what)
        self.disk.mended = self.disk.mended or self.answers.refusals >= PATIENCE
        return what == "acknowledged"

    def _look(self, house: scenario.House, what: str) -> None:
        """Hold three pictures against what was said."""
        self.looks -= 1
        mended, self.disk.mended = self.disk.mended, True
        self._compare(f"{what}, as the process sees it", house.store.read(soundness.digest))
        killed = rig.copied(house.home, self.folder / "killed")
        (killed / "baara.db-shm").unlink(missing_ok=True)
        self._compare(f"{what}, after a kill", soundness.verify(killed, (), self.answers.effects))
        dark = rig.copied(house.home, self.folder / "dark")
        for path in dark.glob("baara.db*"):
            path.unlink()
        for name, data in self.disk.safe.safe().items():
            (dark / name).write_bytes(data)
        self._compare(f"{what}, after a power cut", soundness.verify(dark, (), self.answers.effects))
        self.disk.mended = mended

    def _compare(self, what: str, digest: str) -> None:
        if digest not in self.answers.may_be:
            self.found.append(f"{what}: it is something else")


def main(arguments: list[str]) -> int:
    """Print figures and what was found; give the exit status."""
    parser = argparse.ArgumentParser(prog="faults")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--rule", choices=RULES, action="append", help="look for breaches of these alone")
    parser.add_argument("--at", type=int, help="one point of the faults named")
    parser.add_argument("faults", nargs="*", choices=[*FAULTS, []])
    options = parser.parse_args(arguments)
    logging.disable()  # the store says in its log what it is told here
    print(f"seed {options.seed}")
    wrong = 0
    for name in options.faults or FAULTS:
        began = time.monotonic()
        points, found = tried(FAULTS[name], options)
        broken = [line for line in found if line.split()[2].rstrip(":") in (options.rule or RULES)]
        print(f"{name}: {points} points, {len(broken)} breaches, {time.monotonic() - began:.1f} s", *broken, sep="\n  ")
        wrong += len(broken)
    return rig.FOUND if wrong else 0


def tried(fault: Fault, options: argparse.Namespace) -> tuple[int, list[str]]:
    """Try a fault at each of its points, or at some; give how many, and what was found."""
    found = []
    with rig.folder() as folder:
        points = chosen(folder, fault, options)
        for at in points:
            trial = Trial(folder, BadDisk(fault, at))
            try:
                trial.run()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must be told with its point
                trial.found.append(f"stuck: {error!r}")
            found += [f"at {at}: {what}" for what in dict.fromkeys(trial.found)]
    return len(points), found


def chosen(folder: Path, fault: Fault, options: argparse.Namespace) -> list[int]:
    """Give the points to try."""
    if options.at is not None:
        return [options.at]
    sound = Trial(folder, BadDisk(fault, 0))
    sound.run()
    points = range(1, sound.disk.count + 1)
    if options.long or len(points) <= MOST:
        return list(points)
    return sorted(random.Random(options.seed).sample(points, MOST))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
