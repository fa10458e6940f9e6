"""One MCP server at work: started when it is first needed, and again after it has died."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from baara_engine import clock, errors, redaction, watch
from baara_engine.mcp_client import spec

START_S = 30.0  # a server that is fetched by its package manager when it is first started may need most of it
CALL_S = 120.0  # for one call; a server that works for longer is to say so by progress, or offer a task
END_S = 10.0  # for a server to end by itself; its library kills it after four
HTTP_S = 30.0  # for one part of an HTTP answer
MAX_TOOLS = 256  # of one server: a model does not choose well among more
MAX_PAGES = 32  # of a list, so that a server cannot give pages for ever
BREAKS_AT = 3  # deaths in a row after which it is left alone
SLOW_AT = 2  # calls in a row without an answer, after which it counts as dead
REST_S = 60.0  # for which it is left alone
# Ends the server with whoever started it, also where that is killed; then becomes the server.
TIED = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGKILL) if sys.platform == 'linux' else None; "
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execvp(sys.argv[2], sys.argv[2:])"
)
SECRET = "The MCP server “{server}” needs the secret “{name}”, and there is none of that name."  # noqa: S105 - a sentence


class Died(Exception):
    """The server was gone before it answered: what it was asked may have happened."""


class Connection:
    """One server, shared by whoever uses it. Lives in the engine's loop."""

    def __init__(self, server: spec.Server, clock_: clock.Clock, secret: Callable[[str], str | None]) -> None:
        """Take how it is reached, and what gives a secret by its name. Starts nothing yet."""
        self._server = server
        self._clock = clock_
        self._secret = secret
        self._tasks = watch.Tasks()
        self._client: Client | None = None
        self._holds: set[asyncio.Task[None]] = set()
        self._leave = asyncio.Event()
        self._turn = asyncio.Lock()
        self._deaths = 0
        self._slow = 0  # calls in a row that had no answer in their time
        self._rests_until = 0.0

    async def tools(self) -> list[types.Tool]:
        """Give its tools as they are now. Raises `errors.Unavailable` where it cannot be had."""
        client, found, cursor = await self._at_work(), [], None
        try:
            async with asyncio.timeout(START_S):
                for _ in range(MAX_PAGES):
                    page = await client.list_tools(cursor=cursor, cache_mode="bypass")
                    found += page.tools
                    cursor = page.next_cursor
                    if cursor is None or len(found) > MAX_TOOLS:
                        return found[:MAX_TOOLS]
        except (MCPError, OSError, TimeoutError, httpx2.HTTPError) as error:
            await self._lost(client)
            raise errors.Unavailable(self._sentence(error)) from error
        return found

    async def call(self, tool: str, arguments: dict[str, Any], beat: Callable[[], None]) -> types.CallToolResult:
        """Call one of its tools; `beat` hears of progress.

        Raises `Died`, `errors.Refused` for what the server refuses, and `errors.Unavailable` where it cannot be had.
        """
        client = await self._at_work()

        async def heard(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001 - their names
            beat()

        try:
            async with asyncio.timeout(CALL_S):
                result = await client.call_tool(tool, arguments, progress_callback=heard)
        except MCPError as error:
            if error.error.code not in {types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT}:
                raise errors.Refused(self._sentence(error)) from error
            await self._silent(client, is_slow=error.error.code == types.REQUEST_TIMEOUT)
            raise Died(self._sentence(error)) from error
        except (OSError, TimeoutError, httpx2.HTTPError) as error:
            await self._silent(client, is_slow=isinstance(error, TimeoutError))
            raise Died(self._sentence(error)) from error
        self._deaths = self._slow = 0
        return result

    async def close(self) -> None:
        """End it: first by closing its standard input, so that its end is seen while the loop still runs."""
        self._leave.set()
        if self._holds:
            await asyncio.wait(self._holds, timeout=END_S)
        await self._tasks.stop()

    async def _at_work(self) -> Client:
        async with self._turn:
            if self._client is not None:
                return self._client
            if self._clock.monotonic() < self._rests_until:
                raise errors.Unavailable(f"The MCP server “{self._server.name}” keeps dying; it is left alone a while.")
            ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            self._leave = asyncio.Event()
            task = self._tasks.spawn(self._hold(ready, self._leave), name=f"mcp-{self._server.name}")
            self._holds.add(task)
            task.add_done_callback(self._holds.discard)
            try:
                async with asyncio.timeout(START_S):
                    self._client = await asyncio.shield(ready)
            except BaseException as error:
                task.cancel()
                if not isinstance(error, Exception):
                    raise
                self._count_death()
                raise errors.Unavailable(self._sentence(error)) from error
            return self._client

    async def _hold(self, ready: asyncio.Future[Client], leave: asyncio.Event) -> None:
        """Keep the connection in one task: it has to be closed by the task that has opened it."""
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(Client(await self._transport(stack)))
                ready.set_result(client)
                await leave.wait()
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it was
            if not ready.done():
                ready.set_exception(error)

    async def _transport(self, stack: AsyncExitStack) -> Any:
        server = self._server
        if server.command is not None:
            environment = {name: await self._value(secret) for name, secret in server.env.items()}
            tied = ["-I", "-S", "-c", TIED, str(os.getpid()), server.command, *server.args]
            nowhere = stack.enter_context(Path(os.devnull).open("w"))  # noqa: ASYNC230, SIM115 - a device; the stack closes it
            return stdio_client(StdioServerParameters(command=sys.executable, args=tied, env=environment), nowhere)
        headers = {name: await self._value(secret) for name, secret in server.headers.items()}
        client = httpx2.AsyncClient(headers=headers, timeout=HTTP_S, trust_env=False)
        return streamable_http_client(str(server.url), http_client=await stack.enter_async_context(client))

    async def _value(self, name: str) -> str:
        value = await asyncio.to_thread(self._secret, name)
        if not value:
            raise errors.Unavailable(SECRET.format(server=self._server.name, name=name))
        redaction.known.bind(value)
        return value

    async def _silent(self, client: Client, *, is_slow: bool) -> None:
        """Drop a connection that gave no answer; one call that is slow is no reason to break off those of others."""
        self._slow += is_slow
        if not is_slow or self._slow >= SLOW_AT:
            self._slow = 0
            await self._lost(client)

    async def _lost(self, client: Client) -> None:
        """Drop a connection that does not answer any more, unless another has taken its place."""
        if self._client is client:
            self._client = None
            self._leave.set()
            self._count_death()

    def _count_death(self) -> None:
        self._deaths += 1
        if self._deaths >= BREAKS_AT:
            self._deaths = 0
            self._rests_until = self._clock.monotonic() + REST_S

    def _sentence(self, error: BaseException) -> str:
        said = error.message if isinstance(error, errors.BaaraError) else str(error) or type(error).__name__
        return f"The MCP server “{self._server.name}” does not do: {redaction.known.text(said)[:500]}"
