"""Asking a model: what is sent, what comes back, and every way in which it may break, through the real SDK."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from baara_engine import errors
from baara_engine.agent.anthropic_model import AnthropicModel
from baara_engine.agent.model import Answer, Piece, Request, Usage
from baara_engine.agent.offline import wire
from baara_engine.errors import FailureKind
from baara_engine.records import Json
from baara_engine.testing import replies
from baara_engine.testing.messages_server import MessagesServer
from baara_engine.testing.replies import Reply

KEY = "sk-secret-0123456789"
TOOL: Json = {"name": "bash", "description": "Run.", "input_schema": {"type": "object"}}
HELLO: Json = {"role": "user", "content": [{"type": "text", "text": "hello"}]}
USE: Json = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "printf 'é ✓\\n'"}}
THOUGHT: Json = {"type": "thinking", "thinking": "Let me see …", "signature": "c2lnbmVk"}
REDACTED: Json = {"type": "redacted_thinking", "data": "b3BhcXVl"}


def request(*messages: Json, model: str = "claude-sonnet-5-5") -> Request:
    return Request(model, "Be brief.", list(messages or (HELLO,)), [TOOL], 1000)


async def ask(url: str, *messages: Json, **limits: float) -> Answer:
    model = AnthropicModel(lambda: KEY, url, **limits)  # type: ignore[arg-type]
    try:
        return await model.answer(request(*messages))
    finally:
        await model.close()


async def failure_of(url: str, **limits: float) -> errors.ModelFailure:
    with pytest.raises(errors.ModelFailure) as failure:
        await ask(url, **limits)
    assert KEY not in str(failure.value)
    return failure.value


class Bytes(httpx2.AsyncByteStream):
    """A body that comes in pieces of this size, and then ends or fails."""

    def __init__(self, body: bytes, size: int = 1 << 20, error: Exception | None = None) -> None:
        self._body, self._size, self._error = body, size, error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), self._size):
            yield self._body[start : start + self._size]
        if self._error is not None:
            raise self._error


class InProcess:
    """A model whose service answers with a body in this process."""

    def __init__(self) -> None:
        self.body = Bytes(b"")
        self.model = AnthropicModel(lambda: KEY, "http://in.process", httpx2.MockTransport(self._handle))

    def _handle(self, _request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=self.body)

    async def answer(self, body: Bytes) -> Answer:
        self.body = body
        return await self.model.answer(request())


def recorded(*content: Json, stop_reason: str = "tool_use") -> bytes:
    message = wire.message("msg_1", list(content), stop_reason, {"model": "claude-sonnet-5-5"})
    return b"".join(wire.frame(event) for event in wire.events(message))


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set everything from which the SDK would take credentials, headers or an address."""
    profile = {"base_url": "http://127.0.0.1:9", "credentials": {"type": "static", "token": "from-profile"}}
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "default.json").write_text(json.dumps(profile))
    (tmp_path / "active_config").write_text("default")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-environment")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-from-environment")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-sneaked: in\nauthorization: Bearer sneaked")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_PROFILE", "default")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))


async def test_an_answer_over_real_http() -> None:
    """Text and tool calls come back whole, with usage, cost and the model's own name."""
    with MessagesServer([replies.calls(("bash", {"command": "ls"}), text="Looking.")]) as server:
        answer = await ask(server.url)
    assert answer == Answer(
        content=[
            {"type": "text", "text": "Looking."},
            {"type": "tool_use", "id": "toolu_1_0", "name": "bash", "input": {"command": "ls"}},
        ],
        stop_reason="tool_use",
        usage=Usage(answer.usage.input_tokens, answer.usage.output_tokens),
        model="claude-sonnet-5-5",
        cost_microusd=answer.usage.input_tokens * 2 + answer.usage.output_tokens * 10,
        broken_inputs={},
    )


async def test_the_key_is_asked_for_at_each_call() -> None:
    """A key that is changed counts from the next call on."""
    keys = iter(["sk-first", "sk-second"])
    with MessagesServer([replies.says("one"), replies.says("two")]) as server:
        model = AnthropicModel(lambda: next(keys), server.url)
        await model.answer(request())
        await model.answer(request())
        await model.close()
        assert [recorded.key for recorded in server.requests] == ["sk-first", "sk-second"]


@pytest.mark.usefixtures("_environment")
async def test_nothing_is_taken_from_the_environment() -> None:
    """Keys, tokens, headers, profiles and addresses of the environment have no effect."""
    with MessagesServer([replies.says("hi")]) as server:
        await ask(server.url)
        [sent] = server.requests
    assert sent.key == KEY
    assert "x-sneaked" not in sent.headers
    assert not any("environment" in value or "profile" in value for value in sent.headers.values())


@pytest.mark.usefixtures("_environment")
async def test_without_an_address_it_is_anthropic() -> None:
    """Only what is given is another address; without one the request goes to Anthropic's own."""
    asked: list[str] = []

    def handle(sent: httpx2.Request) -> httpx2.Response:
        asked.append(str(sent.url))
        return httpx2.Response(200, content=recorded())

    model = AnthropicModel(lambda: KEY, None, httpx2.MockTransport(handle))
    with pytest.raises(errors.ModelFailure):
        await model.answer(request())
    assert asked == ["https://api.anthropic.com/v1/messages"]


