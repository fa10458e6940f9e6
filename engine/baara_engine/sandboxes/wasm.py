"""The wasm sandbox: programs in Python and JavaScript run as WebAssembly, files are reached from this side.

A guest has memory of its own, the workspace, inputs that it may read, and nothing else: no network, no processes, no
other folder. That is held by the runtime, in a worker process for each language of a session (see `wasm_parts`), which
the engine ends whenever a limit, a person or its own fault asks for it. There is no shell.

Python keeps its variables from one program of a session to the next. Where they are lost, the next result says so.
"""

import asyncio
import contextlib
import errno
import importlib.util
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from baara_engine import errors, owner, sandboxes, watch
from baara_engine.sandboxes import JAVASCRIPT, PYTHON, SHELL, CommandResult, Earlier, Limits, Network, Strength, hosted
from baara_engine.sandboxes.hands import marks, wire
from baara_engine.sandboxes.hosted import GRACE_S, SEARCH_S, Hosted
from baara_engine.sandboxes.launching import Launcher
from baara_engine.sandboxes.wasm_parts import compiled, inputs
from baara_engine.sandboxes.wasm_parts.framing import Order, Said, Setup
from baara_engine.sandboxes.wasm_parts.workers import Pool, Worker

LANGUAGES = frozenset({PYTHON, JAVASCRIPT})
SESSION = "python-session"  # mark in the private folder: a program has run in Python, and may have left variables
ANEW = "[Python was started anew: the variables of earlier programs are gone.]\n"
GONE = "\n[Python ended with this program: the variables of this and earlier programs are gone.]\n"
KILLED = 137  # exit code of what was ended, as shells report it
NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})  #: codes of a worker that can open nothing any more
SIGN_S = 1.0  # seconds between two signs of life while guests are compiled

log = logging.getLogger(__name__)


class WasmSandbox:
    """Guests in worker processes on this computer."""

    name = "wasm"

    def __init__(self, *, cache: Path | None = None, grace_s: float = GRACE_S, search_s: float = SEARCH_S) -> None:
        """Take the folder of compiled guests, and limits in seconds that only tests have a reason to change."""
        self._compiled = compiled.Compiled(cache)
        self._pool = Pool(self._compiled.config)
        self._launcher = Launcher()
        self._grace_s = grace_s
        self._search_s = search_s
        self._tasks = watch.Tasks()
        self._compiling: asyncio.Task[None] | None = None

    async def strength(self) -> Strength:
        """Say what stands between a program and the rest of this computer."""
        return Strength.BOUNDARY

    async def missing(self, limits: Limits) -> str | None:
        """Say what this computer lacks for it."""
        if os.name != "posix":
            return "The wasm sandbox needs Linux or macOS. Choose another for this task."
        if limits.network not in {None, Network.NONE}:
            return f"The wasm sandbox has no network, and {limits.network} was asked for. Choose none, or native."
        if importlib.util.find_spec("extism") is None:
            return "The wasm sandbox needs the package extism, which is not installed: pip install extism."
        lacking = [path.name for path in compiled.PATHS.values() if not path.exists()]
        if lacking:
            return f"This installation lacks the guests {', '.join(lacking)}. Install it anew, or choose native."
        return None

    async def open(self, workspace: Path, private: Path, limits: Limits) -> "WasmSession":
        """Open a session; guests that were never compiled here are, meanwhile. Raises `errors.SandboxFailure`."""
        problem = await self.missing(limits)
        if problem is not None:
            raise errors.SandboxFailure(problem)
        await asyncio.to_thread(self._compiled.prepare)
        if self._compiling is None:
            self._compiling = self._tasks.spawn(self._compile(), name="wasm-compile")
        return await asyncio.to_thread(self._open, workspace, private, limits)

    async def ready(self, on_wait: Callable[[], None]) -> None:
        """Wait until the guests are compiled, giving signs of life. Raises `errors.SandboxFailure`."""
        compiling = self._compiling
        while compiling is not None and not compiling.done():
            await asyncio.wait({compiling}, timeout=SIGN_S)
            on_wait()
        if compiling is not None and compiling.exception() is not None:
            self._compiling = None  # the next session tries again
            raise errors.SandboxFailure(str(compiling.exception())) from compiling.exception()

    async def close(self) -> None:
        """End the processes that are shared by the sessions."""
        await self._tasks.stop()
        await self._pool.close()
        await asyncio.to_thread(self._launcher.close)

    def _open(self, workspace: Path, private: Path, limits: Limits) -> "WasmSession":
        return WasmSession(
            workspace, private, limits, self._launcher, self, self._pool, grace_s=self._grace_s, search_s=self._search_s
        )

    async def _compile(self) -> None:
        if await asyncio.to_thread(self._compiled.done):
            return
        log.info("The guests of the wasm sandbox are being compiled. It takes about ten seconds, once on a computer.")
        await self._pool.compile(list(compiled.PATHS.values()))
        await asyncio.to_thread(self._compiled.note)
        log.info("The guests of the wasm sandbox are compiled.")


