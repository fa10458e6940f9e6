"""The engine's end of supervisors: one job, one socket, one report."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from baara_engine import errors
from baara_engine.sandboxes.hands import wire
from baara_engine.sandboxes.launching import Launcher

END_S = 5.0  # seconds that a supervisor gets to end its job once that is cancelled; it needs less than one
LATE_S = 30.0  # seconds over the job's limit after which a silent supervisor counts as dead; it needs four at most


class Supervision:
    """The jobs of one session that supervisors have in hand."""

    def __init__(self, launcher: Launcher) -> None:
        """Take the launcher, which is shared with other sessions."""
        self._launcher = launcher
        self._talks: dict[asyncio.StreamWriter, asyncio.Event] = {}
        self._closed = False

    async def ask(self, job: wire.Job, on_output: Callable[[], None] | None = None) -> wire.Report | None:
        """Have a job done and give the report, None if the supervisor died without one.

        `on_output` is called while output comes.

        Cancelling ends the job's processes within a second. Raises `errors.SandboxFailure`.
        """
        self._require_open()
        ours, theirs = socket.socketpair()
        try:
            # Shielded, because a thread that was never started could not close its socket.
            handing_over = asyncio.get_running_loop().run_in_executor(None, self._launcher.hand_over, theirs)
            await asyncio.shield(handing_over)
            self._require_open()
        except BaseException:
            ours.close()
            raise
        return await self._talk(ours, job, on_output or _ignore)

    async def close(self) -> None:
        """End the jobs that still run, and take no more."""
        self._closed = True
        for writer in self._talks:
            writer.write(wire.CANCEL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await asyncio.gather(*(ended.wait() for ended in self._talks.values()))

    async def _talk(self, line: socket.socket, job: wire.Job, on_output: Callable[[], None]) -> wire.Report | None:
        reader, writer = await asyncio.open_unix_connection(sock=line)
        self._talks[writer] = asyncio.Event()
        try:
            writer.write(wire.job_line(job))
            async with asyncio.timeout(job["wall_s"] + LATE_S):
                return wire.read_report(await _read(reader, on_output))
        except (ConnectionError, TimeoutError):
            return None
        except asyncio.CancelledError:
            await _cancel(reader, writer)
            raise
        finally:
            self._talks.pop(writer).set()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _require_open(self) -> None:
        if self._closed:
            raise errors.SandboxFailure("The session is closed.")


async def _read(reader: asyncio.StreamReader, on_output: Callable[[], None]) -> bytes:
    """Read to the end; whatever comes before that says that there is output."""
    data = bytearray()
    while chunk := await reader.read(wire.CHUNK):
        data += chunk
        on_output()
    return bytes(data)


def _ignore() -> None:
    """Nobody is watching."""


async def _cancel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Have the job ended, and wait until it has."""
    writer.write(wire.CANCEL)
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(END_S):
            await reader.read()