async def test_what_may_be_cached_is_marked_on_a_copy() -> None:
    """The system prompt, the last tool and the last block that can be marked are; the conversation stays as it was."""
    messages = [HELLO, {"role": "assistant", "content": [THOUGHT, USE]}, results("ok")]
    before = json.dumps(messages)
    with MessagesServer([replies.says("hi")]) as server:
        await ask(server.url, *messages)
        [sent] = server.requests
    mark = {"type": "ephemeral"}
    assert json.dumps(messages) == before
    assert sent.body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": mark}]
    assert sent.body["tools"] == [TOOL | {"cache_control": mark}]
    assert sent.body["messages"][-1]["content"][-1]["cache_control"] == mark
    assert sent.body["messages"][1]["content"] == [THOUGHT, USE]


def results(text: str) -> Json:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": text}]}
    return {"role": "user", "content": [result]}


async def test_signed_thoughts_go_there_and_back_unchanged() -> None:
    """What the model thought, signed or opaque, can be sent back as it came."""
    with MessagesServer([Reply([THOUGHT, REDACTED, USE], "tool_use"), replies.says("done")]) as server:
        first = await ask(server.url)
        await ask(server.url, HELLO, {"role": "assistant", "content": first.content}, results("ok"))
        assert server.requests[1].body["messages"][1]["content"] == [THOUGHT, REDACTED, USE]


async def test_text_is_told_while_it_is_written() -> None:
    """Text comes to `on_piece` in pieces before the answer is there, and is all of it in the end."""
    text = "A long sentence that comes in several pieces, because it has more characters than one of them holds."
    told: list[Piece] = []
    with MessagesServer([replies.says(text)]) as server:
        model = AnthropicModel(lambda: KEY, server.url)
        await model.answer(request(), told.append)
        await model.close()
    assert len(told) > 1
    assert "".join(piece.text for piece in told) == text


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
async def test_an_answer_may_come_in_any_pieces(size: int) -> None:
    """Where the network cuts the stream does not matter, not even in the middle of a character."""
    answer = await InProcess().answer(Bytes(recorded({"type": "text", "text": "Grüße ✓"}, USE), size))
    assert answer.content == [{"type": "text", "text": "Grüße ✓"}, USE]


@pytest.mark.parametrize("error", [None, httpx2.ReadError("reset"), httpx2.RemoteProtocolError("incomplete")])
async def test_a_stream_cut_at_any_byte_gives_no_answer(error: Exception | None) -> None:
    """Wherever a stream ends or breaks before its last event is whole, there is no answer, and never half of one."""
    service = InProcess()
    body = recorded({"type": "text", "text": "Grüße ✓"}, USE)
    for at in range(len(body) + 1):
        if at == len(body):
            assert (await service.answer(Bytes(body, error=error))).content[-1] == USE
        else:
            with pytest.raises(errors.ModelFailure) as failure:
                await service.answer(Bytes(body[:at], error=error))
            assert failure.value.kind is FailureKind.BROKEN_ANSWER, at


@pytest.mark.parametrize("at", [0, 5, 700])
async def test_a_connection_cut_in_the_middle(at: int) -> None:
    """A connection that is lost while the answer comes makes a broken answer, with the id of the request."""
    with MessagesServer([replies.says("x" * 500).cut(at)]) as server:
        failure = await failure_of(server.url)
    assert failure.kind is FailureKind.BROKEN_ANSWER
    assert "req_test_1" in failure.message


@pytest.mark.parametrize("at", [0, 700])
async def test_an_answer_that_falls_silent_is_given_up(at: int) -> None:
    """An answer of which nothing comes any more is given up after its time, though the connection stands."""
    with MessagesServer([replies.says("x" * 500).stalled(at)]) as server:
        begun = time.monotonic()
        failure = await failure_of(server.url, idle_s=0.5)
    assert failure.kind is (FailureKind.BROKEN_ANSWER if at else FailureKind.SERVER)
    assert time.monotonic() - begun < 5


async def test_pings_keep_an_answer_alive() -> None:
    """A service that only says that it is still there is not given up."""

    class Slow(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in range(10):
                await asyncio.sleep(0.12)
                yield b'event: ping\ndata: {"type": "ping"}\n\n'
            yield recorded(USE)

    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Slow()))
    model = AnthropicModel(lambda: KEY, "http://in.process", transport, idle_s=1.0)
    assert (await model.answer(request())).content == [USE]


async def test_a_service_that_takes_the_request_and_says_nothing() -> None:
    """Without any response the service is given up after its time."""
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        failure = await failure_of(f"http://127.0.0.1:{port}", first_s=0.2)
        await asyncio.wait_for(gone.wait(), 5)
    assert failure.kind is FailureKind.SERVER


