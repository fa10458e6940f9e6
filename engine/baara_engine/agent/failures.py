"""Why a question to the model got no answer: everything that the SDK can raise, as one kind of error.

What follows from a failure is decided elsewhere (`retry.decide`), by its kind alone. So this file answers only: what
was it, when does the service want to be asked again, and what should a person read? Of what the service says, the
stable code is taken first, then the status where it is telling, then the type of the error; the words only where there
is nothing else. An error in the middle of a stream has status 200, so its status says nothing.
"""

import email.utils
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import anthropic
import httpx2

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.errors import FailureKind
from baara_engine.records import Json

K = FailureKind

LONGEST_WAIT_S = 86_400.0  # a day: a service that asks for more is looked at once a day nevertheless
MS_PER_S = 1000
DETAIL = 300  # characters of the service's own words that are shown

CODES: dict[str, FailureKind] = {
    "contract_spend_limit_reached": K.BILLING,
    "enforced_spend_limit_reached": K.BILLING,
    "linked_organization_billing_unavailable": K.BILLING,
    "linked_organization_spend_limit_reached": K.BILLING,
    "organization_on_hold": K.KEY,
    "request_body_timeout": K.SERVER,
    # What was compacted cannot be sent back as it is, or the service cannot compact this: it is done here instead.
    "compaction_block_ambiguous": K.CONTEXT,
    "compaction_block_misplaced": K.CONTEXT,
    "compaction_content_mismatch": K.CONTEXT,
    "compaction_incomplete_turn": K.CONTEXT,
    "compaction_nothing_to_summarize": K.CONTEXT,
    "compaction_signature_invalid": K.CONTEXT,
    "compaction_too_many_tool_references": K.CONTEXT,
    "compaction_tool_changes_mismatch": K.CONTEXT,
    "compaction_unavailable": K.OVERLOADED,
}
# Statuses that say more than the type of the error.
TELLING: dict[int, FailureKind] = {402: K.BILLING, 407: K.OFFLINE, 413: K.CONTEXT, 529: K.OVERLOADED}
TYPES: dict[str, FailureKind] = {
    "invalid_request_error": K.REQUEST,
    "authentication_error": K.KEY,
    "permission_error": K.MODEL,  # a proxy refuses with 403 as well, and without this type
    "billing_error": K.BILLING,
    "not_found_error": K.MODEL,
    "request_too_large": K.CONTEXT,
    "rate_limit_error": K.RATE_LIMIT,
    "overloaded_error": K.OVERLOADED,
    "timeout_error": K.SERVER,
    "conflict_error": K.SERVER,
    "api_error": K.SERVER,
}
STATUSES: dict[int, FailureKind] = {401: K.KEY, 403: K.KEY, 408: K.SERVER, 409: K.SERVER, 429: K.RATE_LIMIT}
# Refusals that have neither a code nor a type of their own.
WORDS: tuple[tuple[str, FailureKind], ...] = (
    ("prompt is too long", K.CONTEXT),
    ("exceed context limit", K.CONTEXT),
    ("context_management", K.CONTEXT),  # a service or model that does not know it: the conversation is compacted here
    ("anthropic-beta", K.CONTEXT),
    ("'compaction'", K.CONTEXT),
    ("credit balance is too low", K.BILLING),
)

NO_KEY = "There is no API key. Run `baara key set`, set ANTHROPIC_API_KEY, or use the model `offline`."
BAD_KEY = (
    "The API key has characters that no key has, such as spaces or quotes. "
    "Run `baara key set`, set ANTHROPIC_API_KEY, or use the model `offline`."
)
SAYS: dict[FailureKind, str] = {
    K.RATE_LIMIT: "The allowance of the API key is used up for now.",
    K.OVERLOADED: "The model service is overloaded.",
    K.OFFLINE: "The model service cannot be reached.",
    K.KEY: "The model service refuses the API key. Run `baara key set` to give another, or use the model `offline`.",
    K.BILLING: "The account of the API key has no credit, or is at its spending limit.",
    K.SERVER: "The model service failed.",
    K.BROKEN_ANSWER: "The answer of the model service broke off or made no sense.",
    K.REQUEST: "The model service refuses the request.",
    K.MODEL: "The model service does not have this model, or not any more.",
    K.CONTEXT: "The conversation is too long for the model.",
    K.INTERNAL: "Asking the model failed in a way that was not foreseen.",
}
RAMP = "ramp_limit_exceeded"  #: code of the error
FORBIDDEN = "The model service does not let this API key do that. Give another key, or choose another model."

# The question may have gone out by then.
LOST = (httpx2.ReadError, httpx2.WriteError, httpx2.CloseError, httpx2.RemoteProtocolError)

HIDDEN = "[API key]"
LOOKS_LIKE_A_KEY = re.compile(r"sk-ant-[\w-]+")


class StreamError(Exception):
    """The service said in the middle of an answer that it cannot go on."""

    def __init__(self, event: Json) -> None:
        """Take the event of type `error` as it came."""
        super().__init__(event.get("type"))
        self.event = event


