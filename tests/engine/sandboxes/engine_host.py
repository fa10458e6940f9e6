"""Stands for an engine in tests that kill one: opens a session and runs one command.

Arguments: workspace, private folder, key, grace in seconds, command, and `docker` for that sandbox.
"""

import asyncio
import sys
from pathlib import Path

from baara_engine import sandboxes
from baara_engine.sandboxes import Limits
from baara_engine.sandboxes.docker import DockerSandbox
from baara_engine.sandboxes.native import NativeSandbox


async def main() -> None:
    """Run the command."""
    workspace, private, key, grace_s, command, *which = sys.argv[1:]
    kind: type[DockerSandbox | NativeSandbox] = DockerSandbox if which else NativeSandbox
    sandbox: sandboxes.Sandbox = kind(grace_s=float(grace_s))
    session = await sandbox.open(Path(workspace), Path(private), Limits())
    await session.run(command, key=key)


if __name__ == "__main__":
    asyncio.run(main())
