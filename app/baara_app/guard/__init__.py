"""The guard: a layer around everything that the local server offers, so that nobody but its person gets in.

Every program of this computer, and every page in every browser, can reach a port on loopback. So each request and each
socket is looked at before anything else sees it, in this order:

1. `where`: does it come from where we are? The host, the origin, and what the browser says of the page that asks.
2. `doors`: who is it? A cookie that a one-time link has set, or a token of `runtime.json`; each opens its own doors.
3. `limits`: how much, and how often? Bodies, messages and sockets are bounded.

`headers` go with every answer. It is the outermost layer and plain ASGI: what a framework adds lies within.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from baara_app.guard import answers, doors, headers, launching, limits, where

LEFT = "No response returned."  #: what Starlette raises where a browser has left before it was answered
HEALTH = "/healthz"  #: the only address that is open to all: it says that somebody is there


class Guard:
    """Lets through to an app what may come in. One for one server."""

    def __init__(self, app: ASGIApp, port: int, keys: doors.Doors, bounds: limits.Bounds | None = None) -> None:
        """Take what is guarded, and the port that it is served on."""
        self._app = app
        self._here = where.Here(port)
        self._doors = keys
        self._launching = launching.Launching(keys)
        self._limits = limits.Limits(bounds or limits.Bounds())
        self._said = headers.Headers(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request or one socket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        send = self._said.on(scope, send)
        refusal = self._here.refusal(scope)
        if refusal is not None:
            await answers.refuse(scope, receive, send, refusal)
            return
        if scope["type"] == "http" and await self._is_answered_here(scope, receive, send):
            return
        await self._let_in(scope, receive, send)

    async def _is_answered_here(self, scope: Scope, receive: Receive, send: Send) -> bool:
        if scope["path"] == HEALTH:
            await answers.healthy(scope, receive, send)
            return True
        return await self._launching.is_answered(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = self._doors.visitor(scope)
        if visitor is None:
            await answers.refuse(scope, receive, send, doors.STRANGER)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        if scope["type"] == "websocket":
            await self._limits.socket(self._app, scope, visitor, receive, send)
            return
        try:
            await self._limits.request(self._app, scope, receive, send)
        except RuntimeError as error:
            if str(error) != LEFT:
                raise
