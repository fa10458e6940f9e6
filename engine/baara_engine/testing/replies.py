"""How the scripted Messages API may answer: properly, with an error, or in one of the ways in which answers break."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from baara_engine.agent.offline import wire
from baara_engine.records import Json

STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"
OK = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server: a message, or the bytes of a body."""

    content: list[Json] | None = None  #: of a message, which is written as the request wants it
    stop_reason: str = "end_turn"
    body: bytes = b""  #: where there is no message
    status: int = OK
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_at: int | None = None  #: bytes of the body after which the connection is closed
    stall_at: int | None = None  #: bytes of the body after which nothing more is sent

    def cut(self, at: int) -> "Reply":
        """Break off after so many bytes."""
        return replace(self, cut_at=at)

    def stalled(self, at: int) -> "Reply":
        """Fall silent after so many bytes, with the connection open."""
        return replace(self, stall_at=at)

    def pieces(self, request: Json, name: str) -> Iterator[bytes]:
        """Give the body for a request, in the pieces in which it is sent; `name` becomes the message's id."""
        if self.content is None:
            yield self.body
            return
        message = wire.message(name, self.content, self.stop_reason, request)
        if request.get("stream"):
            yield from (wire.frame(event) for event in wire.events(message))
        else:
            yield json.dumps(message).encode()

    def content_type(self, request: Json) -> str:
        """Give the type of the body."""
        return STREAM if self.status == OK and request.get("stream") else JSON


def says(text: str, stop_reason: str = "end_turn") -> Reply:
    """Answer with a text."""
    return Reply([{"type": "text", "text": text}], stop_reason)


def calls(*uses: tuple[str, Json], turn: int = 1, text: str = "") -> Reply:
    """Answer with tool calls: (name, input) each, with ids made from `turn` and position."""
    content: list[Json] = [{"type": "text", "text": text}] if text else []
    for position, (name, value) in enumerate(uses):
        content.append({"type": "tool_use", "id": f"toolu_{turn}_{position}", "name": name, "input": value})
    return Reply(content, "tool_use")


def raw(body: bytes, content_type: str = STREAM) -> Reply:
    """Answer with these bytes."""
    return Reply(body=body, headers={"content-type": content_type})


def failure(
    status: int,
    kind: str,
    message: str = "It is only a test.",
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Answer with an error in the service's own form."""
    error: Json = {"type": kind, "message": message}
    if code is not None:
        error["details"] = {"error_code": code}
    body = json.dumps({"type": "error", "error": error}).encode()
    return Reply(body=body, status=status, headers=headers or {})
