"""What is done to the engine of a soak meanwhile, drawn beforehand from the seed."""

import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tests.crash import mounts
from tests.crash.soaking.running import Running

STOP_S = 2.0  # seconds that it stands still
LOCK_S = 3.0  # seconds that somebody else has the database
FULL_S = 5.0  # seconds that the disk is full
FILL_AGAIN_S = 0.3  # seconds
ENDED_S = 30.0  # seconds until nothing of a killed engine may be left; a command has five, and its end a few
KILL_EVERY_S = 150.0  # in the first half; the second half is one life, long enough to see growth
FROM, TO = 0.1, 0.92  # of the time: the start and the end are undisturbed

# How often in a minute; each at least once.
RATES: dict[str, float] = {"child": 3.0, "stop": 0.7, "lock": 0.5, "full": 0.4}

Plan = list[tuple[float, str]]


def plan(seconds: float, chance: random.Random, kinds: list[str]) -> Plan:
    """Draw when what is done, in seconds from the beginning."""
    drawn = [
        (chance.uniform(FROM, TO) * seconds, kind)
        for kind in kinds
        for _ in range(max(round(RATES[kind] * seconds / 60), 1))
    ]
    kills = max(round(seconds / 2 / KILL_EVERY_S), 1)
    drawn += [((number + chance.uniform(0.7, 1)) * seconds / 2 / kills, "kill") for number in range(kills)]
    return sorted(drawn)


@dataclass(slots=True)
class Trouble:
    """The plan while it is carried out, in a thread of its own."""

    plan: Plan
    running: Running
    disk: Path  #: the mounted disk that the home is on
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="trouble")
        self._thread.start()

    def stop(self) -> None:
        """Leave out what is still to come, and wait for what is being done."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        does: dict[str, Callable[[], None]] = {
            "child": self._child, "stop": self._stop, "lock": self._lock, "full": self._full, "kill": self._kill,
        }  # fmt: skip
        for at, kind in self.plan:
            if self._stopping.wait(max(began + at - time.monotonic(), 0)):
                return
            try:
                does[kind]()
                self.done[kind] += 1
            except (psutil.Error, OSError) as error:
                self.done[f"{kind} failed ({type(error).__name__})"] += 1
            except Exception as error:  # noqa: BLE001 - a rig that is broken must be told, not lost in a thread
                self.found.append(f"{kind} at {at:.0f} s: {error!r}")

    def _child(self) -> None:
        """Kill a supervisor, or what it watches over, or the launcher itself."""
        children = self.running.process().children(recursive=True)
        if children:
            self.chance.choice(children).kill()

    def _stop(self) -> None:
        process = self.running.process()
        process.send_signal(signal.SIGSTOP)
        time.sleep(STOP_S)
        process.send_signal(signal.SIGCONT)

    def _lock(self) -> None:
        command = [sys.executable, "-m", "tests.crash.locker", str(self.running.home), str(LOCK_S)]
        subprocess.run(command, check=True, capture_output=True, timeout=60, cwd=self.running.root)

    def _full(self) -> None:
        """Fill the disk, and take whatever room is made meanwhile: the ballast is to help no longer than this."""
        until = time.monotonic() + FULL_S
        fillers: list[Path] = []
        try:
            while time.monotonic() < until:
                fillers.append(self.disk / f"filler-{len(fillers)}")
                mounts.fill(fillers[-1])
                self._stopping.wait(FILL_AGAIN_S)
        finally:
            for filler in fillers:
                filler.unlink(missing_ok=True)

    def _kill(self) -> None:
        """Kill the engine, start another, and see that nothing of the first is left."""
        left = self.running.process().children(recursive=True)
        self.running.kill()
        self.running.start()
        _, alive = psutil.wait_procs(left, timeout=ENDED_S)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    self.found.append(f"{process.pid} outlived its engine: {process.cmdline()}")
