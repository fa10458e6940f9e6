"""How the Messages API writes an answer: as one JSON object, or as a stream of events."""

import json
import re
from collections.abc import Iterator

from baara_engine.records import Json

BYTES_PER_TOKEN = 4  # of English text, about; enough for an estimate that says so
PIECE = re.compile(r".{1,48}", re.DOTALL)  # characters sent at once
FIELDS = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking")}


def message(name: str, content: list[Json], stop_reason: str, asked: Json) -> Json:
    """Make the answer `name` to the request `asked`, with an estimate of the tokens."""
    sent = [asked.get("system", ""), asked.get("tools", []), asked.get("messages", [])]
    return {
        "id": name,
        "type": "message",
        "role": "assistant",
        "model": asked.get("model", ""),
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens(sent),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": tokens(content),
        },
    }


def tokens(value: object) -> int:
    """Estimate how many tokens a JSON value makes."""
    return -(-len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def events(whole: Json) -> Iterator[Json]:
    """Give the events that a message is sent as."""
    first = {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
    yield {"type": "message_start", "message": whole | first}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        yield from _block_events(index, block)
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    output = {"output_tokens": whole["usage"]["output_tokens"]}
    yield {"type": "message_delta", "delta": end, "usage": output}
    yield {"type": "message_stop"}


def frame(event: Json) -> bytes:
    """Write one event as the stream carries it."""
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode("utf-8", "replace")


def _block_events(index: int, block: Json) -> Iterator[Json]:
    empty, deltas = _split(block)
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _split(block: Json) -> tuple[Json, list[Json]]:
    """Take what is sent piece by piece out of a block."""
    kind = block["type"]
    if kind == "tool_use":
        raw = json.dumps(block["input"], ensure_ascii=False)
        pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *PIECE.findall(raw)]]
        return block | {"input": {}}, pieces
    if kind == "compaction":
        return block | {"content": None}, [{"type": "compaction_delta", "content": block["content"]}]
    if kind not in FIELDS:
        return block, []
    delta, name = FIELDS[kind]
    deltas: list[Json] = [{"type": delta, name: piece} for piece in PIECE.findall(block[name])]
    if "signature" in block:
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return block | {name: "", "signature": ""}, deltas
    return block | {name: ""}, deltas
