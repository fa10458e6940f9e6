"""Where the agent's hands work: one protocol, and a table of what implements it.

The model runs in the engine; what it *does* runs in a sandbox. No key enters a sandbox, and a sandbox's death is an
error (`errors.SandboxFailure`) that the engine survives. A new sandbox is one file here and one line in `TABLE`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, cast

from baara_engine import errors
from baara_engine.records import Json

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


SHELL, PYTHON, JAVASCRIPT = "shell", "python", "javascript"  #: languages of `Session.run`


class Network(StrEnum):
    """What a sandbox may reach."""

    NONE = "none"  #: Nothing, this computer included.
    LISTED = "listed"  #: The hosts of a list, through a proxy that checks each connection.
    OPEN = "open"  #: Whatever this computer reaches.


class Strength(StrEnum):
    """What stands between a command and the rest of the computer."""

    BOUNDARY = "boundary"  #: It is held by the kernel or by a runtime, also against code that means harm.
    TIDY = "not a boundary"  #: It is kept in order, and can do what the person can do.


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session and each of its commands may use. A sandbox says which of them it cannot hold.

    People set some of these (`requests.SandboxLimits`); the first three are the engine's own.
    """

    wall_s: float = 24 * 3600.0  #: seconds until a command is ended, whatever it asks for
    output_bytes: int = 64 * KIB  #: bytes of output kept: the first two thirds and the last third, with a note between
    read_bytes: int = 256 * KIB  #: bytes of one file that a read returns
    memory_bytes: int = 4 * GIB  #: of one process where processes have limits of their own, else of all together
    cpu_s: float | None = None  #: seconds of processor's time of one command, None for as much as fits into `wall_s`
    cpus: float | None = None  #: processors' worth of time at once, None for all there are
    processes: int = 512  #: at once
    open_files: int = 1024  #: of one process
    file_bytes: int = 8 * GIB  #: of one file that a command writes
    workspace_bytes: int = 16 * GIB  #: of all files of the workspace together: looked at while a command runs
    network: Network | None = None  #: None for what the sandbox has by itself
    hosts: tuple[str, ...] = ()  #: of `Network.LISTED`: names, and `*.example.org` for all below one
    inputs: tuple[Path, ...] = ()  #: files and folders that commands may read beside the workspace, and not write


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. Our own failures are exceptions instead."""

    exit_code: int  #: as a shell reports it: 128 + the signal's number if a signal ended it
    output: str  #: stdout and stderr as they came, undecodable bytes replaced, cut to `Limits.output_bytes`
    output_bytes: int  #: how much there was
    timed_out: bool = False
    interrupted: bool = False  #: ended because the engine vanished while it ran
    duration_ms: int = 0
    over: str | None = None  #: the limit that ended it, if one is known to: "memory", "workspace", "cpu"


@dataclass(frozen=True, slots=True)
class NotBegun:
    """The command never began, so it can be run now without doing anything twice."""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """The command may have run, in whole or in part; nobody can say."""


Earlier = CommandResult | NotBegun | OutcomeUnknown


@dataclass(frozen=True, slots=True)
class FileText:
    """Text of a file, or of a range of its lines."""

    text: str
    lines: int  #: lines in the whole file, 0 if it was cut before they could be counted
    cut: bool  #: true where the text stops before the file (or the range) does


@dataclass(frozen=True, slots=True)
class Found:
    """Results of a search, in a stable order."""

    lines: tuple[str, ...]
    cut: bool  #: true where there was more than is returned
    skipped: int = 0  #: files or folders that could not be read


class Session(Protocol):
    """One execution's hold on a sandbox.

    Paths are relative to the workspace, or absolute within it; anything else is refused. File methods raise
    `errors.InvalidInput` for what the caller can mend (no such file, outside the workspace, not a regular file, text
    not found), `errors.SandboxFailure` when the sandbox itself is broken.
    """

    @property
    def languages(self) -> frozenset[str]:
        """Give the languages that `run` takes here: some of `SHELL`, `PYTHON` and `JAVASCRIPT`."""
        ...

    async def run(
        self, command: str, *, key: str, wall_s: float | None = None, on_output: Callable[[], None] | None = None,
        language: str = SHELL,
    ) -> CommandResult:  # fmt: skip
        """Run a shell command, or a program in another language, in the workspace, at most once for each `key`.

        `on_output` is called in the loop's thread while output comes, about once a second. Raises
        `errors.InvalidInput` for a language that the sandbox has not.

        Nothing that the command started survives the call. Cancelling the task that awaits it ends the command's
        processes within a second. Raises `errors.Refused` if a command of this key has begun before.
        """
        ...

    async def earlier(self, key: str, *, same_boot: bool) -> Earlier:
        """Tell what became of the command of this key, begun by an engine that has since died.

        `same_boot` says whether the computer has been up since that command's intent was written: after a power cut,
        missing marks prove nothing. Waits for the command if it is just being ended.
        """
        ...

    async def settled(self, key: str) -> None:
        """Forget the marks of this command: its result is in the journal now."""
        ...

    async def read(self, path: str, view_range: tuple[int, int] | None = None) -> FileText:
        """Read a text file; `view_range` is the first and last line, from 1, with -1 for the last line there is."""
        ...

    async def read_bytes(self, path: str, most: int) -> bytes:
        """Read a whole file of any content; one of more than `most` bytes is refused."""
        ...

    async def write(self, path: str, content: str) -> None:
        """Write a whole text file at once (never half of it), making folders as needed."""
        ...

    async def digest(self, path: str) -> str | None:
        """Give the SHA-256 of a file's bytes in hex, or None if there is no such file."""
        ...

    async def edit(self, path: str, old: str, new: str, *, replace_all: bool) -> int:
        """Replace text in a file at once, and give the number of replacements."""
        ...

    async def glob(self, pattern: str, path: str = ".") -> Found:
        """List files whose path below `path` fits the pattern (`*`, `?`, `[…]`, `**`), sorted."""
        ...

    async def grep(self, pattern: str, path: str = ".") -> Found:
        """Search text files for a regular expression: lines as `path:number:text`."""
        ...

    async def close(self) -> None:
        """End what is left and free what was held. Calling it twice is harmless."""
        ...


