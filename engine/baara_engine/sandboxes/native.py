"""The native sandbox: commands run as processes of the person's own user, inside bubblewrap where that is installed.

What it holds by itself: commands see none of our environment, nothing they start outlives them, each runs at most once,
within its limits, and the file tools reach nothing outside the workspace. With bubblewrap (see `bubblewrap`) commands
reach nothing outside either, which makes it a boundary. Without, a command may read and change whatever the person may,
and use the network. See `hands` for the processes that do the work.
"""

import asyncio
import math
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from baara_engine import errors, sandboxes
from baara_engine.sandboxes import (
    JAVASCRIPT,
    PYTHON,
    SHELL,
    CommandResult,
    Earlier,
    Limits,
    Network,
    Strength,
    bubblewrap,
    environment,
    hosted,
    listed,
)
from baara_engine.sandboxes.hands import watching, wire
from baara_engine.sandboxes.hands.watching import Most
from baara_engine.sandboxes.hosted import GRACE_S, SEARCH_S, Hosted
from baara_engine.sandboxes.launching import Launcher

# What needs something around commands, where nothing can be.
CANNOT = {
    Network.NONE: "keep commands from the network", Network.LISTED: "keep commands to a list of hosts",
    Network.OPEN: "keep inputs from being changed",
}  # fmt: skip
OUT_OF_CPU = 128 + signal.SIGXCPU  # exit code of what has used up `Limits.cpu_s`


class NativeSandbox:
    """Ordinary processes on this computer."""

    name = "native"

    def __init__(self, *, grace_s: float = GRACE_S, search_s: float = SEARCH_S, plain: bool = False) -> None:
        """Take the limits in seconds that only tests have a reason to change; `plain`: do without bubblewrap."""
        self._launcher = Launcher()
        self._grace_s = grace_s
        self._search_s = search_s
        self._plain = plain

    async def strength(self) -> Strength:
        """Say what stands between a command and the rest of this computer."""
        return Strength.TIDY if await self._unwrapped() else Strength.BOUNDARY

    async def missing(self, limits: Limits) -> str | None:
        """Say what this computer lacks for it."""
        if os.name != "posix":
            return "The native sandbox needs Linux or macOS. Choose another for this task."
        network = limits.network or Network.OPEN
        if network is Network.OPEN and not limits.inputs:
            return None
        unwrapped = await self._unwrapped()
        if unwrapped is None:
            return _lacks_python() if network is Network.LISTED else None
        what = CANNOT[network]
        return f"The native sandbox cannot {what} here: {unwrapped}. Install it, or choose another sandbox."

    async def _unwrapped(self) -> str | None:
        """Say why commands have nothing around them; None if they have."""
        return "bubblewrap is switched off" if self._plain else await bubblewrap.problem()

    async def open(self, workspace: Path, private: Path, limits: Limits) -> "NativeSession":
        """Open a session. Raises `errors.SandboxFailure` if a folder or the system is not fit for it."""
        problem = await self.missing(limits)
        if problem is not None:
            raise errors.SandboxFailure(problem)
        wrapped = await self._unwrapped() is None
        return await asyncio.to_thread(self._open, workspace, private, limits, wrapped=wrapped)

    async def close(self) -> None:
        """End the launcher."""
        await asyncio.to_thread(self._launcher.close)

    def _open(self, workspace: Path, private: Path, limits: Limits, *, wrapped: bool) -> "NativeSession":
        return NativeSession(
            workspace, private, limits, self._launcher, grace_s=self._grace_s, search_s=self._search_s, wrapped=wrapped
        )


