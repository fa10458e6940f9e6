"""Offering the tools: on stdio, and over HTTP. Each call is one operation, in a thread of its own."""

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import mcp_types as types
import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

import baara_engine
from baara_app import documents
from baara_app.mcp_server import tool
from baara_app.mcp_server.tool import Effect, Tool
from baara_engine import errors, states
from baara_engine.engine import Engine
from baara_engine.records import Json
from baara_engine.states import Status

log = logging.getLogger(__name__)

MODULES = ("tasks", "executions", "inbox", "patterns")  # that fill the table, in the order in which tools are listed
WAIT_S = 300.0  # the longest that a call waits: clients give up on a call sooner or later, and the work goes on anyway
LOOK_S = 1.0  # between two looks where a nudge is lost
ABOUT = (
    "Baara queues work for AI agents and shell commands, runs it in sandboxes, keeps every step through crashes and "
    "sleep, and puts results into an inbox. Submit with submit_prompt or submit_task and come back with get_execution. "
    "Questions wait for the person: answer with provide_input only what the person has said."
)
STATES = states.ENDED | {Status.WAITING_FOR_INPUT}  #: in which a call that waits gives its answer

Context = ServerRequestContext[Any, Any]
Working = Callable[[Engine, str], contextlib.AbstractContextManager[bool]]


def make(engine: Engine, working: Working) -> Server[Any]:
    """Make a server of all tools. `working` sees that somebody works while a call waits."""
    for name in MODULES:
        importlib.import_module(f"baara_app.mcp_server.{name}")

    async def list_tools(_context: Context, _asked: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(one) for one in tool.TABLE.values()])

    async def call_tool(_context: Context, asked: types.CallToolRequestParams) -> types.CallToolResult:
        return await _called(engine, working, asked.name, asked.arguments or {})

    return Server(
        "baara", version=baara_engine.__version__, title="Baara", instructions=ABOUT, on_list_tools=list_tools,
        on_call_tool=call_tool,
    )  # fmt: skip


async def on_stdio(server: Server[Any]) -> None:
    """Serve one client on standard input and output, until it leaves."""
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


class OverHttp:
    """The server at one address, without sessions: a call that is broken off takes nothing with it."""

    def __init__(self, server: Server[Any]) -> None:
        """Take the server. The guard has looked at host, origin and token before anything comes here."""
        self._manager = StreamableHTTPSessionManager(
            app=server, json_response=True, stateless=True,
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )  # fmt: skip
        self.app = StreamableHTTPASGIApp(self._manager)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for the time of the block."""
        async with self._manager.run():
            yield


async def _called(engine: Engine, working: Working, name: str, given: Json) -> types.CallToolResult:
    """Do one call. What is wrong with it is told as its result, for the model to read and mend."""
    found = tool.TABLE.get(name)
    if found is None:
        return _failed(f"There is no tool “{name[:60]}”. There are: {', '.join(tool.TABLE)}.")
    try:
        arguments = found.read(given)
        result = await asyncio.to_thread(found.run, engine, arguments)
        if found.waits:
            result = await _ended(engine, working, str(result["id"]))
    except errors.BaaraError as error:
        return _failed(error.message)
    except Exception:
        log.exception("the tool %s fell over", name)
        return _failed("Baara made a mistake; `baara log --crashes` has the details. Nothing that was queued is lost.")
    text = orjson.dumps(result).decode()
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=orjson.loads(text))


async def _ended(engine: Engine, working: Working, execution_id: str) -> Json:
    """Wait until an execution has ended, or needs a person, or the time is over; give it as it is then."""
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, working(engine, execution_id))
        news = stack.enter_context(engine.news())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while (await asyncio.to_thread(engine.execution, execution_id)).status not in STATES:
                    await asyncio.to_thread(news.wait, LOOK_S)
        found = engine.execution(execution_id)
        await asyncio.to_thread(stack.close)
    return documents.execution(found, engine.store.clock.now())


def _described(one: Tool) -> types.Tool:
    return types.Tool(
        name=one.name, description=one.description, input_schema=one.schema(), output_schema={"type": "object"},
        annotations=types.ToolAnnotations(
            read_only_hint=one.effect is Effect.READS, destructive_hint=one.effect is Effect.DESTROYS,
            idempotent_hint=one.effect in {Effect.READS, Effect.SETS, Effect.DESTROYS}, open_world_hint=False,
        ),
    )  # fmt: skip


def _failed(message: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=message)], is_error=True)