class WasmSession(Hosted):
    """One execution's hold on the wasm sandbox (see `sandboxes.Session`)."""

    def __init__(
        self, folder: Path, private: Path, limits: Limits, launcher: Launcher, sandbox: WasmSandbox, pool: Pool, *,
        grace_s: float, search_s: float,
    ) -> None:  # fmt: skip
        """Open the workspace and show the inputs. Raises `errors.SandboxFailure`."""
        super().__init__(folder, private, limits, launcher, grace_s=grace_s, search_s=search_s)
        self._sandbox = sandbox
        self._pool = pool
        self._inputs = inputs.placed(limits.inputs, self._workspace.path, self._private)
        self._workers: dict[str, Worker] = {}
        self._turns = {language: asyncio.Lock() for language in LANGUAGES}  # one program at a time in each
        self._session = self._private / SESSION
        self._lost = self._session.exists()  # variables that a program of an earlier engine has left
        self._closed = False

    @property
    def languages(self) -> frozenset[str]:
        """Give the languages that `run` takes: there is no shell."""
        return LANGUAGES

    async def run(
        self, command: str, *, key: str, wall_s: float | None = None, on_output: Callable[[], None] | None = None,
        language: str = SHELL,
    ) -> CommandResult:  # fmt: skip
        """Run a program in a guest, at most once for each key."""
        sandboxes.require_language(language, self.languages)
        hosted.require_runnable(command, "program")
        if wall_s is not None and not wall_s > 0:
            raise errors.InvalidInput("The time limit of a command must be more than 0 seconds.")
        order = self._order(command, key, min(wall_s or self._limits.wall_s, self._limits.wall_s))
        async with self._turns[language]:
            said = await self._said(language, order, key, on_output or (lambda: None))
            return await self.clean(self._told(language, said))

    async def earlier(self, key: str, *, same_boot: bool) -> Earlier:
        """Tell what became of the program of this key."""
        return await self.clean_earlier(await self._receipts.earlier(key, same_boot=same_boot))

    async def close(self) -> None:
        """End the workers and let the workspace go."""
        self._closed = True
        workers, self._workers = self._workers, {}
        for worker in workers.values():
            await worker.leave()
        await super().close()

    async def _said(self, language: str, order: Order, key: str, on_output: Callable[[], None]) -> Said:
        """Run a program and give what its worker says of it.

        After silence without a mark it never began, so asking again does nothing twice.
        """
        for _ in range(2):
            worker = await self._worker(language, on_output)
            try:
                said = await worker.run(order, on_output)
            finally:
                if not worker.alive:
                    self._give_up(language)
            if said is not None and said.get("report", {}).get("code") in NO_FILES:
                await worker.close()  # what ran before holds all that it may have open; a new one holds nothing
                self._give_up(language)
            elif said is not None:
                return said
            if await asyncio.to_thread(self._receipts.begun, key):
                return await asyncio.to_thread(self._killed, order, starved=worker.starved)
        raise errors.SandboxFailure(
            "The workers of the wasm sandbox die, or can open nothing, before a program begins."
        )

    async def _worker(self, language: str, on_wait: Callable[[], None]) -> Worker:
        """Give the worker of a language, loaded now if there is none."""
        if self._closed:
            raise errors.SandboxFailure("The session is closed.")
        found = self._workers.get(language)
        if found is not None and found.alive:
            return found
        if found is not None:
            self._give_up(language)
        await self._sandbox.ready(on_wait)
        worker = await self._pool.take()
        try:
            await worker.load(self._setup(language))
        except asyncio.CancelledError:
            await worker.close()
            raise
        self._workers[language] = worker
        return worker

    def _give_up(self, language: str) -> None:
        """Forget a worker that has ended, and with it what its guest knew."""
        if self._workers.pop(language, None) is not None and language == PYTHON:
            self._lost = True

    def _told(self, language: str, said: Said) -> CommandResult:
        """Make a result of an answer; where variables have been lost, it says so once."""
        told = CommandResult(**hosted.result(said["report"]))
        if language != PYTHON:
            return told
        self._remember()
        if said.get("lost"):
            self._lost = False
            return replace(told, output=told.output + GONE)
        if self._lost:
            self._lost = False
            return replace(told, output=ANEW + told.output)
        return told

    def _remember(self) -> None:
        with contextlib.suppress(OSError):  # it is only for a sentence in a later result
            self._session.touch()

    def _killed(self, order: Order, *, starved: bool) -> Said:
        """Tell of a program whose worker had to be killed, or died, and leave a receipt of it."""
        result: wire.Result = {
            "exit_code": KILLED,
            "output": "[the process that the program ran in was killed or died; its output is lost]",
            "output_bytes": 0,
            "timed_out": False,
            "interrupted": False,
            "duration_ms": 0,
            "over": "memory" if starved else None,
        }
        with contextlib.suppress(OSError):
            marks.receipt(order["marks"], order["boot"], result)
        return {"report": {"result": result}, "lost": True, "ending": True}

    def _setup(self, language: str) -> Setup:
        return {
            "language": language,
            "guest": str(compiled.PATHS[language]),
            "library": str(compiled.LIBRARY),
            "folder": str(self._workspace.path),
            "inputs": self._inputs,
            "memory_bytes": self._limits.memory_bytes,
            "file_bytes": self._limits.file_bytes,
            "open_files": self._limits.open_files,
        }

    def _order(self, source: str, key: str, wall_s: float) -> Order:
        return {
            "source": source,
            "wall_s": wall_s,
            "cpu_s": self._limits.cpu_s,
            "grace_s": self._grace_s,
            "output_bytes": self._limits.output_bytes,
            "workspace_bytes": self._limits.workspace_bytes,
            "marks": self._receipts.stem(key),
            "boot": owner.boot_id(),
        }