@dataclass(frozen=True, slots=True)
class _Case:
    """One failure as it was understood."""

    kind: FailureKind
    words: str  #: of whoever told: not yet fit for people
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None  #: seconds
    sentence: str | None = None  #: in place of that of its kind
    is_lost: bool = False  #: see `errors.ModelFailure`
    is_ramp: bool = False  #: likewise

    def failure(self, key: str) -> errors.ModelFailure:
        """Make the error, without the key in it."""
        words = redacted(self.words, key)  # first, because half a key would not be recognised
        shown = words if len(words) <= DETAIL else words[: DETAIL - 1] + "…"
        notes = [f"status {self.status}"] if self.status else []
        notes += [f"request {self.request_id}"] if self.request_id else []
        parts = [self.sentence or SAYS[self.kind], shown, f"({', '.join(notes)})" if notes else ""]
        text = redacted(" ".join(part for part in parts if part), key)
        return errors.ModelFailure(
            self.kind, text, retry_after=self.retry_after, is_lost=self.is_lost, is_ramp=self.is_ramp
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """What the service said about an error."""

    kind: str = ""  #: its type of the error
    code: str = ""
    words: str = ""
    request_id: str | None = None


def of(error: Exception, *, key: str, now: Millis, request_id: str | None = None) -> errors.ModelFailure:
    """Turn whatever went wrong while the model was asked into a failure whose text does not hold the key.

    `request_id` is that of the answer which had begun, if one had.
    """
    return _case(error, now, request_id).failure(key)


def _case(error: Exception, now: Millis, request_id: str | None) -> _Case:
    words = f"{type(error).__name__}: {error}"
    match error:
        case errors.ModelFailure():
            return _Case(error.kind, "", None, request_id, error.retry_after, error.message)
        case StreamError():
            said = _said(error.event, request_id)
            return _Case(_kind(said, None), said.words, None, said.request_id)
        case anthropic.APIStatusError():
            return _of_status(error, now)
        case anthropic.APIConnectionError():
            return _of_connection(error.__cause__)
        case httpx2.HTTPError() | httpx2.StreamError() | ValueError() | AssertionError():
            return _Case(K.BROKEN_ANSWER, words, None, request_id)
        case _:
            return _Case(K.INTERNAL, words, None, request_id)


SHORTEST_KEY = 8  # characters; shorter ones are stand-ins for local servers, and would be found in every word


def redacted(text: str, key: str) -> str:
    """Take the key, and whatever else looks like one, out of a text."""
    if len(key) >= SHORTEST_KEY:
        text = text.replace(key, HIDDEN)
    return LOOKS_LIKE_A_KEY.sub(HIDDEN, text)


def retry_after(headers: Mapping[str, str], now: Millis) -> float | None:
    """Read how many seconds the service wants to be left alone, within a day; None if it does not say."""
    in_ms = _number(headers.get("retry-after-ms"))
    said = headers.get("retry-after")
    seconds = in_ms / MS_PER_S if in_ms is not None else _number(said)
    if seconds is None and said is not None:
        seconds = _until(said, now)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT_S)


def _of_status(error: anthropic.APIStatusError, now: Millis) -> _Case:
    status = error.status_code
    said = _said(error.body, error.request_id)
    kind = _kind(said, status)
    sentence = FORBIDDEN if status == httpx2.codes.FORBIDDEN and kind in {K.KEY, K.MODEL} else None
    after = retry_after(error.response.headers, now)
    return _Case(kind, said.words, status, said.request_id, after, sentence, is_ramp=said.code == RAMP)


def _of_connection(cause: BaseException | None) -> _Case:
    """Judge a request that got no response at all."""
    words = f"{type(cause).__name__}: {cause}"
    match cause:
        case httpx2.ReadTimeout() | httpx2.WriteTimeout():
            return _Case(K.SERVER, words)
        case httpx2.UnsupportedProtocol() | httpx2.LocalProtocolError():
            return _Case(K.REQUEST, f"Is the base URL right? {words}")
        case httpx2.TransportError():
            return _Case(K.OFFLINE, words, is_lost=isinstance(cause, LOST))
        case _:
            return _Case(K.INTERNAL, words)


def _kind(said: _Said, status: int | None) -> FailureKind:
    """Choose the kind; `status` is None where it says nothing."""
    if said.code in CODES:
        return CODES[said.code]
    if status in TELLING:
        return TELLING[status]
    kind = TYPES.get(said.kind) or _kind_of_status(status)
    return _by_words(said.words) or kind if kind is K.REQUEST else kind


def _kind_of_status(status: int | None) -> FailureKind:
    match status:
        case None:
            return K.SERVER
        case status if status in STATUSES:
            return STATUSES[status]
        case status if httpx2.codes.is_redirect(status):
            return K.OFFLINE  # the service does not redirect: something in between does
        case status if httpx2.codes.is_client_error(status):
            return K.REQUEST
        case _:
            return K.SERVER


def _by_words(words: str) -> FailureKind | None:
    return next((kind for part, kind in WORDS if part in words.lower()), None)


def _said(body: object, request_id: str | None) -> _Said:
    """Read the body of an error; one that is not of the service's form, such as a proxy's page, says nothing."""
    whole = body if isinstance(body, dict) else {}
    error = whole.get("error")
    if not isinstance(error, dict):
        return _Said(words=_text(error), request_id=request_id)
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else ""
    own_id = _text(whole.get("request_id")) or request_id
    return _Said(_text(error.get("type")), _text(code), _text(error.get("message")), own_id)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(date: str, now: Millis) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - now / MS_PER_S
    except (ValueError, OverflowError):
        return None
