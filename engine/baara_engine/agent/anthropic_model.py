"""Asking a model through the Messages API, with Anthropic's SDK.

Importing the SDK takes seconds, so this module is imported when a model is first needed (`agent.models`) and by nobody
else. Of the SDK it uses the client and the reading of the stream; what the stream says is put together in `stream`, and
what it raises is understood in `failures`. It never retries: it would sleep in here, and the queue does that better.
"""

import asyncio
import contextlib
import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import anthropic
import httpx2
from anthropic.types import RawMessageStreamEvent

from baara_engine import addresses, clock, errors
from baara_engine.agent import failures, prices, stream, whole
from baara_engine.agent.model import Answer, OnPiece, Piece, Request, Usage
from baara_engine.agent.offline.transport import OfflineTransport
from baara_engine.config import OFFLINE
from baara_engine.errors import FailureKind
from baara_engine.records import Json

log = logging.getLogger(__name__)

BASE_URL = "https://api.anthropic.com"
OFFLINE_URL = "http://offline.invalid"  # never resolved: its transport answers in this process

CONNECT_S = 10.0  # seconds until there must be a connection
FIRST_S = 300.0  # seconds until an answer begins: a long conversation is sent and read before anything is said
IDLE_S = 90.0  # seconds without any event, pings included, after which the answer is taken for dead
COUNT_S = 10.0  # seconds for counting the tokens of a question: the estimate is good enough to go on with
REST_S = 1.0  # seconds for the rest of the stream once the answer is complete, so that the connection can be kept

JSON_TYPE = "application/json"  #: of an answer in one piece, from a server that does not stream
NO_KEY_NEEDED = "none"  # sent where there is no key, to a server on this computer: the SDK wants to send one

PING = "ping"  # a type of event: the connection lives, and the answer is not getting on
CACHED = {"type": "ephemeral"}
MARKED = (-1, -3)  # the messages whose ends are marked; with the tools and the system prompt, all the marks there are
# Blocks that may be marked as the end of what is to be cached.
CACHEABLE = frozenset({"text", "image", "document", "tool_use", "tool_result"})


class AnthropicModel:
    """Any model behind the Messages API."""

    def __init__(
        self,
        key: Callable[[], str | None],
        base_url: str | None,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        clock_: clock.Clock | None = None,
        first_s: float = FIRST_S,
        idle_s: float = IDLE_S,
    ) -> None:
        """Take where the key comes from, which is asked at each call, and what to talk to if not Anthropic."""
        self._key = key
        self._is_local = addresses.is_local(base_url)
        self._client = BaaraClient(base_url or BASE_URL, transport)
        self._clock = clock_ or clock.SystemClock()
        self._first_s = first_s
        self._idle_s = idle_s

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        """Ask once and give the complete answer; see `agent.model.Model`. Raises `errors.ModelFailure`."""
        key = await asyncio.to_thread(self._key)  # a keyring may take its time
        is_plain = self._is_local and not (key or "").strip()  # with a key it may be a gateway, which caches
        key = NO_KEY_NEEDED if is_plain else _usable(key)
        asking = _Asking(self._client, self._first_s, self._idle_s, on_piece or _ignore)
        try:
            pieces = await asking.ask(key, plain_body(request) if is_plain else body(request))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told as one kind of error, without the key
            failure = failures.of(error, key=key, now=self._clock.now(), request_id=asking.request_id)
            if failure.kind is FailureKind.INTERNAL:
                log.error("%s", failures.redacted("".join(traceback.format_exception(error)), key))  # noqa: TRY400
            raise failure from None  # the error of the SDK may hold the key
        # What was not counted has no known cost: nothing would say that it is free.
        cost = prices.cost(pieces.model, pieces.usage) if pieces.usage != Usage() else None
        answered_by = pieces.model or request.model
        return Answer(pieces.content, pieces.stop_reason, pieces.usage, answered_by, cost, pieces.broken_inputs)

    async def count(self, request: Request) -> int | None:
        """Give the tokens of a request; None where the service cannot say, or not now."""
        parameters = body(request)
        betas = parameters.pop("betas", [])
        for name in ("max_tokens", "context_management"):  # what is counted is what is sent, not what may come of it
            parameters.pop(name, None)
        try:
            self._client.api_key = _usable(await asyncio.to_thread(self._key))
            async with asyncio.timeout(COUNT_S):
                counted = await self._client.beta.messages.count_tokens(betas=betas, **parameters)
        except (anthropic.AnthropicError, errors.ModelFailure, httpx2.HTTPError, ValueError, TimeoutError):
            return None  # the estimate will do
        return counted.input_tokens

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()


