"""The table of the person's MCP servers (see `models`)."""

from typing import Any

import peewee as pw

from baara_engine.store.base import Base


class McpServer(Base):
    """An MCP server. `how` and `definitions` are JSON; no secret is in either."""

    name = pw.TextField(primary_key=True)
    how = pw.TextField()
    definitions = pw.TextField()
    created_at = pw.BigIntegerField()


TABLES: tuple[Any, ...] = (McpServer,)
