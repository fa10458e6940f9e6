"""The step of the schema that adds the MCP servers whose tools work may use."""

from baara_engine.store.transaction import Tx

MCP_SERVER = """
CREATE TABLE mcp_server (
    name TEXT NOT NULL PRIMARY KEY,
    how TEXT NOT NULL,
    definitions TEXT NOT NULL,
    created_at INTEGER NOT NULL
)
"""


def m011_mcp_servers(tx: Tx) -> None:
    """Add the person's MCP servers, with what their tools were when they were last seen."""
    tx.sql(MCP_SERVER)
