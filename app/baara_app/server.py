"""The local HTTP server: loopback only, behind the guard. For now there is nothing behind it."""

import logging
import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from baara_app import guard
from baara_app.guard import connections, doors

log = logging.getLogger(__name__)

STOP_S = 5.0  # for open connections to end
FRAME = 1024 * 1024  # bytes of one message of a socket


async def unknown(_request: Request, _error: Exception) -> JSONResponse:
    """Refuse what is not there."""
    return JSONResponse(
        {"error": {"code": "not_found", "message": "There is nothing here; this version has no pages yet."}},
        status_code=404,
    )


class Server:
    """A server on a bound socket, in a thread of its own."""

    def __init__(self, listening: socket.socket, token: str, mcp_token: str) -> None:
        """Start to serve, to whoever has one of these tokens or comes by a link."""
        port = listening.getsockname()[1]
        self.doors = doors.Doors(token, mcp_token, time.monotonic, f"baara-{port}")
        app = guard.Guard(Starlette(exception_handlers={404: unknown}), port, self.doors)
        settings = uvicorn.Config(
            app, http=connections.Connection, log_config=None, access_log=False, lifespan="off", ws="none",
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
