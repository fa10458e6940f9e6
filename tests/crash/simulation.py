"""Weeks of an engine's life in seconds, on a virtual clock: people, outages, crashes, stops, sleeps and wrong clocks.

    python -m tests.crash.simulation [--seeds N] [--days D] [--seed S]

Everything is drawn from the seed, so that a seed that fails, fails again. The worker, the runner, the agent loop, the
journal and everything else between the model and the database are the real ones. The exit status is 3 if something
that must hold did not.
"""

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.crash.disk import rig
from tests.crash.simulated import machine_room
from tests.crash.simulated.world import History, World

from baara_engine.settle import Settler


def simulate(
    seed: int, days: float, folder: Path | None = None, make_settler: machine_room.MakeSettler = Settler
) -> History:
    """Run one simulation in a new folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(dir=folder or memory(), prefix="simulation-") as place:
        world = World(Path(place) / "home", seed, make_settler)
        try:
            return world.run(days)
        finally:
            world.close()


def told(history: History) -> str:
    """Say in a line what came of a simulation."""
    if history.broken is not None:
        return f"seed {history.seed}: BROKEN at day {history.at_day:.3f}: {history.broken} (events {history.digest})"
    return f"seed {history.seed}: sound, events {history.digest}"


def main() -> int:
    """Run the simulations that are asked for."""
    parser = argparse.ArgumentParser(description="Weeks of an engine's life on a virtual clock.")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from the seed on")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    print(f"--seed {options.seed} --seeds {options.seeds} --days {options.days:g}", flush=True)
    counts: Counter[str] = Counter()
    broken = 0
    begun = time.monotonic()
    for seed in range(options.seed, options.seed + options.seeds):
        history = simulate(seed, options.days)
        print(told(history), flush=True)
        counts += history.counts
        broken += history.broken is not None
    seconds = time.monotonic() - begun
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    print(f"{options.seeds} × {options.days:g} days in {seconds:.1f} s, {broken} broken")
    return rig.FOUND if broken else 0


def memory() -> Path | None:
    """Give the folder of a disk in memory, if there is one."""
    return rig.MEMORY if os.access(rig.MEMORY, os.W_OK) else None


if __name__ == "__main__":
    sys.exit(main())