def offline(pace_s: float = 0.0) -> AnthropicModel:
    """Give the offline model: the same class, with a planner in this process behind it.

    `pace_s` is how many seconds it takes for an answer, so that people can watch.
    """
    return AnthropicModel(lambda: OFFLINE, OFFLINE_URL, OfflineTransport(pace_s))


def body(request: Request) -> Json:
    """Make the parameters of a request, with the marks up to which the service may cache it."""
    parameters: Json = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "messages": _marked_messages(request.messages),
    }
    if request.system:
        parameters["system"] = [{"type": "text", "text": request.system, "cache_control": CACHED}]
    if request.tools:
        parameters["tools"] = [*request.tools[:-1], request.tools[-1] | {"cache_control": CACHED}]
    if request.no_calls and request.tools:
        parameters["tool_choice"] = {"type": "none"}
    if request.context is not None:
        parameters["context_management"] = request.context
    if request.betas:
        parameters["betas"] = list(request.betas)
    return parameters


def plain_body(request: Request) -> Json:
    """Make them for a server on this computer: without marks, and with a system prompt that is just a text."""
    parameters: Json = {"model": request.model, "max_tokens": request.max_tokens, "messages": request.messages}
    if request.system:
        parameters["system"] = request.system
    return parameters | ({"tools": request.tools} if request.tools else {})


class BaaraClient(anthropic.AsyncAnthropic):
    """The SDK's client, told everything: it takes no credentials and no headers from the environment or from files."""

    def __init__(self, base_url: str, transport: httpx2.AsyncBaseTransport | None) -> None:
        """Take what to talk to. The key is set before each call."""
        timeout = httpx2.Timeout(None, connect=CONNECT_S)  # everything else is watched in `_Asking`
        # A redirect would carry the conversation to somebody else.
        options: Json = {"timeout": timeout, "follow_redirects": False}
        if transport is not None:
            options["transport"] = transport
        super().__init__(
            api_key="not set yet",  # without one, the SDK would look for credentials by itself
            base_url=base_url,
            max_retries=0,
            timeout=timeout,
            open_telemetry={"traces": False, "propagation": False},
            http_client=anthropic.DefaultAsyncHttpxClient(**options),
        )
        self._custom_headers = {}  # the SDK has filled them from ANTHROPIC_CUSTOM_HEADERS


