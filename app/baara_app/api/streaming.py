"""Waiting for what happens: the events of an execution as they come, and the end of one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import Depends, Request
from fastapi.responses import Response, StreamingResponse

from baara_app import documents
from baara_app.guard import doors
from baara_engine import errors, states, watch
from baara_engine.engine import Engine
from baara_engine.records import Event, Execution
from baara_ui.hub import Hub

PAGE = 500  # events read at once
ALIVE_S = 15.0  # seconds after which a silent stream says that it is there; proxies and clients give up after 30 to 60
MOST_STREAMS = 16  # at once for one key, as of sockets
MAX_DIGITS = 18  # of the number of an event


class Events(StreamingResponse):
    """Server-sent events (HTML Living Standard, 9.2)."""

    media_type = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Follower:
    """Who listens."""

    visitor: doors.Visitor
    last: int | None  #: the last event that it had before its connection broke


async def _follower(request: Request) -> Follower:
    last = request.headers.get("last-event-id", "")
    is_number = last.isascii() and last.isdecimal() and len(last) <= MAX_DIGITS
    return Follower(request.state.visitor, int(last) if is_number else None)


TheFollower = Annotated[Follower, Depends(_follower)]


async def answer(engine: Engine, hub: Hub, prefix: str, follower: Follower, after: int) -> Response:
    """Give the events after a number as they happen. Raises `errors.NotFound` or `errors.Refused`."""
    found = await asyncio.to_thread(engine.execution, prefix)
    after = after if follower.last is None else follower.last
    if found.status in states.ENDED and not await asyncio.to_thread(_page, engine, found.id, after):
        return Response(status_code=204)  # what follows the standard does not come back after this
    if follower.visitor.sockets >= MOST_STREAMS:
        raise errors.Refused(f"This key has {MOST_STREAMS} streams open already. Close one first.")
    return Events(_stream(engine, hub, found.id, follower.visitor, after), headers={"cache-control": "no-store"})


async def ended(engine: Engine, hub: Hub, prefix: str, limit_s: float) -> Execution:
    """Give an execution as soon as it has ended, or as it is after so many seconds. Raises `errors.NotFound`."""
    found = await asyncio.to_thread(engine.execution, prefix)
    with _news_of(hub, found.id) as news, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            while (found := await asyncio.to_thread(engine.execution, found.id)).status not in states.ENDED:
                await news.wait()
                news.clear()
    return found


async def _stream(
    engine: Engine, hub: Hub, execution_id: str, visitor: doors.Visitor, after: int
) -> AsyncIterator[bytes]:
    """Give the events, until the last one, or until the key is taken back."""
    visitor.sockets += 1
    tasks = watch.Tasks()
    try:
        with _news_of(hub, execution_id) as news:
            tasks.spawn(_close(visitor, news), name="stream: its key")
            while not visitor.gone.is_set():
                news.clear()
                is_over = (await asyncio.to_thread(engine.execution, execution_id)).status in states.ENDED
                page = await asyncio.to_thread(_page, engine, execution_id, after)
                for event in page:
                    yield _written(event)
                    after = event.seq
                if is_over and not page:
                    return
                if not page and not await _comes(news):
                    yield b": here\n\n"
    finally:
        visitor.sockets -= 1
        await tasks.stop()


async def _comes(news: asyncio.Event) -> bool:
    """Wait for news; say whether it came before it is time to say something."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ALIVE_S):
            return await news.wait()
    return False


async def _close(visitor: doors.Visitor, news: asyncio.Event) -> None:
    """Wake a stream whose key is taken back."""
    await visitor.gone.wait()
    news.set()


@contextlib.contextmanager
def _news_of(hub: Hub, execution_id: str) -> Iterator[asyncio.Event]:
    """Give what is set whenever something has happened to an execution."""
    news = asyncio.Event()

    def hear(events: list[Event]) -> None:
        if any(event.execution_id == execution_id for event in events):
            news.set()

    forget = hub.listen(hear)
    try:
        yield news
    finally:
        forget()


def _page(engine: Engine, execution_id: str, after: int) -> list[Event]:
    return engine.events(after, execution=execution_id, limit=PAGE)


def _written(event: Event) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.seq, event.kind.encode(), orjson.dumps(documents.event(event)))
