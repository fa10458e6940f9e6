"""What an attack is tried on: a session, things outside that must stay as they are, a loop that must not stall."""

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tests.engine.sandboxes.hostile.rows import Row

from baara_engine import errors, sandboxes
from baara_engine.sandboxes import MIB, CommandResult, Limits, Network

CANARY = "HOSTILE-CANARY-9b1f"
ESCAPED = "ESCAPED"
LIMITS = Limits(
    wall_s=20, memory_bytes=300 * MIB, processes=60, open_files=128, file_bytes=30 * MIB, workspace_bytes=50 * MIB,
    network=Network.NONE,
)  # fmt: skip
WALL_S = 12.0  # of one attack
LAG_S = 0.2  # that the loop may be late in 95 of 100 looks
LOOK_S = 0.01
RACE_S = 2.0


@dataclass
class Bench:
    """One attack's surroundings."""

    place: Path
    mark: str = field(default_factory=lambda: f"9{secrets.randbelow(10**8):08d}.5")
    late: list[float] = field(default_factory=list)
    visitors: int = 0
    port: int = 0

    @property
    def work(self) -> Path:
        return self.place / "work"

    def prepare(self) -> None:
        """Make the workspace and what lies around it."""
        for name in ("work", "private", "outside", "work-evil"):
            (self.place / name).mkdir()
        for name in ("outside", "work-evil"):
            (self.place / name / "secret.txt").write_text(CANARY)

    def told(self, text: str) -> str:
        """Fill in an attack."""
        named = {
            "{outside}": self.place / "outside", "{evil}": self.place / "work-evil", "{home}": Path.home(),
            "{pid}": os.getpid(), "{port}": self.port, "{socket}": self.place / "outside" / "agent.sock",
            "{mark}": self.mark,
        }  # fmt: skip
        for name, value in named.items():
            text = text.replace(name, str(value))
        return text

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Listen where nobody may come, and see how late the loop is."""
        server = await asyncio.start_server(self._visited, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        agent = await asyncio.start_unix_server(self._visited, self.place / "outside" / "agent.sock")
        nameless = socket.socket(socket.AF_UNIX)
        nameless.bind(f"\0baara-{self.mark}")
        nameless.listen()
        looking = asyncio.get_running_loop().create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            nameless.close()
            server.close()
            agent.close()

    async def _visited(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visitors += 1
        writer.close()

    async def _look(self) -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(LOOK_S)
            self.late.append(time.perf_counter() - begun - LOOK_S)

    async def attack(self, row: Row, session: sandboxes.Session) -> str:
        """Try it, with what the engine's own side does then, and give all that was told."""
        language = sandboxes.SHELL if sandboxes.SHELL in session.languages else sandboxes.PYTHON
        text = row.shell if language == sandboxes.SHELL else row.python
        assert text is not None
        trying = asyncio.get_running_loop().create_task(
            session.run(self.told(text), key=f"{self.mark}/1", wall_s=WALL_S, language=language)
        )
        seen = await self._meanwhile(row, session)
        result = await trying
        return result.output + seen + await self._afterwards(row, session, language)

    async def _meanwhile(self, row: Row, session: sandboxes.Session) -> str:
        """Read a file over and over while it is swapped."""
        if not row.host.startswith("race:"):
            return ""
        told, until = [], time.monotonic() + RACE_S
        while time.monotonic() < until:
            with contextlib.suppress(errors.BaaraError):
                told.append((await session.read(row.host.partition(":")[2])).text)
        return " ".join(set(told))

    async def _afterwards(self, row: Row, session: sandboxes.Session, language: str) -> str:
        what, _, path = row.host.partition(":")
        with contextlib.suppress(errors.InvalidInput):
            if what == "read":
                return (await session.read(self.told(path))).text
            if what == "glob":
                return "\n".join((await session.glob("**/*", ".")).lines)
        if what == "next":
            program = "ls" if language == sandboxes.SHELL else "print('well')"
            return (await session.run(program, key=f"{self.mark}/2", language=language)).output
        return ""

    async def still_works(self, session: sandboxes.Session) -> CommandResult:
        """Run something harmless."""
        if sandboxes.SHELL in session.languages:
            return await session.run("echo well", key=f"{self.mark}/3")
        return await session.run("print('well')", key=f"{self.mark}/3", language=sandboxes.PYTHON)

    def survivors(self) -> list[int]:
        """Find processes of the attack that still run, in whatever container."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            told = process.info["cmdline"] or []
            if self.mark in told and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        return found

    def changed_outside(self) -> list[str]:
        """Say what is not as it was around the workspace."""
        wanted = {"outside/secret.txt", "outside/agent.sock", "work-evil/secret.txt"}
        seen = {
            str(path.relative_to(self.place)) for path in self.place.rglob("*")
            if not path.is_dir() and path.relative_to(self.place).parts[0] not in {"work", "private"}
        }  # fmt: skip
        texts = {(self.place / name / "secret.txt").read_text() for name in ("outside", "work-evil")}
        return sorted(seen ^ wanted) + [text for text in texts if text != CANARY]

    @property
    def lag_s(self) -> float:
        """Give how late the loop was in 95 of 100 looks at most."""
        return sorted(self.late)[int(len(self.late) * 0.95)] if self.late else 0.0
