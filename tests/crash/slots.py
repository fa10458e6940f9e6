"""Months of schedules in a second or less: what is due, beside sleeps, wrong clocks, restarts and kills.

    python -m tests.crash.slots [--seeds N] [--days D] [--schedules K] [--seed S] [--jobs J]

The scheduler, the ledger and the store are the real ones; the worker around them is not, and what runs ends when it is
drawn to. Each seed is a month around a day unlike others (clocks set in one of five zones, a leap day, a year's end)
with a few schedules, or two hundred of which most come seldom. Everything is drawn from the seed, so that a seed that
fails, fails again. The exit status is 3 if the ledger is not what the model in `slotted/expected.py` says, or a due
time is lost or there twice.
"""

import argparse
import concurrent.futures
import functools
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.crash import simulation
from tests.crash.disk import rig
from tests.crash.slotted import life
from tests.crash.slotted.house import MakeScheduler
from tests.crash.slotted.life import Life, Told

from baara_engine.scheduling.scheduler import Scheduler

DAYS = 30.0
SCHEDULES = 8  # of a seed, most of which come every day
TOLD_EVERY = 100  # seeds: a long run says how far it is
MANY = 200  # of a seed of a large house, most of which come seldom


def simulate(
    seed: int, days: float = DAYS, schedules: int = SCHEDULES, make_scheduler: MakeScheduler = Scheduler
) -> Told:
    """Run one history in a new folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(dir=simulation.memory(), prefix="slots-") as place:
        return Life(seed, Path(place), days, schedules, make_scheduler).run()


def simulate_all(seeds: Sequence[int], days: float = DAYS, schedules: int = SCHEDULES, jobs: int = 1) -> Iterator[Told]:
    """Run these histories in so many processes, and give each as it is done, in the order of the seeds."""
    if jobs == 1:
        yield from (simulate(seed, days, schedules) for seed in seeds)
        return
    with concurrent.futures.ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(functools.partial(simulate, days=days, schedules=schedules), seeds)


def told(history: Told) -> str:
    """Say in a line what came of a history."""
    if history.broken is not None:
        return f"seed {history.seed}: BROKEN at day {history.at_day:.3f}: {history.broken}"
    due = sum(history.counts[state] for state in ("ran", "late", "caught_up", "missed", "skipped"))
    return f"seed {history.seed}: sound, {due} due times, {history.counts['looks']} looks"


def main() -> int:
    """Run the histories that are asked for."""
    parser = argparse.ArgumentParser(description="Months of schedules on a virtual clock.")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from the seed on")
    parser.add_argument("--days", type=float, default=DAYS)
    parser.add_argument("--schedules", type=int, default=SCHEDULES, help=f"more than {life.MANY} are a large house")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    given = f"--seed {options.seed} --seeds {options.seeds} --days {options.days:g} --schedules {options.schedules}"
    print(given, flush=True)
    counts: Counter[str] = Counter()
    broken = 0
    begun = time.monotonic()
    seeds = range(options.seed, options.seed + options.seeds)
    for history in simulate_all(seeds, options.days, options.schedules, options.jobs):
        if history.broken is not None or options.seeds == 1:
            print(told(history), flush=True)
        counts += history.counts
        broken += history.broken is not None
        if (history.seed - options.seed + 1) % TOLD_EVERY == 0:
            print(f"until seed {history.seed}: {broken} broken, {time.monotonic() - begun:.0f} s", flush=True)
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    print(f"{options.seeds} × {options.days:g} days in {time.monotonic() - begun:.1f} s, {broken} broken")
    return rig.FOUND if broken else 0


if __name__ == "__main__":
    sys.exit(main())
