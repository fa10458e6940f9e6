"""Stands for an engine in tests that kill one: opens a session and runs one command.

Arguments: workspace, private folder, key, grace in seconds, command.
"""

import asyncio
import sys
from pathlib import Path

from baara_engine.sandboxes import Limits
from baara_engine.sandboxes.native import NativeSandbox


async def main() -> None:
    """Run the command."""
    workspace, private, key, grace_s, command = sys.argv[1:]
    session = await NativeSandbox(grace_s=float(grace_s)).open(Path(workspace), Path(private), Limits())
    await session.run(command, key=key)


if __name__ == "__main__":
    asyncio.run(main())
