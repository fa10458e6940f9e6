"""A process that kills itself at one of its calls on the disk, and what it does until then."""

import os
import signal
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import FrameType
from typing import Any

from tests.crash.disk import rig, scenario, soundness, tapped
from tests.crash.disk.rig import Tell
from tests.crash.disk.tapped import Call

from baara_engine import owner, recovery, requests

CHECKPOINT = 80  # pages in the WAL: two or three times in the short scenario

FRAME_HEAD = 24  # bytes

LOCKING = frozenset({"close", "lock", "unlock", "shmmap", "shmlock", "shmunmap"})  #: calls that change no file

# Calls of Python itself that make a home what it is: files and folders that SQLite does not know of.
SYSTEM = frozenset({"open", "close", "mkdir", "chmod", "write", "flush", "fsync"})

Life = Callable[[scenario.House], None]


class Killer:
    """Counts the points of this process, and ends it at one of them."""

    def __init__(self, at: int, kinds: Collection[str], *, tear: bool, awake: bool) -> None:
        """Take the number of the point (0: none), and what counts as one.

        `tear`: halves of writes count too; `awake`: so does the opening.
        """
        self.awake = awake
        self.count = 0
        self._at = at
        self._kinds = kinds
        self._tear = tear

    def call(self, call: Call) -> int:
        if call.kind in self._kinds and (self._tear or not _is_head_of_frame(call)):
            self._point()
            if self._tear and len(call.data) > 2 * tapped.SECTOR:
                self._point(call.half)
        return tapped.OK

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        ours = frame.f_globals["__name__"].startswith("tests.")
        if event == "c_call" and not ours and argument.__name__ in SYSTEM:
            self._point()

    def _point(self, last: Callable[[], object] | None = None) -> None:
        self.count += self.awake
        if self.awake and self.count == self._at:
            if last is not None:
                last()
            os.kill(os.getpid(), signal.SIGKILL)


def _is_head_of_frame(call: Call) -> bool:
    """Say whether it begins a page in the WAL: SQLite writes its head and its body apart."""
    return call.kind == "write" and len(call.data) == FRAME_HEAD


class Telling:
    """Tells the parent what was acknowledged, before anything else happens."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def will(self, digest: str) -> None:
        self._tell(f"will {digest}")

    def acknowledged(self, digest: str) -> None:
        self._tell(f"ack {digest}")

    def failed(self, error: BaseException) -> None:
        raise AssertionError("nothing fails here") from error

    def acted(self, key: str) -> None:
        self._tell(f"act {key}")


def live(tell: Tell, home: Path, life: Life, killer: Killer) -> None:
    """Live until the killer strikes; if it does not, tell at the end how many points there were."""
    house = scenario.House(home, Telling(tell), owner=str(owner.Owner.me()))
    with tapped.tapping(killer.call), rig.checkpoints(CHECKPOINT):
        sys.setprofile(killer.profile)
        house.open()
        sys.setprofile(None)
        killer.awake = True
        life(house)
        house.close()
    tell(f"count {killer.count}")


def nothing(_: scenario.House) -> None:
    """Open and close."""


def go_on(house: scenario.House) -> None:
    """Do what the first start after a kill does."""
    recovery.recover(house.store, soundness.ME)
    house.engine.submit(requests.Submission(prompt="and then", idempotency_key="and then"))


def whole(house: scenario.House) -> None:
    """Do everything."""
    scenario.play(house, scenario.STEPS)


def short(house: scenario.House) -> None:
    """Do the main things."""
    scenario.play(house, scenario.SHORT)
