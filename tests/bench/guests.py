"""What the wasm sandbox adds to a bare call of Extism: the same program in the same guest, in turns."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import extism

from baara_engine.sandboxes import JAVASCRIPT, Limits
from baara_engine.sandboxes.wasm import WasmSandbox
from baara_engine.sandboxes.wasm_parts import compiled, guests

ROUNDS = 100
PROGRAM = "console.log(1)"


def program() -> list[tuple[str, str]]:
    """One small program in JavaScript: a bare call of Extism, and a run of a session with marks and receipt."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, private = Path(folder) / "workspace", Path(folder) / "private"
        workspace.mkdir()
        private.mkdir()
        raw, ours = asyncio.run(_both(workspace, private))
    return [
        ("raw call of Extism, ms", f"{raw:.2f}"),
        ("program in a wasm session, ms", f"{ours:.2f}, {ours / raw:.2f} × raw"),
    ]


async def _both(workspace: Path, private: Path) -> tuple[float, float]:
    sandbox = WasmSandbox()
    session = await sandbox.open(workspace, private, Limits())
    await session.run(PROGRAM, key="first", language=JAVASCRIPT)
    call = _bare(workspace)
    raw, ours = [], []
    for n in range(ROUNDS):
        begun = time.perf_counter()
        call()
        middle = time.perf_counter()
        await session.run(PROGRAM, key=str(n), language=JAVASCRIPT)
        raw.append((middle - begun) * 1000)
        ours.append((time.perf_counter() - middle) * 1000)
    await session.close()
    await sandbox.close()
    return statistics.median(raw), statistics.median(ours)


def _bare(workspace: Path) -> Callable[[], None]:
    path = str(workspace)
    module = guests.load({"wasm": [{"path": str(compiled.PATHS[JAVASCRIPT])}], "allowed_paths": {path: path}})
    data = f"{path}\0{PROGRAM}".encode()

    def call() -> None:
        with extism.Plugin(module) as plugin:
            plugin.call("run", data, host_context=_Ignoring())

    return call


class _Ignoring:
    """Takes what a guest says."""

    def output(self, data: bytes) -> None:
        pass

    def exited(self, status: int) -> None:
        pass
