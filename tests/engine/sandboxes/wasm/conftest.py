"""The wasm sandbox with its real guests, which are compiled once for all tests."""

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engine.sandboxes.conftest import Places

from baara_engine.sandboxes import MIB, CommandResult, Limits
from baara_engine.sandboxes.wasm import WasmSandbox, WasmSession
from baara_engine.sandboxes.wasm_parts import compiled

SMALL = Limits(
    wall_s=60, memory_bytes=64 * MIB, open_files=64, file_bytes=30 * MIB, workspace_bytes=50 * MIB, output_bytes=6000
)


class Hands:
    """A session, of which a test wants results only."""

    def __init__(self, session: WasmSession) -> None:
        self.session = session
        self._count = 0

    async def python(self, code: str, wall_s: float | None = None) -> CommandResult:
        return await self._run("python", code, wall_s=wall_s)

    async def javascript(self, code: str, wall_s: float | None = None) -> CommandResult:
        return await self._run("javascript", code, wall_s=wall_s)

    async def _run(self, language: str, code: str, wall_s: float | None = None) -> CommandResult:
        self._count += 1
        return await self.session.run(code, key=f"hands-{self._count}", language=language, wall_s=wall_s)


@pytest.fixture(scope="session")
def cache() -> Path:
    """Give the folder that all tests of this user compile into."""
    named = os.environ.get(compiled.CACHE_VARIABLE)
    return Path(named) if named else Path(tempfile.gettempdir()) / f"baara-tests-wasm-{os.getuid()}"


@pytest.fixture
async def wasm(cache: Path) -> AsyncIterator[WasmSandbox]:
    """Give the sandbox."""
    made = WasmSandbox(cache=cache, grace_s=1.0)
    problem = await made.missing(Limits())
    assert problem is None, problem
    yield made
    await made.close()


@pytest.fixture
async def session(wasm: WasmSandbox, places: Places) -> AsyncIterator[WasmSession]:
    """Open a session with little of everything."""
    opened = await wasm.open(places.workspace, places.private, SMALL)
    yield opened
    await opened.close()


@pytest.fixture
async def hands(session: WasmSession) -> Hands:
    """Give a session whose Python and JavaScript are loaded, so that times are those of programs."""
    made = Hands(session)
    assert (await made.python("pass")).exit_code == 0
    assert (await made.javascript("0")).exit_code == 0
    return made


@pytest.fixture
def workspace(places: Places) -> Path:
    """Give the folder that the session works in."""
    return places.workspace
