"""How much may come in, and how often: nobody fills the memory, and nobody holds a request open for ever."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baara_app.guard import answers, doors
from baara_engine import watch

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is let through."""

    body: int = 4 * MIB  #: bytes of a request's body; MCP's own library takes as much
    upload: int = 64 * MIB  #: bytes of a body that goes to an upload of a page
    chunk_s: float = 20.0  #: seconds until more of a body must have come
    body_s: float = 120.0  #: seconds of a whole body
    sockets: int = 16  #: that one window, or one token, has open: a page has one, and a browser has some tabs
    burst: int = 600  #: messages of a socket at once: a page that is drawn anew asks for much
    rate: float = 120.0  #: messages a second of a socket for long: typing and scrolling make some dozen


TOO_LARGE = answers.Refusal(413, "too_large", "That is more than is taken here.")
TOO_SLOW = answers.Refusal(408, "too_slow", "The rest of the request did not come in time.")
TOO_MANY = answers.Refusal(429, "too_many", "Too many connections are open already.")

WAITING = 64  # messages that an app has not taken yet; more wait outside
GONE: Message = {"type": "websocket.disconnect", "code": answers.POLICY_VIOLATION}

UPLOADS = "/_nicegui/client/"  #: what a page of NiceGUI takes files at


class _Refused(Exception):
    """What the app would read next is refused."""

    def __init__(self, why: answers.Refusal) -> None:
        super().__init__(why.code)
        self.why = why


class Limits:
    """Holds requests and sockets to their bounds."""

    def __init__(self, bounds: Bounds, now: Callable[[], float] = time.monotonic) -> None:
        """Take the bounds, and a clock in seconds."""
        self._bounds = bounds
        self._now = now

    async def request(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an app answer a request whose body is held to its bounds."""
        most = self._bounds.upload if scope["path"].startswith(UPLOADS) else self._bounds.body
        if _length(scope) > most:
            await answers.refuse(scope, receive, send, TOO_LARGE)
            return
        body = _Body(receive, most, self._bounds, self._now)
        begun = _Begun(send)
        try:
            await app(scope, body.receive, begun.send)
        except _Refused as refused:
            if not begun.is_so:
                await answers.refuse(scope, receive, send, refused.why)

    async def socket(self, app: ASGIApp, scope: Scope, visitor: doors.Visitor, receive: Receive, send: Send) -> None:
        """Let an app have a socket, until its visitor's key is taken back or it says too much."""
        if visitor.sockets >= self._bounds.sockets:
            await answers.refuse(scope, receive, send, TOO_MANY)
            return
        visitor.sockets += 1
        messages = _Messages(receive, send, visitor.gone, self._bounds, self._now)
        try:
            messages.begin()
            await app(scope, messages.receive, messages.send)
        finally:
            visitor.sockets -= 1
            await messages.close()


class _Body:
    """The body of one request."""

    def __init__(self, receive: Receive, most: int, bounds: Bounds, now: Callable[[], float]) -> None:
        self._receive = receive
        self._room = most
        self._bounds = bounds
        self._now = now
        self._until = now() + bounds.body_s
        self._more = True

    async def receive(self) -> Message:
        if not self._more:  # the app waits for the visitor to leave, and that may take long
            return await self._receive()
        try:
            async with asyncio.timeout(max(min(self._bounds.chunk_s, self._until - self._now()), 0)):
                message = await self._receive()
        except TimeoutError:
            raise _Refused(TOO_SLOW) from None
        self._room -= len(message.get("body", b""))
        if self._room < 0:
            raise _Refused(TOO_LARGE)
        self._more = bool(message.get("more_body"))
        return message


class _Begun:
    """Notes whether an answer has begun: after that, nothing else can be said."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_so = False

    async def send(self, message: Message) -> None:
        self.is_so = True
        await self._send(message)


class _Messages:
    """What comes in over one socket, until its key is taken back or it says too much."""

    def __init__(
        self, receive: Receive, send: Send, gone: asyncio.Event, bounds: Bounds, now: Callable[[], float]
    ) -> None:
        self._from_outside = receive
        self._to_outside = send
        self._gone = gone
        self._bounds = bounds
        self._now = now
        self._allowed = float(bounds.burst)
        self._looked = now()
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(WAITING)
        self._is_over = False
        self._tasks = watch.Tasks()

    def begin(self) -> None:
        """Listen to the outside, and for the key's end."""
        self._tasks.spawn(self._listen(), name="socket: what comes in")
        self._tasks.spawn(self._see_to_the_key(), name="socket: its key")

    async def receive(self) -> Message:
        """Give the next message; for ever that it is over, once it is."""
        return GONE if self._is_over else await self._waiting.get()

    async def send(self, message: Message) -> None:
        """Send a message, unless it is over."""
        if not self._is_over:
            await self._to_outside(message)

    async def close(self) -> None:
        """Listen no more."""
        await self._tasks.stop()

    async def _listen(self) -> None:
        while True:
            message = await self._from_outside()
            if not self._may_speak():
                await self._end()
                return
            await self._waiting.put(message)
            if message["type"] == "websocket.disconnect":
                return

    async def _see_to_the_key(self) -> None:
        await self._gone.wait()
        await self._end()

    def _may_speak(self) -> bool:
        now = self._now()
        self._allowed = min(self._allowed + (now - self._looked) * self._bounds.rate, self._bounds.burst) - 1
        self._looked = now
        return self._allowed >= 0

    async def _end(self) -> None:
        """Close it from here, and let the app know before anything else that still waits."""
        if self._is_over:
            return
        self._is_over = True
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(GONE)
        with contextlib.suppress(Exception):  # the other side may have gone first
            await self._to_outside({"type": "websocket.close", "code": answers.POLICY_VIOLATION})


def _length(scope: Scope) -> int:
    """Give what a request says of its length; what says it badly is refused by its protocol before."""
    said = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(said[0]) if said and said[0].isdigit() else 0
