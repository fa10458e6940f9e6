"""A sandbox that only pretends, and the world outside that it acts on: it outlives every engine.

Commands take virtual time, fail, and are cut off by crashes as real ones are; each effect is counted under the key that
it came with, so that whatever happens twice is seen.
"""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from baara_engine import errors, sandboxes

Result = sandboxes.CommandResult

QUICK_S = 2.0  # seconds at most of what is quick: files and most commands
SLOW = 0.12  # share of commands that take minutes
SLOW_S = 1800.0  # seconds that a slow command takes at most
FAILS = 0.08  # share of commands that end with a status other than 0
BREAKS = 0.01  # share of sessions that cannot be opened
REFUSED = 0.1  # share of file calls that the model can mend

RUNNING = "running"  #: mark of a command that has begun
LOST = "lost"  #: mark of one of which nobody can say what became of it


@dataclass(slots=True)
class Outside:
    """What the sandbox acts on, and what it remembers of it."""

    randomness: random.Random
    on_effect: Callable[[str], None] = lambda _key: None  #: called with the key when something happens
    calm: bool = False  #: nothing takes long, fails or breaks
    effects: Counter[str] = field(default_factory=Counter)  #: how often something happened under each key
    marks: dict[str, Result | str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def crash(self, *, power: bool) -> None:
        """Let the engine die: a supervisor ends its commands, or finds them ended; without power all is forgotten."""
        for key, mark in self.marks.items():
            if mark == RUNNING:
                self.marks[key] = LOST if power else self._after_crash()

    def _after_crash(self) -> Result:
        interrupted = self.randomness.random() < 0.5  # noqa: PLR2004 - one is as likely as the other
        return Result(143 if interrupted else 0, "", 0, interrupted=interrupted)

    def happens(self, share: float) -> bool:
        """Draw whether something that happens in this share of all cases happens now."""
        return not self.calm and self.randomness.random() < share

    def seconds(self) -> float:
        """Draw how long a command takes."""
        return self.randomness.uniform(0, SLOW_S if self.happens(SLOW) else QUICK_S)


@dataclass(slots=True)
class FakeSandbox:
    """A sandbox of any name."""

    outside: Outside
    name: str = "native"

    async def strength(self) -> sandboxes.Strength:
        """Pretend to be a boundary."""
        return sandboxes.Strength.BOUNDARY

    async def missing(self, limits: sandboxes.Limits) -> str | None:  # noqa: ARG002 - it holds them all
        """Lack nothing."""
        return None

    async def open(self, workspace: Path, private: Path, limits: sandboxes.Limits) -> "FakeSession":  # noqa: ARG002
        """Open a session; now and then this fails."""
        if self.outside.happens(BREAKS):
            raise errors.SandboxFailure("The sandbox cannot be opened.")
        return FakeSession(self.outside, str(workspace))

    async def close(self) -> None:
        """Hold nothing."""


@dataclass(frozen=True, slots=True)
class FakeSession:
    """One execution's hold on it."""

    outside: Outside
    workspace: str

    @property
    def languages(self) -> frozenset[str]:
        """Give the languages that `run` takes."""
        return frozenset({sandboxes.SHELL})

    async def run(
        self, command: str, *, key: str, wall_s: float | None = None,
        on_output: Callable[[], None] | None = None,  # noqa: ARG002 - it prints only at the end
        language: str = sandboxes.SHELL,
    ) -> Result:  # fmt: skip
        """Pretend to run a command; it has its effect at the beginning."""
        sandboxes.require_language(language, self.languages)
        if key in self.outside.marks:
            raise errors.Refused("A command of this key has begun before.")
        self.outside.marks[key] = RUNNING
        self.outside.effects[key] += 1
        self.outside.on_effect(key)
        try:
            result = await self._take_time(command, wall_s)
        except asyncio.CancelledError:
            self.outside.marks[key] = Result(143, "", 0, interrupted=True)
            raise
        self.outside.marks[key] = result
        return result

    async def _take_time(self, command: str, wall_s: float | None) -> Result:
        seconds = self.outside.seconds()
        if wall_s is not None and seconds > wall_s:
            await asyncio.sleep(wall_s)
            return Result(124, "", 0, timed_out=True, duration_ms=round(wall_s * 1000))
        await asyncio.sleep(seconds)
        return Result(int(self.outside.happens(FAILS)), f"did {command}", len(command))

    async def earlier(self, key: str, *, same_boot: bool) -> sandboxes.Earlier:  # noqa: ARG002 - marks say it all
        """Tell what became of a command of an earlier engine."""
        await asyncio.sleep(0)
        mark = self.outside.marks.get(key)
        if mark is None:
            return sandboxes.NotBegun()
        return mark if isinstance(mark, Result) else sandboxes.OutcomeUnknown()

    async def settled(self, key: str) -> None:
        """Forget the mark."""
        self.outside.marks.pop(key, None)

    async def read(self, path: str, view_range: tuple[int, int] | None = None) -> sandboxes.FileText:  # noqa: ARG002
        """Give what was written."""
        text = await self._file(path)
        return sandboxes.FileText(text, text.count("\n"), cut=False)

    async def read_bytes(self, path: str, most: int) -> bytes:  # noqa: ARG002 - nothing here is long
        """Give what was written."""
        return (await self._file(path)).encode()

    async def write(self, path: str, content: str) -> None:
        """Write it down."""
        await self._pause()
        self.outside.files[self._place(path)] = content

    async def digest(self, path: str) -> str | None:
        """Name what was written."""
        await self._pause()
        text = self.outside.files.get(self._place(path))
        return None if text is None else hashlib.sha256(text.encode()).hexdigest()

    async def edit(self, path: str, old: str, new: str, *, replace_all: bool) -> int:
        """Replace text."""
        text = await self._file(path)
        if old not in text:
            raise errors.InvalidInput(f"{path} does not hold that text.")
        self.outside.files[self._place(path)] = text.replace(old, new, -1 if replace_all else 1)
        return text.count(old) if replace_all else 1

    async def glob(self, pattern: str, path: str = ".") -> sandboxes.Found:  # noqa: ARG002 - nothing fits
        """Find nothing."""
        await self._pause()
        return sandboxes.Found((), cut=False)

    async def grep(self, pattern: str, path: str = ".") -> sandboxes.Found:  # noqa: ARG002 - nothing matches
        """Find nothing."""
        await self._pause()
        return sandboxes.Found((), cut=False)

    async def close(self) -> None:
        """Hold nothing."""

    async def _file(self, path: str) -> str:
        await self._pause()
        if self._place(path) not in self.outside.files:
            raise errors.InvalidInput(f"There is no file {path}.")
        return self.outside.files[self._place(path)]

    async def _pause(self) -> None:
        await asyncio.sleep(self.outside.randomness.uniform(0, QUICK_S))
        if self.outside.happens(REFUSED):
            raise errors.InvalidInput("That cannot be done.")

    def _place(self, path: str) -> str:
        return f"{self.workspace}/{path}"
