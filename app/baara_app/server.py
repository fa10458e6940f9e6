"""The local HTTP server: the pages, loopback only, behind the guard."""

import logging
import socket
import threading
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from baara_app import guard
from baara_app.desk import desk, routes
from baara_app.guard import connections, doors, kept
from baara_engine.engine import Engine
from baara_ui import mounting
from baara_ui.house import Keys

log = logging.getLogger(__name__)

STOP_S = 5.0  # for open connections to end
FRAME = 1024 * 1024  # bytes of one message of a socket


def pages(engine: Engine, keys: Keys, asked: desk.Desk) -> FastAPI:
    """Make what is served: the pages. One for each process, because NiceGUI is one for each."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    routes.add(app, asked)
    mounting.mount(app, engine, keys, asked).listen(asked.heard)
    return app


class Server:
    """A server on a bound socket, in a thread of its own."""

    def __init__(self, listening: socket.socket, token: str, mcp_token: str, app: ASGIApp, home: Path) -> None:
        """Start to serve an app, to whoever has one of these tokens or comes by a link."""
        port = listening.getsockname()[1]
        self.doors = doors.Doors(token, mcp_token, time.monotonic, f"baara-{port}", kept.Kept(home, port))
        guarded = guard.Guard(app, port, self.doors)
        settings = uvicorn.Config(
            guarded, http=connections.Connection, log_config=None, access_log=False, lifespan="on", ws="wsproto",
            ws_max_size=FRAME, server_header=False, proxy_headers=False, timeout_graceful_shutdown=int(STOP_S),
        )  # fmt: skip
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="baara-web", daemon=True
        )
        self._thread.start()

    def is_alive(self) -> bool:
        """Say whether it still serves."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop serving and wait until it has."""
        self._server.should_exit = True
        self._thread.join(STOP_S)
