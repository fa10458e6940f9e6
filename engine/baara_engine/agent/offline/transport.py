"""What the SDK talks to when the model is offline: the Messages API in this process, with a planner behind it."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2

from baara_engine.agent.offline import planner, wire
from baara_engine.records import Json

PATH = "/v1/messages"
STREAMED = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class OfflineTransport(httpx2.AsyncBaseTransport):
    """Answers every request to the Messages API by the planner. It keeps nothing between requests."""

    def __init__(self, pace_s: float = 0.0) -> None:
        """Take how many seconds an answer takes while it is streamed."""
        self._pace_s = pace_s

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        if (request.method, request.url.path) != ("POST", PATH):
            return _error(httpx2.codes.NOT_FOUND, "not_found_error", f"There is only POST {PATH}.")
        try:
            asked = json.loads(await request.aread())
            talk = planner.read(asked)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return _error(httpx2.codes.BAD_REQUEST, "invalid_request_error", f"Not a request for messages: {error!r}")
        content, stop_reason = planner.answer(talk)
        return self._response(wire.message(f"offline_{talk.turn}", content, stop_reason, asked), asked)

    def _response(self, whole: Json, asked: Json) -> httpx2.Response:
        headers = {"request-id": f"req_{whole['id']}"}
        if not asked.get("stream"):
            return httpx2.Response(httpx2.codes.OK, headers=headers, json=whole)
        return httpx2.Response(httpx2.codes.OK, headers=headers | STREAMED, stream=_Stream(whole, self._pace_s))


class _Stream(httpx2.AsyncByteStream):
    """An answer on its way, at a pace."""

    def __init__(self, whole: Json, pace_s: float) -> None:
        self._frames = [wire.frame(event) for event in wire.events(whole)]
        self._pause_s = pace_s / len(self._frames)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._pause_s:
            yield b"".join(self._frames)
            return
        for frame in self._frames:
            await asyncio.sleep(self._pause_s)
            yield frame


def _error(status: int, kind: str, message: str) -> httpx2.Response:
    return httpx2.Response(status, json={"type": "error", "error": {"type": kind, "message": message}})
