"""The local HTTP server: the pages, loopback only, behind the guard."""

import asyncio
import contextlib
import logging
import socket
import threading
import time

import uvicorn
from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

from baara_app import access, guard, logbook, runtime
from baara_app.api import making
from baara_app.desk import desk, routes
from baara_app.guard import connections, doors, kept
from baara_app.mcp_server import later
from baara_engine.engine import Engine
from baara_ui import house, hub, mounting

log = logging.getLogger(__name__)

STOP_S = 5.0  # for open connections to end
FRAME = 1024 * 1024  # bytes of one message of a socket


def start(
    listening: socket.socket, found: runtime.Runtime, engine: Engine, keys: house.Keys, asked: desk.Desk
) -> "Server":
    """Serve the pages of an engine on a bound socket, to whoever has a key."""
    port = listening.getsockname()[1]
    # A cookie is named after its port, because browsers send it to all ports alike.
    cookie, keeper = f"baara-{port}", kept.Kept(engine.home, port)
    opened = doors.Doors(found.token, found.mcp_token, time.monotonic, cookie, keeper)
    return Server(
        listening, opened, pages(engine, keys, asked, access.Access(engine.home, found, opened, asked.was_shut_out))
    )


class Server:
    """A server on a bound socket, in a thread of its own."""

    def __init__(self, listening: socket.socket, keys: doors.Doors, app: ASGIApp) -> None:
        """Start to serve an app, to whoever has one of the keys."""
        guarded = guard.Guard(app, listening.getsockname()[1], keys)
        settings = uvicorn.Config(
            guarded, http=connections.Connection, log_config=None, access_log=False, lifespan="on", ws="wsproto",
            ws_max_size=FRAME, server_header=False, proxy_headers=False, date_header=False,
            timeout_graceful_shutdown=int(STOP_S),
        )  # fmt: skip
        self._server = Web(settings)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="baara-web", daemon=True
        )
        self._thread.start()

    def is_alive(self) -> bool:
        """Say whether it still serves."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop serving and wait until it has."""
        self._server.leave()
        self._thread.join(STOP_S)


class Web(uvicorn.Server):
    """A server that sleeps while nobody asks: the library's own wakes ten times a second, to look at the clock."""

    def __init__(self, settings: uvicorn.Config) -> None:
        """Take how it serves."""
        super().__init__(settings)
        self._serving: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def leave(self) -> None:
        """Have it stop; from any thread."""
        self.should_exit = True
        if self._serving is not None:
            loop, leaving = self._serving
            with contextlib.suppress(RuntimeError):  # it has ended already, and its loop with it
                loop.call_soon_threadsafe(leaving.set)

    async def main_loop(self) -> None:
        """Wait until it is to stop."""
        leaving = asyncio.Event()
        self._serving = asyncio.get_running_loop(), leaving
        await self.on_tick(0)  # sets the headers of every answer
        if not self.should_exit:
            await leaving.wait()


def pages(engine: Engine, keys: house.Keys, asked: desk.Desk, opened: access.Access) -> FastAPI:
    """Make what is served: interface, tools and pages. One for each process, because NiceGUI is one for each."""
    tools = later.Later(engine)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lambda _app: tools.running())
    app.router.routes.append(Route(doors.MCP, endpoint=tools))
    routes.add(app, asked, opened)
    shown = house.House(engine, hub.Hub(engine), keys, asked, opened, logbook.Logbook(engine.home))
    app.mount(making.PREFIX, making.make(engine, shown.hub))
    mounting.mount(app, shown)
    shown.hub.listen(asked.heard)
    return app
