"""The person's MCP servers, as they are stored."""

from collections.abc import Mapping

import orjson

from baara_engine import errors
from baara_engine.records import Json
from baara_engine.store.transaction import Tx, View


def put(tx: Tx, name: str, how: Json) -> None:
    """Store how a server is reached. Raises `errors.Refused` for a taken name."""
    if tx.sql("SELECT 1 FROM mcp_server WHERE name = ?", (name,)):
        raise errors.Refused(f"There is an MCP server “{name}” already. Remove it first, or choose another name.")
    row = (name, orjson.dumps(how).decode(), "{}", tx.now)
    tx.sql("INSERT INTO mcp_server (name, how, definitions, created_at) VALUES (?, ?, ?, ?)", row)


def remove(tx: Tx, name: str) -> None:
    """Forget a server. Raises `errors.NotFound`."""
    get(tx, name)
    tx.sql("DELETE FROM mcp_server WHERE name = ?", (name,))


def get(view: View, name: str) -> Json:
    """Give how a server is reached. Raises `errors.NotFound`, naming those that there are."""
    known = listing(view)
    if name not in known:
        raise errors.NotFound(f"There is no MCP server “{name}”. There are: {', '.join(known) or 'none'}.")
    return known[name]


def listing(view: View) -> dict[str, Json]:
    """Give how each server is reached, by name."""
    return {name: orjson.loads(how) for name, how in view.sql("SELECT name, how FROM mcp_server ORDER BY name")}


def seen(tx: Tx, name: str, definitions: Mapping[str, str]) -> set[str]:
    """Keep what the tools of a server are now, and give the names of those that were something else before."""
    rows = tx.sql("SELECT definitions FROM mcp_server WHERE name = ?", (name,))
    before: dict[str, str] = orjson.loads(rows[0][0]) if rows else {}
    now = before | dict(definitions)
    if now != before:
        tx.sql("UPDATE mcp_server SET definitions = ? WHERE name = ?", (orjson.dumps(now).decode(), name))
    return {tool for tool, what in definitions.items() if before.get(tool, what) != what}
