"""An MCP server for tests, by the official library: it counts what it is asked in a file, and dies where it is told to.

Started as `outside_server.py COUNT DIE_AT [PORT]`, it ends itself in the middle of the call of that number. It speaks
HTTP where a port is given.
"""

import asyncio
import os
import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp_types import ToolAnnotations

COUNT, DIE_AT = Path(sys.argv[1]), int(sys.argv[2])
server = MCPServer("outside")


def _count(what: str) -> str:
    with COUNT.open("a") as file:
        file.write(f"{what} {os.getpid()}\n")
    if len(COUNT.read_text().splitlines()) == DIE_AT:
        os._exit(9)
    return f"{what} done"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def look() -> str:
    """Look at something."""
    return _count("look")


@server.tool(annotations=ToolAnnotations(idempotent_hint=True))
def put() -> str:
    """Put something where it is."""
    return _count("put")


@server.tool()
def send(to: str) -> str:
    """Send something."""
    return _count(f"send:{to}")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def wait(seconds: float) -> str:
    """Take one's time."""
    await asyncio.sleep(seconds)
    return _count("wait")


if __name__ == "__main__":
    if len(sys.argv) > len(("program", "count", "die at")):
        server.run("streamable-http", port=int(sys.argv[3]))
    else:
        server.run("stdio")
