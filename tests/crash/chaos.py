"""All rigs, one after another, two at a time, for so many minutes, with seeds that follow from one.

    python -m tests.crash.chaos [--minutes 10] [--seed S] [--together 2] [--only RIG …]

Each run of a rig is a program of its own and takes some minutes at most; the rig that has had least of its share of the
time is next. What a rig finds is told with the command that does the same again. The exit status is 3 if something was
found, 1 if a rig itself is broken.
"""

import argparse
import importlib.util
import random
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.disk import rig

ROOT = Path(__file__).parents[2]
SLICE_S = 150.0  # seconds of one run: several runs with other seeds see more than one long one
BROKEN = 1  # exit status of this program
PATIENCE = 8.0  # times the seconds meant for it, after which a run counts as hung
LEAST_PATIENCE_S = 240.0  # what has no length takes as long as it takes
LAST_LINES = 12  # of what a rig printed that are shown with a finding

FIGURES = re.compile(r"\b(\d+) (wrong|breaches|broken|not found|lines of what is wrong)\b")


@dataclass(frozen=True, slots=True)
class Rig:
    """One line of the table: a program, and how it is told how much to do."""

    name: str
    arguments: str  #: its module, and what is always said to it
    share: float  #: of the time, against the others
    unit: str | None = None  #: option that takes how much
    rate: float = 1.0  #: how much it does in a second, until it has been measured
    least: int = 1

    @property
    def module(self) -> str:
        return self.arguments.split()[0]


RIGS = (
    Rig("powercut", "tests.crash.disk.powercut --lies 50", 5, "--images", 50, 50),
    Rig("killpoints once", "tests.crash.disk.killpoints once --long", 3, "--most", 8, 10),
    Rig("killpoints twice", "tests.crash.disk.killpoints twice --long", 2, "--most", 0.15),
    Rig("killpoints bystander", "tests.crash.disk.killpoints bystander --long", 1, "--most", 8, 10),
    Rig("killpoints making, migrating", "tests.crash.disk.killpoints making migrating", 0.5),
    Rig("faults", "tests.crash.disk.faults", 2),
    Rig("random kills", "tests.crash.random_kills --minutes 5", 5, "--kills", 4, 10),
    Rig("flips", "tests.crash.flips", 1, "--flips", 40, 100),
    Rig("simulation", "tests.crash.simulation --days 3", 3, "--seeds", 0.1),
    Rig("slots", "tests.crash.slots", 2, "--seeds", 0.5),
    Rig("machine", "tests.crash.machine", 3, "--examples", 1, 5),
)


@dataclass(frozen=True, slots=True)
class Done:
    """One run of a rig."""

    rig: Rig
    seed: int
    command: list[str]
    status: int | None  #: None: it hung
    seconds: float
    amount: int
    lines: list[str]

    @property
    def verdict(self) -> str:
        """Say in a word how it ended."""
        if self.status is None:
            return "HUNG"
        return {0: "", rig.FOUND: "FOUND"}.get(self.status, "BROKEN")

    @property
    def figures(self) -> str:
        """Give its own line of figures, or how many there are and the first."""
        telling = [line.strip() for line in self.lines if FIGURES.search(line)]
        more = f" (and {len(telling) - 1} lines more)" if len(telling) > 1 else ""
        return f"{telling[0]}{more}" if telling else (self.lines or ["it printed nothing"])[-1]

    @property
    def wrong(self) -> int:
        """Count what it says is wrong."""
        return sum(int(found[0]) for line in self.lines for found in FIGURES.findall(line))


