"""A guard around an app that lets everybody in, spoken to as a server does."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.types import Message, Receive, Scope, Send

from baara_app import guard
from baara_app.guard import doors, limits

PORT = 4246
HOST = f"127.0.0.1:{PORT}"
TOKEN, MCP_TOKEN = "t" * 43, "m" * 43
COOKIE = "baara-session"


@dataclass
class Open:
    """An app with no guard of its own: it answers everything, and reads every body and message."""

    seen: list[str] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope["path"])
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] != "websocket.disconnect":
                await send({"type": "websocket.send", "text": message["text"]})
            self.ended.set()
            return
        size = 0
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        self.bodies.append(size)
        headers = [(b"access-control-allow-origin", b"*"), (b"x-frame-options", b"ALLOWALL"), (b"server", b"x/1.0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"secret"})


@dataclass
class Said:
    """An answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


@dataclass
class Socket:
    """A socket as the other side sees it."""

    to_app: "asyncio.Queue[Message]"
    from_app: "asyncio.Queue[Message]"
    task: "asyncio.Task[None]"

    def say(self, text: str) -> None:
        self.to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def hear(self) -> Message:
        return await asyncio.wait_for(self.from_app.get(), 10)

    async def leave(self) -> None:
        self.to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.task, 10)


class Caller:
    """Asks things of a guard."""

    def __init__(self, bounds: limits.Bounds | None = None) -> None:
        self.now = 1000.0
        self.app = Open()
        self.doors = doors.Doors(TOKEN, MCP_TOKEN, lambda: self.now, COOKIE)
        self.guard = guard.Guard(self.app, PORT, self.doors, bounds)

    def cookie(self) -> dict[str, str]:
        session = self.doors.enter(self.doors.launch())
        return {"cookie": f"{COOKIE}={session}"}

    async def ask(
        self, path: str = "/", headers: dict[str, str] | None = None, method: str = "GET",
        body: Iterable[bytes] = (b"",), host: str | None = HOST, more: Iterable[tuple[str, str]] = (),
        *, ends: bool = True,
    ) -> Said:  # fmt: skip
        chunks = list(body)
        messages: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": at < len(chunks) or not ends}
            for at, chunk in enumerate(chunks, 1)
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            if not messages:
                await asyncio.Event().wait()
            return messages.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        await self.guard(_scope("http", path, _headers(headers, host, more), method), receive, send)
        start = sent[0]
        headers_ = [(name.decode(), value.decode()) for name, value in start["headers"]]
        return Said(start["status"], headers_, b"".join(one.get("body", b"") for one in sent[1:]))

    def connect(self, path: str, headers: dict[str, str] | None = None, host: str | None = HOST) -> Socket:
        to_app: asyncio.Queue[Message] = asyncio.Queue()
        from_app: asyncio.Queue[Message] = asyncio.Queue()
        scope = _scope("websocket", path, _headers(headers, host, ()), None)
        to_app.put_nowait({"type": "websocket.connect"})
        work = self.guard(scope, to_app.get, from_app.put)
        return Socket(to_app, from_app, asyncio.get_running_loop().create_task(work))


def _headers(
    headers: dict[str, str] | None, host: str | None, more: Iterable[tuple[str, str]]
) -> list[tuple[bytes, bytes]]:
    given = [*([] if host is None else [("host", host)]), *(headers or {}).items(), *more]
    return [(name.encode(), value.encode("latin-1")) for name, value in given]


def _scope(kind: str, path: str, headers: list[tuple[bytes, bytes]], method: str | None) -> Scope:
    bare, _, query = path.partition("?")
    scope: dict[str, Any] = {"type": kind, "path": unquote(bare), "query_string": query.encode(), "headers": headers}
    return scope if method is None else scope | {"method": method}


@pytest.fixture
def caller() -> Caller:
    return Caller()