class Sandbox(Protocol):
    """A kind of place to work in."""

    name: str

    async def strength(self) -> Strength:
        """Say what stands between a command and the rest of this computer, as it is set up now."""
        ...

    async def missing(self, limits: Limits) -> str | None:
        """Say in a sentence what this computer lacks to hold these limits, and the remedy; None if it lacks nothing."""
        ...

    async def open(self, workspace: Path, private: Path, limits: Limits) -> Session:
        """Open a session on a workspace.

        `private` is a folder for the sandbox's own marks and scratch, outside the workspace; both folders exist.
        Raises `errors.SandboxFailure` if the sandbox cannot work here, with what to do about it.
        """
        ...

    async def close(self) -> None:
        """Free what is shared by the sessions."""
        ...


# name → module and class, imported when first asked for
TABLE: dict[str, tuple[str, str]] = {
    "native": ("baara_engine.sandboxes.native", "NativeSandbox"),
    "docker": ("baara_engine.sandboxes.docker", "DockerSandbox"),
    "wasm": ("baara_engine.sandboxes.wasm", "WasmSandbox"),
}
# What each is, in words for whoever chooses one.
TOLD = {
    "native": "inside bubblewrap where that is installed, else not a boundary",
    "docker": "a hardened container",
    "wasm": "Python and JavaScript without shell and network",
}
DEFAULT = "native"
WITHOUT_SHELL = frozenset({"wasm"})  #: those that run no shell commands


def make(name: str) -> Sandbox:
    """Make a sandbox of this name. Raises `errors.InvalidInput`, naming those that exist."""
    require(name)
    module, class_name = TABLE[name]
    return cast("Sandbox", getattr(importlib.import_module(module), class_name)())


async def standing(name: str) -> str:
    """Say what stands between a command and the rest of this computer in a sandbox here, or what it lacks."""
    sandbox = make(name)
    try:
        missing = await sandbox.missing(Limits())
        return missing or f"ready: {await sandbox.strength()}"
    except errors.BaaraError as error:
        return error.message
    finally:
        await sandbox.close()


def require(name: str) -> None:
    """Raise `errors.InvalidInput` unless there is a sandbox of this name."""
    if name not in TABLE:
        known = ", ".join(sorted(TABLE))
        raise errors.InvalidInput(f"There is no sandbox “{name}” in this version. It has: {known}.")


def limits_of(stored: Json | None) -> Limits:
    """Make the limits of an execution from what is stored of them, which `requests.SandboxLimits` has checked."""
    given = dict(stored or {})
    if "network" in given:
        given["network"] = Network(given["network"])
    if "inputs" in given:
        given["inputs"] = tuple(map(Path, given["inputs"]))
    if "hosts" in given:
        given["hosts"] = tuple(given["hosts"])
    return Limits(**given)


def require_language(language: str, known: frozenset[str]) -> None:
    """Raise `errors.InvalidInput` unless a sandbox that has these languages can run a program in this one."""
    if language not in known:
        raise errors.InvalidInput(f"This sandbox runs no {language}. It runs: {', '.join(sorted(known))}.")
