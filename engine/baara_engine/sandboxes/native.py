"""The native sandbox: commands run as processes of the person's own user, inside bubblewrap where that is installed.

What it holds by itself: commands see none of our environment, nothing they start outlives them, each runs at most once,
within its limits, and the file tools reach nothing outside the workspace. With bubblewrap (see `bubblewrap`) commands
reach nothing outside either, which makes it a boundary. Without, a command may read and change whatever the person may,
and use the network. See `hands` for the processes that do the work.
"""

import asyncio
import json
import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from baara_engine import errors, homes, owner, sandboxes
from baara_engine.sandboxes import (
    SHELL,
    CommandResult,
    Earlier,
    FileText,
    Found,
    Limits,
    Network,
    Strength,
    bubblewrap,
    environment,
    files,
    launching,
)
from baara_engine.sandboxes.hands import search, wire
from baara_engine.sandboxes.hands.watching import Most
from baara_engine.sandboxes.launching import Launcher
from baara_engine.sandboxes.receipts import Receipts
from baara_engine.sandboxes.supervision import Supervision
from baara_engine.sandboxes.workspace import Workspace

RECEIPTS = "receipts"  # folder of the marks, in the private folder
GRACE_S = 5.0  # seconds that a command may go on after the engine has vanished: most end by then, with a true receipt
SEARCH_S = 30.0  # seconds that one search may take
SEARCH_BYTES = 8 * 1024 * 1024  # bytes of its JSON; `search.MAX_CHARS` keep it below that
OUT_OF_CPU = 128 + signal.SIGXCPU  # exit code of what has used up `Limits.cpu_s`
MAX_COMMAND = 128 * 1024 - 1  # bytes of one argument of a program on Linux


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
            return None
        what = "keep commands from the network" if network is not Network.OPEN else "keep inputs from being changed"
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


