"""The MCP servers of one engine, and what of their tools an execution gets."""

from collections.abc import Callable

from baara_engine import errors, tools
from baara_engine.mcp_client import connection, spec, toolbox
from baara_engine.mcp_client.outside import Missing
from baara_engine.records import Execution, Json
from baara_engine.store import findings, mcp_servers
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

LEFT_OUT, CHANGED = "mcp_tool_left_out", "mcp_tool_changed"  #: kinds of finding
ADVICE = "See what the server says of it; remove the server if you did not expect that."


class Servers:
    """Connections by name, made when they are first needed."""

    def __init__(self, store: Store, secret: Callable[[str], str | None]) -> None:
        """Take the store, and what gives a secret by its name."""
        self._store = store
        self._secret = secret
        self._lines: dict[str, tuple[Json, connection.Connection]] = {}

    async def offered(self, execution: Execution) -> dict[str, tools.Tool]:
        """Give the tools of the servers that an execution names. Raises `Missing`."""
        found: dict[str, tools.Tool] = {}
        for server in execution.mcp_servers or ():
            try:
                found |= await self.tools_of(server)
            except (errors.NotFound, errors.Unavailable) as error:
                raise Missing(server, error.message) from error
        return found

    async def close(self) -> None:
        """End all of them."""
        for _, line in self._lines.values():
            await line.close()

    async def tools_of(self, server: str) -> dict[str, tools.Tool]:
        """Give the tools of a server. Raises `errors.NotFound`, or `errors.Unavailable` where it cannot be had."""
        line = await self._line(server)
        made: dict[str, tools.Tool] = {}
        refused: list[str] = []
        for theirs in await line.tools():
            try:
                one = toolbox.tool(server, theirs, line)
            except errors.InvalidInput as error:
                refused.append(f"{theirs.name[:80]}: {error.message}")
                continue
            made[one.name] = one
        await self._store.awrite(lambda tx: _note(tx, server, made, refused))
        return made

    async def _line(self, server: str) -> connection.Connection:
        how = self._store.read(lambda view: mcp_servers.get(view, server))
        held = self._lines.get(server)
        if held is not None and held[0] == how:
            return held[1]
        if held is not None:
            await held[1].close()
        made = connection.Connection(spec.Server(name=server, **how), self._store.clock, self._secret)
        self._lines[server] = (how, made)
        return made


def _note(tx: Tx, server: str, made: dict[str, tools.Tool], refused: list[str]) -> None:
    """Tell of tools that are left out, and of those that are not what they were."""
    changed = mcp_servers.seen(tx, server, {name: toolbox.fingerprint(one) for name, one in made.items()})
    if changed:
        said = f"The MCP server “{server}” has changed what these tools are: {', '.join(sorted(changed))}."
        findings.found(tx, CHANGED, said, ADVICE, key=f"{CHANGED}/{server}")
    if refused:
        said = f"Tools of the MCP server “{server}” are left out: {'; '.join(refused)[:2000]}."
        findings.found(tx, LEFT_OUT, said, ADVICE, key=f"{LEFT_OUT}/{server}")
    else:
        findings.clear(tx, f"{LEFT_OUT}/{server}")
