"""The engine's end of worker processes: starting them, a spare one, loading guests, and running programs."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import psutil

from baara_engine import errors, watch
from baara_engine.sandboxes import MIB
from baara_engine.sandboxes.wasm_parts import framing
from baara_engine.sandboxes.wasm_parts.framing import Order, Said, Setup

MODULE = "baara_engine.sandboxes.wasm_parts.worker"
CACHE_VARIABLE = "EXTISM_CACHE_CONFIG"  # names the file that says where compiled modules are kept
LOAD_S = 120.0  # seconds that loading a guest may take; a tenth of one does unless the machine is very busy
LATE_S = 5.0  # seconds over a program's limit after which a silent worker counts as hung
END_S = 0.8  # seconds that a worker gets to end by itself once it is told to: cancelling takes effect within a second
LOOK_S = 0.25  # seconds between two looks at a worker's memory
OWN_BYTES = 384 * MIB  # of a worker itself, over what its guest may have: the module's code, and twice as much again


class Worker:
    """One worker process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take the process, which has just been started with pipes."""
        self.starved = False  #: it was killed because it had more memory than its guest can need
        self._process = process
        self._input = cast("asyncio.StreamWriter", process.stdin)
        self._output = cast("asyncio.StreamReader", process.stdout)
        self._most_bytes = 0

    @property
    def pid(self) -> int:
        """Give the process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Say whether the process is still there, as far as is known."""
        return self._process.returncode is None

    async def load(self, setup: Setup) -> None:
        """Load a guest. Raises `errors.SandboxFailure`."""
        self._most_bytes = setup["memory_bytes"] + OWN_BYTES
        said = await self._ask(setup, LOAD_S, lambda: None)
        if said is None or "ready" not in said:
            await self.close()
            why = said.get("failure") if said else None
            raise errors.SandboxFailure(f"The guest for {setup['language']} cannot be loaded: {why or 'no answer'}.")

    async def run(self, order: Order, on_output: Callable[[], None]) -> Said | None:
        """Run a program and give the answer with its report; None if the worker died without one.

        Cancelling ends the program within a second, and the worker.
        """
        tasks = watch.Tasks()
        tasks.spawn(self._watch_memory(), name="wasm-memory")
        try:
            said = await self._ask(order, order["wall_s"] + LATE_S, on_output)
        except asyncio.CancelledError:
            await asyncio.shield(self._end())
            raise
        finally:
            await tasks.stop()
        if said is None or "report" not in said:
            await self.close()
            return None
        if said.get("ending"):
            await self._process.wait()
        return said

    async def close(self) -> None:
        """End the process, whatever it does. Calling it twice is harmless."""
        self._kill()
        self._input.close()
        await self._process.wait()

    async def leave(self) -> None:
        """Let an idle one go, and end what it does otherwise."""
        with contextlib.suppress(ConnectionError):
            self._input.write(framing.pack(framing.END))
        self._input.close()
        await self._end()

    async def _ask(self, message: Setup | Order, within_s: float, on_output: Callable[[], None]) -> Said | None:
        try:
            self._input.write(framing.pack(message))
            async with asyncio.timeout(within_s):
                await self._input.drain()
                while (said := await framing.receive(self._output)) is not None:
                    if "beat" not in said:
                        return said
                    on_output()
        except (ConnectionError, TimeoutError, framing.BrokenError):
            return None
        return None

    async def _end(self) -> None:
        """Have the program ended, and with it the process."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            self._input.write(framing.pack(framing.END))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self._process.wait()
        await self.close()

    async def _watch_memory(self) -> None:
        """Kill it where it has more than its guest can need: that is Extism's fault or somebody's success."""
        while self.alive:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(psutil.Error):
                if psutil.Process(self.pid).memory_info().rss > self._most_bytes:
                    self.starved = True
                    self._kill()

    def _kill(self) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class Pool:
    """Worker processes; one is kept that has been started and knows nothing yet, because starting takes longest."""

    def __init__(self, cache: Path) -> None:
        """Take the file that says where compiled modules are."""
        self._cache = cache
        self._spare: asyncio.Task[Worker] | None = None
        self._tasks = watch.Tasks()

    async def take(self) -> Worker:
        """Give a worker that is started. Raises `errors.SandboxFailure`."""
        spare, self._spare = self._spare, None
        worker = await spare if spare is not None else await self._start()
        if not worker.alive:
            worker = await self._start()
        self._spare = self._tasks.spawn(self._start(), name="wasm-worker")
        return worker

    async def compile(self, guests: list[Path]) -> None:
        """Compile guests in a worker of its own: seconds for the first time, and then nothing. Raises likewise."""
        process = await self._process("compile", *map(str, guests), stderr=asyncio.subprocess.PIPE)
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            last = said.decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
            raise errors.SandboxFailure(f"The guests of the wasm sandbox cannot be compiled: {last}.")

    async def close(self) -> None:
        """End the spare worker."""
        spare, self._spare = self._spare, None
        if spare is not None:
            with contextlib.suppress(errors.SandboxFailure):
                await (await spare).close()
        await self._tasks.stop()

    async def _start(self) -> Worker:
        return Worker(await self._process(stderr=asyncio.subprocess.DEVNULL))

    async def _process(self, *arguments: str, stderr: int) -> asyncio.subprocess.Process:
        """Start a worker: nothing of our environment, folder or open files is its own."""
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-X", "utf8", "-m", MODULE, *arguments,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr,
                env={CACHE_VARIABLE: str(self._cache)}, cwd="/", start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise errors.SandboxFailure(f"A worker of the wasm sandbox cannot be started: {error}.") from error