@dataclass(slots=True)
class Chaos:
    """The runs of one time."""

    rigs: list[Rig]
    end: float  #: monotonic seconds
    chance: random.Random
    done: list[Done] = field(default_factory=list)
    spent: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, together: int) -> None:
        """Run rigs until the time is over; each that there is at least once."""
        threads = [threading.Thread(target=self._work) for _ in range(together)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                chosen = self._next()
                if chosen is None:
                    return
                meant_s = self._slice_s()
                self.spent[chosen.name] = self.spent.get(chosen.name, 0.0) + meant_s
                seed, amount = self.chance.randrange(1_000_000), self._amount(chosen, meant_s)
            one = ran(chosen, seed, amount, meant_s)
            with self._lock:
                self.spent[chosen.name] += one.seconds - meant_s
                self.done.append(one)
            print(f"{one.seconds:6.1f} s  {chosen.name}, seed {seed}: {one.verdict or one.figures}", flush=True)

    def _next(self) -> Rig | None:
        """Choose what has had least of its share; once the time is over, only what has had nothing."""
        due = [one for one in self.rigs if one.name not in self.spent or time.monotonic() < self.end - 1]
        return min(due, key=lambda one: self.spent.get(one.name, 0.0) / one.share, default=None)

    def _slice_s(self) -> float:
        """Leave time for those that have not run yet."""
        still = max(len(self.rigs) - len(self.spent), 1)
        return min(SLICE_S, max((self.end - time.monotonic()) / still, 1.0))

    def _amount(self, chosen: Rig, meant_s: float) -> int:
        before = [one for one in self.done if one.rig is chosen]
        rate = before[-1].amount / max(before[-1].seconds, 1.0) if before else chosen.rate
        return max(round(rate * meant_s), chosen.least)


def ran(chosen: Rig, seed: int, amount: int, meant_s: float) -> Done:
    """Run a rig once, to its end."""
    command = [sys.executable, "-m", *chosen.arguments.split(), "--seed", str(seed)]
    if chosen.unit is not None:
        command += [chosen.unit, str(amount)]
    began = time.monotonic()
    status, text = _outcome(command, max(meant_s * PATIENCE, LEAST_PATIENCE_S))
    return Done(chosen, seed, command, status, time.monotonic() - began, amount, text.strip().splitlines())


def table(done: list[Done]) -> str:
    """Show each run in a line."""
    order = {one.name: number for number, one in enumerate(RIGS)}
    rows = [
        f"{one.rig.name:29} {one.seed:7} {one.wrong:6} {one.seconds:8.0f}  {one.verdict:6} {one.figures}"
        for one in sorted(done, key=lambda one: order.get(one.rig.name, len(order)))
    ]
    return "\n".join([f"{'rig':29} {'seed':>7} {'wrong':>6} {'seconds':>8}         figures", *rows])


def telling(done: list[Done]) -> list[str]:
    """Say of each run that did not end well what it printed last, and how to see it again."""
    said = []
    for one in done:
        if one.verdict:
            command = shlex.join(["python", *one.command[1:]])
            said += ["", f"{one.rig.name}: {one.verdict}; again: {command}", *one.lines[-LAST_LINES:]]
    return said


def is_here(one: Rig) -> bool:
    """Say whether a rig's module exists."""
    return importlib.util.find_spec(one.module) is not None


def main(arguments: list[str], rigs: tuple[Rig, ...] = RIGS, here: Callable[[Rig], bool] = is_here) -> int:
    """Print a table and what was found; give the exit status."""
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--together", type=int, default=2)
    parser.add_argument("--only", action="append", choices=[one.name for one in rigs])
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}: {options.minutes:g} minutes", flush=True)
    wanted = [one for one in rigs if options.only is None or one.name in options.only]
    for one in wanted:
        if not here(one):
            print(f"not here: {one.name} ({one.module})")
    end = time.monotonic() + options.minutes * 60
    chaos = Chaos([one for one in wanted if here(one)], end, random.Random(options.seed))
    chaos.run(options.together)
    print(table(chaos.done), *telling(chaos.done), sep="\n")
    verdicts = {one.verdict for one in chaos.done}
    if "FOUND" in verdicts:
        return rig.FOUND
    return BROKEN if verdicts - {""} else 0


def _outcome(command: list[str], patience_s: float) -> tuple[int | None, str]:
    """Run a program; give its exit status, None if it hung, and what it printed."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            text, _ = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            text, _ = process.communicate()
            return None, text
        return process.returncode, text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
