"""What each fault of the service becomes, through the real SDK."""

import json
from datetime import UTC, datetime

import httpx2
import pytest

from baara_engine import errors
from baara_engine.agent import failures
from baara_engine.agent.anthropic_model import AnthropicModel
from baara_engine.agent.model import Request
from baara_engine.errors import FailureKind
from baara_engine.testing.clocks import FakeClock

KEY = "sk-secret-0123456789"
REQUEST = Request("claude-sonnet-5-5", "", [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], [], 100)
NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)

Handler = httpx2.Response | Exception


def error_body(kind: str, message: str = "No.", code: str | None = None) -> str:
    details = {} if code is None else {"details": {"error_code": code}}
    return json.dumps({"type": "error", "error": {"type": kind, "message": message, **details}})


async def failure_of(answer: Handler, key: str | None = KEY) -> errors.ModelFailure:
    """Ask a service that answers like this, and give what came of it."""
    asked = 0

    def handle(_request: httpx2.Request) -> httpx2.Response:
        nonlocal asked
        asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    model = AnthropicModel(lambda: key, None, httpx2.MockTransport(handle), clock_=FakeClock(NOW_MS))
    with pytest.raises(errors.ModelFailure) as failure:
        await model.answer(REQUEST)
    assert asked <= 1, "it must not retry by itself"
    assert KEY not in str(failure.value)
    assert failure.value.__suppress_context__ or not asked, "the error of the SDK may hold the key"
    await model.close()
    return failure.value


def status(code: int, body: str, **headers: str) -> httpx2.Response:
    with_id = {"request-id": "req_123", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx2.Response(code, text=body, headers=with_id)


K = FailureKind
TOO_LONG = "prompt is too long: 203456 tokens > 200000 maximum"
LOW = "Your credit balance is too low to access the API."


@pytest.mark.parametrize(
    ("code", "body", "kind"),
    [
        (400, error_body("invalid_request_error"), K.REQUEST),
        (400, error_body("invalid_request_error", TOO_LONG), K.CONTEXT),
        (400, error_body("invalid_request_error", LOW), K.BILLING),
        (400, error_body("invalid_request_error", code="organization_on_hold"), K.KEY),
        (400, error_body("invalid_request_error", code="request_body_timeout"), K.SERVER),
        (400, "bad", K.REQUEST),
        (401, error_body("authentication_error"), K.KEY),
        (402, error_body("billing_error"), K.BILLING),
        (402, error_body("invalid_request_error", code="linked_organization_spend_limit_reached"), K.BILLING),
        (403, error_body("permission_error"), K.MODEL),
        (403, "<html>blocked</html>", K.KEY),
        (404, error_body("not_found_error", "model: claude-none"), K.MODEL),
        (407, "proxy", K.OFFLINE),
        (408, error_body("timeout_error"), K.SERVER),
        (408, "", K.SERVER),
        (409, error_body("conflict_error"), K.SERVER),
        (413, error_body("request_too_large"), K.CONTEXT),
        (413, "<html>413 Request Entity Too Large</html>", K.CONTEXT),
        (422, '{"detail": "no"}', K.REQUEST),
        (429, error_body("rate_limit_error"), K.RATE_LIMIT),
        (429, error_body("rate_limit_error", code="ramp_limit_exceeded"), K.RATE_LIMIT),
        (429, error_body("rate_limit_error", code="enforced_spend_limit_reached"), K.BILLING),
        (429, "slow down", K.RATE_LIMIT),
        (500, "<html><h1>500 Internal Server Error</h1></html>", K.SERVER),
        (500, error_body("api_error"), K.SERVER),
        (502, "", K.SERVER),
        (503, '["not", "an", "object"]', K.SERVER),
        (504, error_body("timeout_error"), K.SERVER),
        (529, error_body("overloaded_error"), K.OVERLOADED),
        (529, "", K.OVERLOADED),
        (302, "", K.OFFLINE),
        (307, "", K.OFFLINE),
    ],
)
async def test_each_status_has_its_kind(code: int, body: str, kind: FailureKind) -> None:
    """The table of faults that come as a status, with bodies of the service's form and of any other."""
    failure = await failure_of(status(code, body, location="https://elsewhere.invalid/"))
    assert failure.kind is kind
    assert f"status {code}, request req_123" in failure.message


@pytest.mark.parametrize(
    ("kind_of_error", "kind"),
    [
        ("overloaded_error", K.OVERLOADED),
        ("rate_limit_error", K.RATE_LIMIT),
        ("api_error", K.SERVER),
        ("timeout_error", K.SERVER),
        ("invalid_request_error", K.REQUEST),
        ("authentication_error", K.KEY),
        ("something_new", K.SERVER),
    ],
)
async def test_an_error_in_the_middle_of_an_answer_goes_by_its_type(kind_of_error: str, kind: FailureKind) -> None:
    """An error event comes with status 200, so only its type counts; nothing of the answer is kept."""
    event = f"event: error\ndata: {error_body(kind_of_error, 'Sorry')}\n\n"
    answer = httpx2.Response(
        200, text=event, headers={"content-type": "text/event-stream", "request-id": "req_9"}
    )  # fmt: skip
    failure = await failure_of(answer)
    assert failure.kind is kind
    assert "Sorry (request req_9)" in failure.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx2.ConnectError("[Errno -2] Name or service not known"), K.OFFLINE),
        (httpx2.ConnectError("certificate verify failed"), K.OFFLINE),
        (httpx2.ConnectTimeout("slow"), K.OFFLINE),
        (httpx2.PoolTimeout("full"), K.OFFLINE),
        (httpx2.ProxyError("407"), K.OFFLINE),
        (httpx2.ReadError("reset"), K.OFFLINE),
        (httpx2.RemoteProtocolError("Server disconnected without sending a response."), K.OFFLINE),
        (httpx2.ReadTimeout("slow"), K.SERVER),
        (httpx2.WriteTimeout("slow"), K.SERVER),
        (httpx2.UnsupportedProtocol("Request URL has an unsupported protocol 'htp://'."), K.REQUEST),
    ],
)
async def test_a_request_that_got_no_response(error: Exception, kind: FailureKind) -> None:
    """Without a connection the service is offline; a service that took the request and said nothing has failed.

    Where a connection broke that there was, the question may have gone out, and be charged.
    """
    failure = await failure_of(error)
    assert failure.kind is kind
    assert failure.is_lost is isinstance(error, (httpx2.ReadError, httpx2.RemoteProtocolError))
    assert str(error) in failure.message


