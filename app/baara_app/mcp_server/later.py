"""The MCP server over HTTP, loaded when a program first asks for it: its library takes as long to load as all pages."""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from baara_app.guard import answers, doors
from baara_engine import watch
from baara_engine.engine import Engine

SERVING = "baara_app.mcp_server.serving"


class Later:
    """What is served at its address."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine, which works."""
        self._engine = engine
        self._turn = asyncio.Lock()
        self._app: ASGIApp | None = None
        self._tasks = watch.Tasks()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for the time of the block."""
        try:
            yield
        finally:
            await self._tasks.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, unless its key is taken back meanwhile: a call may wait for minutes."""
        gone: asyncio.Event = scope["state"]["visitor"].gone
        call = self._tasks.spawn(self._answer(scope, receive, send), name="a call of a tool")
        key = self._tasks.spawn(gone.wait(), name="a call of a tool: its key")
        try:
            await asyncio.wait({call, key}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_refused = not call.done() and gone.is_set()
            call.cancel()
            key.cancel()
            await asyncio.wait({call, key})
        if is_refused:  # the library answers in one piece, so nothing has been sent
            await answers.refuse(scope, receive, send, doors.STRANGER)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._loaded())(scope, receive, send)

    async def _loaded(self) -> ASGIApp:
        async with self._turn:
            if self._app is None:
                serving: Any = await asyncio.to_thread(importlib.import_module, SERVING)
                made = serving.OverHttp(serving.make(self._engine, _works_already))
                ready = asyncio.Event()
                self._tasks.spawn(_serve(made, ready), name="the MCP server")
                await ready.wait()
                self._app = made.app
            return self._app


async def _serve(made: Any, ready: asyncio.Event) -> None:
    async with made.running():
        ready.set()
        await asyncio.Event().wait()  # until it is cancelled


def _works_already(_engine: Engine, _execution_id: str) -> contextlib.AbstractContextManager[bool]:
    return contextlib.nullcontext(enter_result=False)
