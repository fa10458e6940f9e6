"""One command in a container: its output as it comes, its limits, and what it came to."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from baara_engine import errors, watch
from baara_engine.sandboxes import CommandResult, Limits
from baara_engine.sandboxes.containers import Container, Plan, Program
from baara_engine.sandboxes.hands import watching
from baara_engine.sandboxes.hands.output import Kept

BEAT_S = 1.0  # seconds between two signs of life
END_S = 10.0  # seconds that the output of a container which has been removed may take to end
KILLED = 137  # exit status of what was killed, or ran out of memory
OUT_OF_CPU = 152


class Streamed:
    """Runs one program, and watches over it.

    What has to be ended is ended with its container, the one way that holds against anything: the next command gets
    another, on the same files.
    """

    def __init__(self, container: Container, program: Program, plan: Plan) -> None:
        """Take where it runs, and the program, made ready."""
        self.spent = False  #: the container has gone
        self._container = container
        self._program = program
        self._plan = plan
        self._kept = Kept(plan.limits.output_bytes)
        self._over: str | None = None
        self._timed_out = False

    async def run(self, wall_s: float, on_output: Callable[[], None] | None) -> CommandResult:
        """Run it to its end, or to a limit's. Cancelling ends it too. Raises `errors.SandboxFailure`."""
        begun = time.monotonic()
        await asyncio.to_thread(self._program.start)
        # A thread of its own: the loop's are few, and this one is held for as long as the command runs.
        reader, tasks = ThreadPoolExecutor(1, "docker-output"), watch.Tasks()
        reading = asyncio.get_running_loop().run_in_executor(reader, self._read, _beating(on_output))
        try:
            await self._until(reading, tasks.spawn(self._watch(self._plan.limits), name="workspace-size"), wall_s)
        except asyncio.CancelledError:
            await self._end(reading)
            raise
        finally:
            await tasks.stop()
            await asyncio.to_thread(self._program.close)
            reader.shutdown(wait=False)
        return await self._result(round((time.monotonic() - begun) * 1000))

    async def _until(self, reading: asyncio.Future[None], over: asyncio.Future[str], wall_s: float) -> None:
        """Wait until it has ended; end it once its time is over, or it is beyond a limit."""
        either: set[asyncio.Future[Any]] = {reading, over}
        done, _ = await asyncio.wait(either, timeout=wall_s, return_when=asyncio.FIRST_COMPLETED)
        if reading in done:
            await reading
            return
        self._timed_out = not done
        self._over = over.result() if over in done else None
        await self._end(reading)

    async def _end(self, reading: asyncio.Future[None]) -> None:
        """End it with all that runs beside it, and take the rest of its output. Raises `errors.SandboxFailure`."""
        self.spent = True
        await asyncio.shield(asyncio.to_thread(self._container.close))
        _, pending = await asyncio.wait({reading}, timeout=END_S)
        if pending or reading.exception() is not None:
            raise errors.SandboxFailure("What ran in the container could not be ended.")

    def _read(self, beat: Callable[[], None]) -> None:
        try:
            for chunk in self._program.chunks:
                self._kept.add(chunk)
                beat()
        except Exception as error:
            raise errors.SandboxFailure(f"The connection to the command broke: {error}.") from error

    async def _watch(self, limits: Limits) -> str:
        """Return once the workspace is larger than it may be. What was too large before has time to make room."""
        folder = str(self._plan.workspace)
        await asyncio.sleep(watching.WALK_S)
        while True:
            begun = time.monotonic()
            size = await asyncio.to_thread(watching.size, folder, limits.workspace_bytes)
            if size > limits.workspace_bytes:
                return watching.WORKSPACE
            taken_s = time.monotonic() - begun
            await asyncio.sleep(max(watching.WALK_S, watching.WALK_SHARE * taken_s))

    async def _result(self, duration_ms: int) -> CommandResult:
        code = KILLED if self.spent else await asyncio.to_thread(self._program.exit_code)
        if code is None:
            raise errors.SandboxFailure("The connection to the command broke, so its outcome is unknown.")
        result = CommandResult(
            code, self._kept.text(), self._kept.total, timed_out=self._timed_out, duration_ms=duration_ms,
            over="cpu" if code == OUT_OF_CPU else self._over,
        )  # fmt: skip
        if code == KILLED and not self.spent:
            return await self._after_a_kill(result)
        if not self.spent:
            self._container.bury()
        return result

    async def _after_a_kill(self, result: CommandResult) -> CommandResult:
        """Find out whether it was for want of memory, and leave nothing: the shell around it may have gone first."""
        starved = await asyncio.to_thread(self._container.has_run_out_of_memory)
        self.spent = True
        await asyncio.to_thread(self._container.close)
        return replace(result, over=watching.MEMORY) if starved else result


def _beating(on_output: Callable[[], None] | None) -> Callable[[], None]:
    """Give what a reading thread may call at each piece of output: it tells the loop once a second at most."""
    if on_output is None:
        return lambda: None
    loop, told = asyncio.get_running_loop(), on_output
    next_beat = 0.0

    def beat() -> None:
        nonlocal next_beat
        now = time.monotonic()
        if now >= next_beat:
            next_beat = now + BEAT_S
            loop.call_soon_threadsafe(told)

    return beat
