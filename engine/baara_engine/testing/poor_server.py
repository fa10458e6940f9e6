"""A local server that speaks as little of the Messages API as such servers do: for tests, on the loopback.

It knows no usage, no caching, no pings and no counting of tokens, says nothing of which model answered, ends its stream
as others do, and refuses what it does not know.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from baara_engine.records import Json

KNOWN = frozenset({"model", "max_tokens", "messages", "stream", "system", "tools"})


class PoorServer:
    """A server in a thread of its own, which gives one content after the other; each is a list of blocks."""

    def __init__(self, *contents: list[Json], streams: bool = True, has_tools: bool = True) -> None:
        """Take the contents, and whether the server can stream and has heard of tools."""
        self.contents = list(contents)
        self.streams = streams
        self.has_tools = has_tools
        self.requests: list[tuple[dict[str, str], Json]] = []  #: headers, with names in lower case, and body
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Give the base URL for a client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, path: str, body: Json) -> tuple[int, str, bytes]:
        """Give status, content type and body."""
        if path != "/v1/messages":
            return 404, "text/plain", b"404 page not found"
        why = self._refusal(body)
        if why is not None:
            return 400, "application/json", json.dumps({"error": why}).encode()
        content = self.contents.pop(0)
        stop_reason = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
        if not self.streams:
            return 200, "application/json", json.dumps({"content": content, "stop_reason": stop_reason}).encode()
        return 200, "text/event-stream", _stream(content, stop_reason)

    def _refusal(self, body: Json) -> str | None:
        unknown = set(body) - KNOWN
        if unknown or "cache_control" in json.dumps(body) or not isinstance(body.get("system", ""), str):
            return "unknown field"
        if "tools" in body and not self.has_tools:
            return f"{body['model']} does not support tools"
        return None


def _stream(content: list[Json], stop_reason: str) -> bytes:
    """Write events without their names, with fields that nobody has heard of, and the end that other services have."""
    events: list[Json] = [{"type": "message_start", "message": {"role": "assistant", "x": 1}}, {"type": "x"}]
    for index, block in enumerate(content):
        events.append({"type": "content_block_start", "index": index, "content_block": {**block, "x": None}})
        events.append({"type": "content_block_stop", "index": index})
    events += [{"type": "message_delta", "delta": {"stop_reason": stop_reason}}, {"type": "message_stop"}]
    return "".join(f"data: {json.dumps(event)}\r\n\r\n" for event in events).encode() + b"data: [DONE]\n\n"


def _handler(owner: PoorServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            owner.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, kind, sent = owner.reply(self.path, body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.end_headers()  # without a length: the end of the connection is the end of the answer
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
            """Say nothing."""

    return Handler
