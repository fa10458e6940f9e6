"""What the marks in a private folder say about commands that an engine, now dead, has begun (see `hands.marks`)."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import psutil

from baara_engine import owner
from baara_engine.sandboxes import CommandResult, Earlier, NotBegun, OutcomeUnknown
from baara_engine.sandboxes.hands import marks

POLL_S = 0.02  # seconds between looks at a command that is just being ended
ENDING_S = 2.0  # seconds that a supervisor may take to end its command, over the grace


class Receipts:
    """The marks of all commands that used one private folder."""

    def __init__(self, folder: Path, grace_s: float) -> None:
        """Take the folder of the marks, and the seconds that a command may go on after its engine."""
        self._folder = folder
        self._wait_s = grace_s + ENDING_S

    def stem(self, key: str) -> str:
        """Give the path of a command's marks without their suffix."""
        return str(self._folder / hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32])

    def begun(self, key: str) -> bool:
        """Say whether the command of this key has begun."""
        return Path(self.stem(key) + marks.BEGUN).exists()

    async def earlier(self, key: str, *, same_boot: bool) -> Earlier:
        """Tell what became of a command; waits for one that is just being ended."""
        try:
            async with asyncio.timeout(self._wait_s):
                while True:
                    known = await asyncio.to_thread(self._look, key, same_boot=same_boot)
                    if known is not None:
                        return known
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            return OutcomeUnknown()

    def forget(self, key: str) -> None:
        """Remove the marks of a command."""
        marks.forget(self.stem(key))

    def _look(self, key: str, *, same_boot: bool) -> Earlier | None:
        """Tell what the marks say now, None if that may still change."""
        # First whether the supervisor lives, then its receipt: otherwise one written in between would be missed.
        mark = _read(self.stem(key) + marks.BEGUN)
        pending = mark is not None and _may_be_running(mark, same_boot=same_boot)
        receipt = _read(self.stem(key) + marks.RECEIPT)
        if receipt is not None:
            return _result(receipt)
        if pending:
            return None
        return NotBegun() if mark is None and same_boot else OutcomeUnknown()


def _read(path: str) -> dict[str, Any] | None:
    """Read a mark; None if there is none, empty if it makes no sense."""
    try:
        found = json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _may_be_running(mark: dict[str, Any], *, same_boot: bool) -> bool:
    """Say whether the supervisor that left this mark may still be at work."""
    try:
        boot, pid, started = mark["boot"], int(mark["pid"]), mark["started"]
    except (KeyError, TypeError, ValueError):
        return same_boot  # it may be just writing the mark
    if boot != owner.boot_id():
        return False
    if started is None:  # a system whose start times only psutil can tell
        return psutil.pid_exists(pid)
    return owner.process_start(pid) == str(started)


def _result(receipt: dict[str, Any]) -> CommandResult | OutcomeUnknown:
    try:
        if receipt["boot"] == owner.boot_id():
            return CommandResult(**receipt["result"])
    except (KeyError, TypeError):
        return OutcomeUnknown()
    return OutcomeUnknown()