class NativeSession(Hosted):
    """One execution's hold on the native sandbox (see `sandboxes.Session`)."""

    def __init__(
        self, folder: Path, private: Path, limits: Limits, launcher: Launcher, *, grace_s: float, search_s: float,
        wrapped: bool,
    ) -> None:  # fmt: skip
        """Open the workspace and make the private folders. Raises `errors.SandboxFailure`."""
        super().__init__(folder, private, limits, launcher, grace_s=grace_s, search_s=search_s)
        self._around: list[str] = []
        if wrapped:
            bubblewrap.furnish(self._private)
            network = limits.network or Network.OPEN
            self._around = bubblewrap.prefix(self._workspace.path, self._private, limits, network)
            self._env["PATH"] = bubblewrap.PLACES
        self._programs = _programs(self._env["PATH"])
        self._proxy = listed.Proxy(self._private, limits.hosts) if limits.network is Network.LISTED else None

    @property
    def languages(self) -> frozenset[str]:
        """Give the languages that `run` takes: the shell, and those whose programs are installed."""
        return frozenset(self._programs)

    async def run(
        self, command: str, *, key: str, wall_s: float | None = None, on_output: Callable[[], None] | None = None,
        language: str = SHELL,
    ) -> CommandResult:  # fmt: skip
        """Run a shell command, at most once for each key."""
        sandboxes.require_language(language, self.languages)
        hosted.require_runnable(command, "command")
        if wall_s is not None and not wall_s > 0:
            raise errors.InvalidInput("The time limit of a command must be more than 0 seconds.")
        if self._proxy is not None:
            await self._proxy.start()
        job = self._job(
            [*self._around, *self._programs[language], command],
            wall_s=min(wall_s or self._limits.wall_s, self._limits.wall_s),
            output_bytes=self._limits.output_bytes,
            marks=self._receipts.stem(key),
        )
        job |= {"limits": _of_each(self._limits), "most": _of_all(self._limits), "wrapped": bool(self._around)}
        report = await self._supervision.ask(job, on_output)
        # Silence without a mark: whoever should have begun it died before that, so asking again does nothing twice.
        if report is None and not await asyncio.to_thread(self._receipts.begun, key):
            report = await self._supervision.ask(job, on_output)
        return await self.clean(_as_told(hosted.result(report)))

    async def earlier(self, key: str, *, same_boot: bool) -> Earlier:
        """Tell what became of the command of this key."""
        return await self.clean_earlier(await self._receipts.earlier(key, same_boot=same_boot))

    async def close(self) -> None:
        """End what is left and free what was held."""
        await super().close()
        if self._proxy is not None:
            await self._proxy.close()


def _lacks_python() -> str | None:
    """Say that nothing can carry connections out of bubblewrap; None if the system's Python can."""
    if shutil.which("python3", path=bubblewrap.PLACES):
        return None
    return "The native sandbox needs the system's python3 to keep commands to a list of hosts. Install it."


def _programs(path: str) -> dict[str, list[str]]:
    """Give what runs a program of each language that is installed; its text follows."""
    found = {SHELL: [environment.shell(), "-c", "--"]}
    for language, name, option in ((PYTHON, "python3", "-c"), (JAVASCRIPT, "node", "-e")):
        program = shutil.which(name, path=path)
        if program is not None:
            found[language] = [program, option]
    return found


def _of_each(limits: Limits) -> dict[str, int]:
    """Give what the kernel holds each process to."""
    held = {
        "RLIMIT_CORE": 0,  # the memory of a program is nobody's file
        "RLIMIT_DATA": limits.memory_bytes,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": limits.open_files,
    }
    if os.geteuid() != 0:  # the kernel holds root to no number of processes, and a bomb outruns whoever looks
        held["RLIMIT_NPROC"] = watching.tasks_of(os.geteuid()) + limits.processes
    return held if limits.cpu_s is None else held | {"RLIMIT_CPU": max(1, math.ceil(limits.cpu_s))}


def _of_all(limits: Limits) -> Most:
    """Give what the supervisor holds all processes together to."""
    return {
        "memory_bytes": limits.memory_bytes,
        "processes": limits.processes,
        "workspace_bytes": limits.workspace_bytes,
    }


def _as_told(result: wire.Result) -> CommandResult:
    """Make a result of what the supervisor says; the kernel ends what has used up its processor's time by a signal."""
    told = CommandResult(**result)
    return replace(told, over="cpu") if told.exit_code == OUT_OF_CPU and told.over is None else told
