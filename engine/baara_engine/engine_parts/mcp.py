"""The person's MCP servers, whose tools work may use."""

from typing import Any

from baara_engine import operations, requests
from baara_engine.mcp_client import spec
from baara_engine.records import Json
from baara_engine.store import mcp_servers
from baara_engine.store.store import Store


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

    def remove_mcp_server(self, name: str) -> None:
        """Forget a server; what names it waits for a person's word. Raises `errors.NotFound`."""
        self.store.write(lambda tx: mcp_servers.remove(tx, name))
