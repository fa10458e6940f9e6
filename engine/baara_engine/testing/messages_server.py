"""A scripted Messages API over real HTTP, on the loopback: for tests, in a thread or as a program of its own.

    python -m baara_engine.testing.messages_server --scenario append --turns 12

prints its URL and answers until it is ended. `GET /counts` tells how often it was asked, for each first message.
"""

import argparse
import contextlib
import json
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self

from baara_engine.agent.offline import wire
from baara_engine.records import Json
from baara_engine.testing import legality, replies, scenarios
from baara_engine.testing.replies import Reply

HOST = "127.0.0.1"
PATH = "/v1/messages"
COUNT_PATH = f"{PATH}/count_tokens"
COUNTS = "/counts"
LONGEST_STALL_S = 60.0  # so that nothing outlives a test by much
POLL_S = 0.02  # between looks whether the server is to end
BEARER = "Bearer "

Script = Callable[[Json], Reply] | Sequence[Reply]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came."""

    headers: dict[str, str]  #: with names in lower case
    body: Json

    @property
    def key(self) -> str | None:
        """Give the API key that was sent, in whichever header."""
        bearer = self.headers.get("authorization", "")
        return self.headers.get("x-api-key") or (bearer.removeprefix(BEARER) if bearer.startswith(BEARER) else None)

    @property
    def betas(self) -> set[str]:
        """Give the parts of the service in beta that were asked for."""
        return set(filter(None, self.headers.get("anthropic-beta", "").split(",")))

    @property
    def first_text(self) -> str:
        """Give the text that the conversation began with: it tells executions apart."""
        content = self.body["messages"][0]["content"]
        return content if isinstance(content, str) else str(content[0].get("text", ""))


class MessagesServer:
    """A server in a thread of its own, from `with` to its end.

    A script is a function from a request to its reply, or the replies to the requests in order. Requests that the real
    service would refuse get status 400, whatever the script says.
    """

    def __init__(self, script: Script, port: int = 0) -> None:
        """Take the script, and the port; 0 for any that is free."""
        self.requests: list[Recorded] = []  #: in the order in which they came
        self.counted = 0  #: how often it was asked for the length of a request
        self._script = script
        self._lock = threading.Lock()
        self._server = _Server((HOST, port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_S,), name="messages-server", daemon=True
        )

    @property
    def url(self) -> str:
        """Give the base URL for a client."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything, also what is being answered."""
        self._server.shutdown()
        self._server.end_all()
        self._server.server_close()
        self._thread.join()

    def reply_to(self, request: Recorded) -> tuple[Reply, str]:
        """Write a request down, and give the reply to it with a name for it."""
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        problem = legality.problem(request.body) or legality.problem_of_betas(request.body, request.betas)
        if problem is not None:
            reply = replies.failure(400, "invalid_request_error", problem)
        elif callable(self._script):
            reply = self._script(request.body)
        elif number <= len(self._script):
            reply = self._script[number - 1]
        else:
            reply = replies.failure(500, "api_error", "The script has ended.")
        return reply, f"test_{number}"

    def count(self, body: Json) -> int:
        """Count the tokens of a request, and that it was asked."""
        with self._lock:
            self.counted += 1
        return wire.tokens([body.get("system", ""), body.get("tools", []), body["messages"]])

    def counts(self) -> Json:
        """Count the requests, and those asked before, for each first message."""
        seen: dict[str, list[int]] = {}
        with self._lock:
            for request in self.requests:
                seen.setdefault(request.first_text, []).append(len(request.body["messages"]))
        each = {
            text: {"requests": len(lengths), "repeated": len(lengths) - len(set(lengths))}
            for text, lengths in seen.items()
        }
        return {"requests": len(self.requests), "executions": each}


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128  # many agents at once
    daemon_threads = False  # server_close waits for them

    def __init__(self, address: tuple[str, int], owner: MessagesServer) -> None:
        super().__init__(address, _Handler)
        self.owner = owner
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        self._open.discard(request)
        super().shutdown_request(request)

    def end_all(self) -> None:
        """End what is being answered, and the connections that are kept."""
        self.closing.set()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away: tests let them."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # events are small, and each is to arrive at once
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        if path == COUNT_PATH:
            self._send(200, json.dumps({"input_tokens": self.server.owner.count(body)}).encode())
            return
        if path != PATH:
            self._send(404, json.dumps({"type": "error"}).encode())
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply, name = self.server.owner.reply_to(Recorded(headers, body))
        self._reply(reply, body, name)

    def do_GET(self) -> None:
        if self.path == COUNTS:
            self._send(200, json.dumps(self.server.owner.counts()).encode())
        else:
            self._send(404, b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Say nothing."""

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", replies.JSON)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reply(self, reply: Reply, request: Json, name: str) -> None:
        self.send_response(reply.status)
        headers = {"content-type": reply.content_type(request), "request-id": f"req_{name}", **reply.headers}
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        sent = 0
        for piece in reply.pieces(request, name):
            if not self._write(piece, sent, reply):
                return
            sent += len(piece)
        self.wfile.write(b"0\r\n\r\n")

    def _write(self, piece: bytes, sent: int, reply: Reply) -> bool:
        """Send a piece, as far as the reply goes; say whether it goes on."""
        ends = [at for at in (reply.cut_at, reply.stall_at) if at is not None]
        room = min(ends, default=sent + len(piece)) - sent
        part = piece[:room]
        if part:
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.flush()
        if not ends or room > len(piece):
            return True
        if reply.stall_at is not None:
            self.server.closing.wait(LONGEST_STALL_S)
        self.close_connection = True
        return False


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a scenario until the process is ended."""
    parser = argparse.ArgumentParser(description="A scripted Messages API on the loopback.")
    parser.add_argument("--scenario", choices=sorted(scenarios.TABLE), required=True)
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: ended.set())
    with MessagesServer(scenarios.TABLE[options.scenario](options.turns), options.port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            ended.wait()


if __name__ == "__main__":
    main()
