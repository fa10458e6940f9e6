"""Stands for an engine in tests that kill one: opens a session and runs one command.

Arguments: workspace, private folder, key, grace in seconds, command, and `docker` for that sandbox, or `wasm` and the
folder of its compiled guests: there the command is a program in Python.
"""

import asyncio
import sys
from pathlib import Path

from baara_engine import sandboxes
from baara_engine.sandboxes import Limits
from baara_engine.sandboxes.docker import DockerSandbox
from baara_engine.sandboxes.native import NativeSandbox
from baara_engine.sandboxes.wasm import WasmSandbox


async def main() -> None:
    """Run the command."""
    workspace, private, key, grace_s, command, *which = sys.argv[1:]
    sandbox, language = _sandbox(which, float(grace_s))
    session = await sandbox.open(Path(workspace), Path(private), Limits())
    await session.run(command, key=key, language=language)


def _sandbox(which: list[str], grace_s: float) -> tuple[sandboxes.Sandbox, str]:
    if which[:1] == ["wasm"]:
        return WasmSandbox(cache=Path(which[1]), grace_s=grace_s), sandboxes.PYTHON
    kind: type[DockerSandbox | NativeSandbox] = DockerSandbox if which else NativeSandbox
    return kind(grace_s=grace_s), sandboxes.SHELL


if __name__ == "__main__":
    asyncio.run(main())
