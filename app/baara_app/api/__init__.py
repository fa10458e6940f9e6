"""The HTTP interface: what the engine can do, as JSON under /api/v1, for programs that hold the token.

`making.make` puts it together; each other module has the routes of one kind of thing, and each route is one operation
of `Engine`. What comes in is checked where the engine checks all that comes from outside (`baara_engine.requests`).
Errors are `{"error": {"code", "title", "message"}}`, as the command line's. Who may ask is the guard's matter.
"""
