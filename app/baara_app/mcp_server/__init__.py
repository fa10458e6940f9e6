"""The MCP server: what the engine can do, as tools for the models of other programs.

`tool.TABLE` is filled by the modules that `serving` names, one for each kind of thing; a tool is a function of the
engine and of checked arguments, whose docstring is what models read. `serving` offers them on stdio (`baara mcp`) and
over HTTP (`/mcp`, with a token of its own): the same tools on both.
"""
