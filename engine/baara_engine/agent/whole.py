"""An answer that came in one piece, from a service that does not stream, as the events of one that does."""

from collections.abc import Iterator

from baara_engine import errors
from baara_engine.errors import FailureKind
from baara_engine.records import Json


def events(message: Json) -> Iterator[Json]:
    """Give the events of a whole message. Raises `errors.ModelFailure` if it is none."""
    content = message.get("content")
    if message.get("type") == "error" or not isinstance(content, list):
        raise errors.ModelFailure(
            FailureKind.BROKEN_ANSWER,
            "The service answered with JSON that is no message of the Messages API. Is the base URL that of a server "
            "which speaks it?",
        )
    yield {"type": "message_start", "message": message}
    for index, block in enumerate(content):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": message.get("stop_reason")}, "usage": message.get("usage")}
    yield {"type": "message_stop"}
