"""The same home, served to models on standard input and output, and over HTTP."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from tests.ui.conftest import House

from baara_app import reaching

WAYS = ("stdio", "http")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a Baara that works, whose agent does what its prompt says."""
    made = House(tmp_path_factory.mktemp("mcp") / "home")
    made.start()
    yield made
    made.stop()


def environment(home: Path) -> dict[str, str]:
    """Give what a program of a model starts with."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "BAARA_"))}
    return kept | {"BAARA_HOME": str(home), "BAARA_MODEL": "offline"}


@contextlib.asynccontextmanager
async def connected(house: House, way: str, mode: Any = "auto") -> AsyncIterator[Client]:
    """Give a client of the tools, by one of the ways."""
    async with contextlib.AsyncExitStack() as stack:
        if way == "stdio":
            command = StdioServerParameters(
                command=sys.executable, args=["-m", "baara_app", "mcp"], env=environment(house.home)
            )
            transport: Any = stdio_client(command)
        else:
            token = reaching.running(house.home).mcp_token
            made = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60.0, trust_env=False)
            http = await stack.enter_async_context(made)
            transport = streamable_http_client(f"{house.url}/mcp", http_client=http)
        yield await stack.enter_async_context(Client(transport, mode=mode))


async def call(client: Client, tool: str, /, **given: Any) -> Any:
    """Call a tool that is to succeed, and give what it gave."""
    result = await client.call_tool(tool, given)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client: Client, tool: str, /, **given: Any) -> str:
    """Call a tool that is to fail, and give what it said."""
    result = await client.call_tool(tool, given)
    assert result.is_error, result.structured_content
    [content] = result.content
    assert content.type == "text"
    return content.text
