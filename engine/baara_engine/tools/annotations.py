"""The effect class of a tool that comes from an MCP server, by what its annotations say.

They are hints of the server, so only those are believed whose untruth the person has accepted by naming that server.
What says nothing is unsafe, and a call of it whose outcome a crash has hidden is asked about.

Source: the Model Context Protocol, schema 2026-07-28, `ToolAnnotations`; their defaults there are the careful ones.
"""

from baara_engine.records import Effect, Json


def effect(annotations: Json | None) -> Effect:
    """Give the class. A hint counts only if it is literally true; idempotence says nothing about what only reads."""
    hints = annotations or {}
    if hints.get("readOnlyHint") is True:
        return Effect.READ
    if hints.get("idempotentHint") is True:
        return Effect.IDEMPOTENT
    return Effect.UNSAFE
