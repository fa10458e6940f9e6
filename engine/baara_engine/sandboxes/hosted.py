"""What sessions share whose file tools work on this side: workspace, files, searches, and the marks of commands.

The files are reached by this program, confined to the workspace by the kernel where it can (see `files`); only what the
agent runs goes into the sandbox itself.
"""

import asyncio
import json
import os
from pathlib import Path

from baara_engine import config, errors, homes, owner
from baara_engine.sandboxes import (
    CommandResult,
    Earlier,
    FileText,
    Found,
    Limits,
    cleaning,
    environment,
    files,
    launching,
)
from baara_engine.sandboxes.hands import search, wire
from baara_engine.sandboxes.launching import Launcher
from baara_engine.sandboxes.receipts import Receipts
from baara_engine.sandboxes.supervision import Supervision
from baara_engine.sandboxes.workspace import Workspace

GRACE_S = 5.0  # seconds that a command may go on after the engine has vanished: most end by then, with a true receipt
SEARCH_S = 30.0  # seconds that one search may take
SEARCH_BYTES = 8 * 1024 * 1024  # bytes of its JSON; `search.MAX_CHARS` keep it below that
MAX_COMMAND = 128 * 1024 - 1  # bytes of one argument of a program on Linux


class Hosted:
    """A session's workspace and its files (see `sandboxes.Session`)."""

    def __init__(
        self, folder: Path, private: Path, limits: Limits, launcher: Launcher, *, grace_s: float, search_s: float
    ) -> None:
        """Open the workspace and make the private folders. Raises `errors.SandboxFailure`."""
        _make_private(private)
        self._private = private.absolute()
        self._workspace = Workspace(folder)
        self._receipts = Receipts(self._private / config.RECEIPTS, grace_s)
        self._supervision = Supervision(launcher)
        self._env = environment.build(os.environ, self._private)
        self._limits = limits
        self._grace_s = grace_s
        self._search_s = search_s

    async def clean(self, result: CommandResult) -> CommandResult:
        """Give a result with no secret in what was cut or kept whole of its output: each session's last step."""
        return await asyncio.to_thread(cleaning.cleaned, self._workspace, result, self._limits.output_bytes)

    async def clean_earlier(self, earlier: Earlier) -> Earlier:
        """Do that with what is told of an earlier engine's command."""
        return await self.clean(earlier) if isinstance(earlier, CommandResult) else earlier

    async def settled(self, key: str) -> None:
        """Forget the marks of this command."""
        await asyncio.to_thread(self._receipts.forget, key)

    async def read(self, path: str, view_range: tuple[int, int] | None = None) -> FileText:
        """Read a text file, or a range of its lines."""
        return await asyncio.to_thread(files.read, self._workspace, path, view_range, self._limits.read_bytes)

    async def read_bytes(self, path: str, most: int) -> bytes:
        """Read a whole file of any content."""
        return await asyncio.to_thread(files.read_bytes, self._workspace, path, most)

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
        require_runnable(wanted, "pattern")
        job = self._job(launching.argv("search", wanted), wall_s=self._search_s, output_bytes=SEARCH_BYTES, marks=None)
        told = result(await self._supervision.ask(job) or await self._supervision.ask(job))
        if told["timed_out"]:
            raise errors.InvalidInput(
                f"The search took more than {self._search_s:g} s. Search a smaller folder, or use a simpler pattern."
            )
        return self._found(told, path)

    def _found(self, told: wire.Result, path: str) -> Found:
        try:
            report: search.Report = json.loads(told["output"])
        except ValueError as error:
            raise errors.SandboxFailure(f"The search failed: {told['output'][-500:]}") from error
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


def result(report: wire.Report | None) -> wire.Result:
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
        for name in (config.RECEIPTS, *environment.FOLDERS):
            (private / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        homes.require_room(error, private)
        raise errors.SandboxFailure(f"The folder {private} cannot be used: {error.strerror}.") from error


def require_runnable(text: str, what: str) -> None:
    """Raise `errors.InvalidInput` for a text that cannot be an argument of a program."""
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
