"""The person's MCP servers, whose tools work may use."""

import asyncio
from typing import Any

from baara_engine import operations, requests
from baara_engine.mcp_client import outside, spec
from baara_engine.records import Json
from baara_engine.store import mcp_servers
from baara_engine.store.store import Store
from baara_engine.tools import Tool


class McpServers(operations.Place):
    """The operations on MCP servers."""

    store: Store

    def mcp_servers(self) -> dict[str, Json]:
        """Give how each server is reached, by name; secrets by their names alone."""
        return self.store.read(mcp_servers.listing)

    def add_mcp_server(self, said: dict[str, Any]) -> Json:
        """Store how a server is reached (`spec.Server`). Raises `errors.InvalidInput` or `errors.Refused`."""
        server = requests.parse(spec.Server, said)
        how: Json = server.model_dump(mode="json", exclude={"name"})
        self.store.write(lambda tx: mcp_servers.put(tx, server.name, how))
        return how

    def try_mcp_server(self, name: str) -> list[Tool]:
        """Start a server by itself, and give its tools as agents get them. Takes as long as the server does.

        Raises `errors.NotFound`, or `errors.Unavailable` with what it said.
        """

        async def work() -> list[Tool]:
            servers = outside.Outside(self.store, self.config.secret)
            try:
                return list((await servers.tools_of(name)).values())
            finally:
                await servers.close()

        return asyncio.run(work())

    def remove_mcp_server(self, name: str) -> None:
        """Forget a server; what names it waits for a person's word. Raises `errors.NotFound`."""
        self.store.write(lambda tx: mcp_servers.remove(tx, name))