@pytest.mark.expects_log("RuntimeError: a defect")
async def test_what_nobody_foresaw_is_told_and_logged() -> None:
    """A defect on the way is a failure too, of kind internal, and its traceback is logged without the key."""
    failure = await failure_of(RuntimeError(f"a defect with {KEY}"))
    assert failure.kind is K.INTERNAL
    assert failures.HIDDEN in failure.message


@pytest.mark.parametrize("key", [None, "", "  \n"])
async def test_without_a_key_nobody_is_asked(key: str | None) -> None:
    """A missing key is told with what to do about it."""
    failure = await failure_of(status(200, ""), key)
    assert failure.kind is K.KEY
    assert "baara key set" in failure.message
    assert "`offline`" in failure.message


@pytest.mark.parametrize("key", ["two words", "line\nline", "schlüssel", "nul\0"])
async def test_a_key_that_cannot_be_sent_is_not_sent(key: str) -> None:
    """A key with characters that no header can hold is refused here, without showing it."""
    failure = await failure_of(status(200, ""), key)
    assert failure.kind is K.KEY
    assert key not in failure.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Fri, 20 Nov 2026 12:02:00 GMT"}, 120.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "4294967296"}, failures.LONGEST_WAIT_S),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Fri, 99 Foo 2026"}, None),
        ({}, None),
    ],
)
async def test_the_wait_that_the_service_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    """The wait is read in seconds, milliseconds or as a date, and is never longer than a day."""
    answer = httpx2.Response(429, text=error_body("rate_limit_error"), headers=headers)
    assert (await failure_of(answer)).retry_after == seconds


@pytest.mark.parametrize("padding", [0, 280, 295, 400])
async def test_a_key_that_the_service_repeats_is_taken_out(padding: int) -> None:
    """The service's words are shown without the key, even where they are cut in its middle, and without other keys."""
    words = "x" * padding + f" {KEY} and sk-ant-api03-abc_DEF-9 "
    failure = await failure_of(status(401, error_body("authentication_error", words)))
    assert "0123456789" not in failure.message
    assert "abc_DEF" not in failure.message
    assert KEY[:12] not in failure.message
