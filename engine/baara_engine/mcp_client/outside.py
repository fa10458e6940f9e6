"""The door to the MCP servers: their library takes long to import, so it is loaded when work first names a server."""

import importlib
from collections.abc import Callable
from typing import Any

from baara_engine import tools
from baara_engine.records import Execution, QuestionDraft
from baara_engine.store.store import Store

KIND = "mcp_server"  #: of the question about one that cannot be had
TRY_AGAIN, STOP = "Try again", "Stop"
SERVERS = "baara_engine.mcp_client.servers"


class Missing(Exception):
    """A server that an execution is to have cannot be had."""

    def __init__(self, server: str, why: str) -> None:
        """Take the server's name and the sentence that says why."""
        super().__init__(why)
        self.server = server

    def question(self) -> QuestionDraft:
        """Ask what is to be done: it never runs without tools that it was promised."""
        text = f"{self} Until you answer, nothing runs. Mend it, then let it try again."
        return QuestionDraft(text, (TRY_AGAIN, STOP), KIND, detail={"mcp_server": self.server})


class Outside:
    """The MCP servers of one engine. Lives in the engine's loop."""

    def __init__(self, store: Store, secret: Callable[[str], str | None]) -> None:
        """Take the store, and what gives a secret by its name. Starts nothing yet."""
        self._store = store
        self._secret = secret
        self._servers: Any = None

    async def offered(self, execution: Execution) -> dict[str, tools.Tool]:
        """Give the tools of the servers that an execution names. Raises `Missing`."""
        if not execution.mcp_servers:
            return {}
        found: dict[str, tools.Tool] = await self._loaded().offered(execution)
        return found

    async def tools_of(self, server: str) -> dict[str, tools.Tool]:
        """Give the tools of a server. Raises `errors.NotFound`, or `errors.Unavailable` where it cannot be had."""
        found: dict[str, tools.Tool] = await self._loaded().tools_of(server)
        return found

    def _loaded(self) -> Any:
        if self._servers is None:
            self._servers = importlib.import_module(SERVERS).Servers(self._store, self._secret)
        return self._servers

    async def close(self) -> None:
        """End all servers."""
        if self._servers is not None:
            await self._servers.close()