class _Asking:
    """One question on its way."""

    def __init__(
        self, client: BaaraClient, first_s: float, idle_s: float, on_piece: OnPiece
    ) -> None:  # fmt: skip
        self.request_id: str | None = None  #: of the answer, once it has begun
        self._client = client
        self._first_s = first_s
        self._idle_s = idle_s
        self._on_piece = on_piece
        self._assembly = stream.Assembly()

    async def ask(self, key: str, parameters: Json) -> stream.Pieces:
        """Ask, and wait for the whole answer. Raises whatever the SDK raises, and `errors.ModelFailure`."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._first_s) as watchdog:
                self._client.api_key = key
                answering = await _begin(self._client, parameters)
                self._rewind(watchdog)
                async with answering:
                    await self._read(answering, watchdog)
        except TimeoutError:
            raise self._too_slow(time.monotonic() - begun) from None
        return self._assembly.finish()

    async def _read(self, answering: "anthropic.AsyncStream[RawMessageStreamEvent]", watchdog: asyncio.Timeout) -> None:
        self.request_id = answering.response.headers.get("request-id")
        _require_service(answering.response)
        if JSON_TYPE in answering.response.headers.get("content-type", ""):
            for event in whole.events(stream.event_of((await answering.response.aread()).decode())):
                self._take(event)
            return
        events = answering.raw_events(answering.response)
        async for piece in events:
            self._rewind(watchdog)
            if piece.event == "error":
                raise failures.StreamError(stream.event_of(piece.data))
            if piece.data:
                self._take(stream.event_of(piece.data))
            if self._assembly.is_complete:
                await _rest(events)
                return

    def _rewind(self, watchdog: asyncio.Timeout) -> None:
        watchdog.reschedule(asyncio.get_running_loop().time() + self._idle_s)

    def _take(self, event: Json) -> None:
        piece = self._assembly.feed(event)
        if event.get("type") != PING:
            self._on_piece(piece)

    def _too_slow(self, waited_s: float) -> errors.ModelFailure:
        if self._assembly.is_begun:
            why = f"The answer stopped coming: nothing for {self._idle_s:g} s."
            return errors.ModelFailure(FailureKind.BROKEN_ANSWER, why)
        return errors.ModelFailure(FailureKind.SERVER, f"No answer began within {waited_s:.0f} s.")


async def _begin(client: BaaraClient, parameters: Json) -> "anthropic.AsyncStream[RawMessageStreamEvent]":
    """Send a question. One that needs parts of the service that are in beta goes to where they are."""
    if "betas" not in parameters:
        return await client.messages.create(stream=True, **parameters)
    answering: Any = await client.beta.messages.create(stream=True, **parameters)
    return cast("anthropic.AsyncStream[RawMessageStreamEvent]", answering)


async def _rest(events: AsyncIterator[object]) -> None:
    """Read what comes after the end, so that the connection can be used again. What goes wrong now is no matter."""
    with contextlib.suppress(TimeoutError, httpx2.HTTPError, ValueError):
        async with asyncio.timeout(REST_S):
            async for _ in events:
                pass


def _require_service(response: httpx2.Response) -> None:
    """Raise `errors.ModelFailure` if what answered is a web page, as a captive portal or a proxy sends."""
    if "html" in response.headers.get("content-type", ""):
        raise errors.ModelFailure(
            FailureKind.OFFLINE,
            "A web page came instead of an answer. Is there a sign-in page or a proxy in between, or is the base URL "
            "wrong?",
        )


def _usable(key: str | None) -> str:
    """Give the key as it can be sent. Raises `errors.ModelFailure` if there is none."""
    stripped = (key or "").strip()
    if not stripped:
        raise errors.ModelFailure(FailureKind.KEY, failures.NO_KEY)
    if not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise errors.ModelFailure(FailureKind.KEY, failures.BAD_KEY)
    return stripped


def _marked_messages(messages: list[Json]) -> list[Json]:
    """Mark the end of the last message, and of the one two before it; the caller's messages stay as they are.

    The earlier mark is where the last question ended, so what that has written to the cache is found again even if an
    answer with many calls lies in between: the service looks back only so far.
    """
    marked = list(messages)
    for at in MARKED:
        if len(marked) >= -at:
            marked[at] = _marked(marked[at])
    return marked


def _marked(message: Json) -> Json:
    """Mark the last block of a message that may be marked."""
    if not isinstance(message["content"], list):
        return message
    content = list(message["content"])
    at = next((i for i in reversed(range(len(content))) if content[i].get("type") in CACHEABLE), None)
    if at is None:
        return message
    content[at] = content[at] | {"cache_control": CACHED}
    return message | {"content": content}


def _ignore(_piece: Piece) -> None:
    """Nobody is watching."""
