"""Cutting what is too long out of messages that are to be summarised: each long text keeps its head and its tail."""

from baara_engine.agent import measure
from baara_engine.records import Json

LEAST = 200  # characters that are left of any text: what it was can still be seen
CUT = "\n[… {count:,} characters left out here …]\n"


def fitted(messages: list[Json], room: int) -> list[Json]:
    """Give messages of at most about `room` bytes, with long texts cut in the middle. Calls and thoughts stay."""
    longest = room
    while sum(measure.size(message["content"]) for message in messages) > room and longest > LEAST:
        longest = max(longest // 2, LEAST)
        messages = [
            message | {"content": [_shorter(block, longest) for block in message["content"]]} for message in messages
        ]
    return messages


def _shorter(block: Json, longest: int) -> Json:
    if block["type"] == "text":
        return block | {"text": cut(block["text"], longest)}
    if block["type"] == "tool_result" and isinstance(block.get("content"), list):
        return block | {"content": [_shorter(one, longest) for one in block["content"]]}
    return block


def cut(text: str, longest: int) -> str:
    """Give a text with its middle left out, if it is longer than so many characters."""
    if len(text) <= longest:
        return text
    head, tail = longest * 2 // 3, longest - longest * 2 // 3
    return text[:head] + CUT.format(count=len(text) - longest) + text[-tail:]