async def test_nobody_listens() -> None:
    """A refused connection means being offline."""
    listener = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    assert (await failure_of(f"http://127.0.0.1:{port}")).kind is FailureKind.OFFLINE


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (replies.raw(b""), FailureKind.BROKEN_ANSWER),
        (replies.raw(b"", "application/json"), FailureKind.BROKEN_ANSWER),
        (replies.raw(b'{"type": "message"}', "application/json"), FailureKind.BROKEN_ANSWER),
        (replies.raw(b"<html>Sign in to the network</html>", "text/html; charset=utf-8"), FailureKind.OFFLINE),
        (replies.raw(b'event: message_start\ndata: {"type": "mess\n\n'), FailureKind.BROKEN_ANSWER),
        (replies.raw(b"event: message_start\ndata: 7\n\n"), FailureKind.BROKEN_ANSWER),
        (replies.raw(b"event: message_start\ndata: \xff\xfe\n\n"), FailureKind.BROKEN_ANSWER),
        (replies.failure(500, "api_error"), FailureKind.SERVER),
        (replies.failure(429, "rate_limit_error", headers={"retry-after": "3600"}), FailureKind.RATE_LIMIT),
    ],
)
async def test_what_is_no_answer_over_real_http(reply: Reply, kind: FailureKind) -> None:
    """Empty, torn or foreign bodies with status 200, and errors, are failures and are not retried in here."""
    begun = time.monotonic()
    with MessagesServer([reply]) as server:
        assert (await failure_of(server.url)).kind is kind
        assert len(server.requests) == 1
    assert time.monotonic() - begun < 5


async def test_a_compressed_body_that_is_torn() -> None:
    """A body that claims to be compressed and is not is a broken answer."""
    reply = Reply(body=b"not gzip", headers={"content-type": replies.STREAM, "content-encoding": "gzip"})
    with MessagesServer([reply]) as server:
        assert (await failure_of(server.url)).kind is FailureKind.BROKEN_ANSWER


async def test_an_error_after_half_an_answer() -> None:
    """An error event in the middle discards what had come, and counts by its type."""
    half = recorded({"type": "text", "text": "half"}).partition(b"event: message_delta")[0]
    event = wire.frame({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    with MessagesServer([replies.raw(half + event)]) as server:
        assert (await failure_of(server.url)).kind is FailureKind.OVERLOADED


async def test_a_call_cut_at_the_token_limit_is_marked() -> None:
    """An answer that ended inside a tool call is an answer, but its call is marked as broken."""
    cut = {"type": "input_json_delta", "partial_json": '{"command": "rm -rf bui'}
    events = [
        event | ({"delta": cut} if event.get("delta", {}).get("partial_json") else {})
        for event in wire.events(wire.message("m", [USE], "max_tokens", {}))
    ]
    answer = await InProcess().answer(Bytes(b"".join(wire.frame(event) for event in events)))
    assert answer.stop_reason == "max_tokens"
    assert answer.content == [USE | {"input": {}}]
    assert list(answer.broken_inputs) == ["toolu_1"]


@pytest.mark.parametrize("stop_reason", ["pause_turn", "refusal", "model_context_window_exceeded", "holiday"])
async def test_stop_reasons_pass_through(stop_reason: str) -> None:
    """The reason for an end is passed on as it is, known or not."""
    with MessagesServer([replies.says("so", stop_reason)]) as server:
        assert (await ask(server.url)).stop_reason == stop_reason


async def test_the_end_counts_though_the_connection_stays_open() -> None:
    """An answer is there once it is complete, even if the service does not close the stream."""
    body = recorded(USE)
    with MessagesServer(
        [Reply(body=body + b"\n", headers={"content-type": replies.STREAM}).stalled(len(body))]
    ) as server:
        begun = time.monotonic()
        assert (await ask(server.url)).content == [USE]
    assert time.monotonic() - begun < 5


async def test_a_redirect_is_not_followed() -> None:
    """Neither key nor conversation goes to where a redirect points."""
    with MessagesServer([replies.says("mine")]) as other:
        moved = Reply(status=307, headers={"location": f"{other.url}/v1/messages"})
        with MessagesServer([moved]) as server:
            assert (await failure_of(server.url)).kind is FailureKind.OFFLINE
        assert other.requests == []


async def test_answers_run_side_by_side_and_can_be_cancelled() -> None:
    """One model answers many at once; a cancelled one ends at once and harms no other."""

    def script(sent: Json) -> Reply:
        text = sent["messages"][0]["content"][0]["text"]
        return replies.says(text * 50).stalled(700) if text == "stall" else replies.says(text)

    with MessagesServer(script) as server:
        model = AnthropicModel(lambda: KEY, server.url)
        asked = [asyncio.create_task(model.answer(request(said(text)))) for text in ("a", "stall", "b")]  # noqa: TID251
        assert [(await asked[at]).content[0]["text"] for at in (0, 2)] == ["a", "b"]
        asked[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked[1]
        assert (await model.answer(request(said("c")))).content[0]["text"] == "c"
        await model.close()


def said(text: str) -> Json:
    return {"role": "user", "content": [{"type": "text", "text": text}]}
