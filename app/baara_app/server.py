"""The local HTTP server: loopback only. For now it says that it is there, and refuses everything else."""

import logging
import socket
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

log = logging.getLogger(__name__)

STOP_S = 5.0  # for open connections to end


async def healthz(_request: Request) -> JSONResponse:
    """Say that the server answers, and nothing else."""
    return JSONResponse({"status": "ok"})


async def unknown(_request: Request, _error: Exception) -> JSONResponse:
    """Refuse what is not there."""
    return JSONResponse({"error": {"code": "not_found", "message": "There is nothing here."}}, status_code=404)


class Server:
    """A server on a bound socket, in a thread of its own."""

    def __init__(self, listening: socket.socket) -> None:
        """Start to serve."""
        app = Starlette(routes=[Route("/healthz", healthz)], exception_handlers={404: unknown})
        settings = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=int(STOP_S)
        )
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