class NativeSession:
    """One execution's hold on the native sandbox (see `sandboxes.Session`)."""

    def __init__(
        self, folder: Path, private: Path, limits: Limits, launcher: Launcher, *, grace_s: float, search_s: float,
        wrapped: bool,
    ) -> None:  # fmt: skip
        """Open the workspace and make the private folders. Raises `errors.SandboxFailure`."""
        _make_private(private)
        self._workspace = Workspace(folder)
        self._receipts = Receipts(private.absolute() / RECEIPTS, grace_s)
        self._supervision = Supervision(launcher)
        self._env = environment.build(os.environ, private.absolute())
        self._limits = limits
        self._around: list[str] = []
        self._shell = [environment.shell()]
        if wrapped:
            private = private.absolute()
            bubblewrap.furnish(private)
            network = limits.network or Network.OPEN
            self._around = bubblewrap.prefix(self._workspace.path, private, limits, network)
            self._shell = bubblewrap.lingering(environment.shell())
            self._env["PATH"] = bubblewrap.PLACES
        self._grace_s = grace_s
        self._search_s = search_s

    @property
    def languages(self) -> frozenset[str]:
        """Give the languages that `run` takes: the shell, which finds whatever else is installed."""
        return frozenset({SHELL})

    async def run(
        self, command: str, *, key: str, wall_s: float | None = None, on_output: Callable[[], None] | None = None,
        language: str = SHELL,
    ) -> CommandResult:  # fmt: skip
        """Run a shell command, at most once for each key."""
        sandboxes.require_language(language, self.languages)
        _require_runnable(command, "command")
        if wall_s is not None and not wall_s > 0:
            raise errors.InvalidInput("The time limit of a command must be more than 0 seconds.")
        job = self._job(
            [*self._around, *self._shell, "-c", "--", command],
            wall_s=min(wall_s or self._limits.wall_s, self._limits.wall_s),
            output_bytes=self._limits.output_bytes,
            marks=self._receipts.stem(key),
        )
        job |= {"limits": _of_each(self._limits), "most": _of_all(self._limits), "wrapped": bool(self._around)}
        report = await self._supervision.ask(job, on_output)
        # Silence without a mark: whoever should have begun it died before that, so asking again does nothing twice.
        if report is None and not await asyncio.to_thread(self._receipts.begun, key):
            report = await self._supervision.ask(job, on_output)
        return _as_told(_result(report))

    async def earlier(self, key: str, *, same_boot: bool) -> Earlier:
        """Tell what became of the command of this key."""
        return await self._receipts.earlier(key, same_boot=same_boot)

    async def settled(self, key: str) -> None:
        """Forget the marks of this command."""
        await asyncio.to_thread(self._receipts.forget, key)

    async def read(self, path: str, view_range: tuple[int, int] | None = None) -> FileText:
        """Read a text file, or a range of its lines."""
        return await asyncio.to_thread(files.read, self._workspace, path, view_range, self._limits.read_bytes)

    async def write(self, path: str, content: str) -> None:
        """Write a whole text file at once."""
        await asyncio.to_thread(files.write, self._workspace, path, content)

    async def digest(self, path: str) -> str | None:
        """Give the SHA-256 of a file in hex, None if there is no such file."""
        return await asyncio.to_thread(files.digest, self._workspace, path)

    async def edit(self, path: str, old: str, new: str, *, replace_all: bool) -> int:
        """Replace text in a file at once, and give the number of replacements."""
        return await asyncio.to_thread(files.edit, self._workspace, path, old, new, replace_all=replace_all)

    async def glob(self, pattern: str, path: str = ".") -> Found:
        """List files whose path below `path` fits the pattern."""
        if pattern.startswith("/"):
            pattern, path = self._workspace.relative(pattern), "."
        return await self._search("glob", pattern, path)

    async def grep(self, pattern: str, path: str = ".") -> Found:
        """Search text files for a regular expression."""
        return await self._search("grep", pattern, path)

    async def close(self) -> None:
        """End what is left and let the workspace go."""
        await self._supervision.close()
        self._workspace.close()

    async def _search(self, kind: str, pattern: str, path: str) -> Found:
        wanted = json.dumps(search.Job(kind=kind, pattern=pattern, path=self._workspace.relative(path)))
        _require_runnable(wanted, "pattern")
        job = self._job(launching.argv("search", wanted), wall_s=self._search_s, output_bytes=SEARCH_BYTES, marks=None)
        result = _result(await self._supervision.ask(job) or await self._supervision.ask(job))
        if result["timed_out"]:
            raise errors.InvalidInput(
                f"The search took more than {self._search_s:g} s. Search a smaller folder, or use a simpler pattern."
            )
        return self._found(result, path)

    def _found(self, result: wire.Result, path: str) -> Found:
        try:
            report: search.Report = json.loads(result["output"])
        except ValueError as error:
            raise errors.SandboxFailure(f"The search failed: {result['output'][-500:]}") from error
        if "bad_pattern" in report:
            raise errors.InvalidInput(f"The pattern cannot be used: {report['bad_pattern']}.")
        if "bad_path" in report:
            raise self._workspace.explained(report["bad_path"], path)
        return Found(lines=tuple(report["lines"]), cut=report["cut"], skipped=report["skipped"])

    def _job(self, argv: list[str], *, wall_s: float, output_bytes: int, marks: str | None) -> wire.Job:
        return wire.Job(
            argv=argv,
            cwd=str(self._workspace.path),
            env=self._env,
            wall_s=wall_s,
            grace_s=self._grace_s,
            output_bytes=output_bytes,
            marks=marks,
            boot=owner.boot_id(),
            wrapped=False,
            limits={},
            most=None,
        )


def _of_each(limits: Limits) -> dict[str, int]:
    """Give what the kernel holds each process to."""
    held = {
        "RLIMIT_CORE": 0,  # the memory of a program is nobody's file
        "RLIMIT_DATA": limits.memory_bytes,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": limits.open_files,
    }
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


def _result(report: wire.Report | None) -> wire.Result:
    """Take the result out of a report. Raises the error that another answer, or none, stands for."""
    if report is None:
        raise errors.SandboxFailure("The process that watched over the command has died, so its outcome is unknown.")
    if "refused" in report:
        raise errors.Refused("This command has begun before; it is not run twice.")
    if "failure" in report:
        why = f"The command could not be started: {report['failure']}."
        raise errors.DiskFull(why) if report["code"] in homes.NO_ROOM else errors.SandboxFailure(why)
    return report["result"]


def _make_private(private: Path) -> None:
    try:
        for name in (RECEIPTS, *environment.FOLDERS):
            (private / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        homes.require_room(error, private)
        raise errors.SandboxFailure(f"The folder {private} cannot be used: {error.strerror}.") from error


def _require_runnable(text: str, what: str) -> None:
    if "\0" in text:
        raise errors.InvalidInput(f"The {what} has a NUL character in it.")
    try:
        size = len(os.fsencode(text))
    except UnicodeEncodeError as error:
        raise errors.InvalidInput(f"The {what} has characters that cannot be written as UTF-8.") from error
    if size > MAX_COMMAND:
        raise errors.InvalidInput(
            f"The {what} is longer than {MAX_COMMAND} bytes; write what is long to a file, and use that."
        )
