"""Cutting what is too long out of messages that are to be summarised: each long text keeps its head and its tail."""

from baara_engine.agent import measure
from baara_engine.records import Json

LEAST = 200  # characters that are left of any text: what it was can still be seen
MOST_PICTURES = 80  # in one question: the service takes a hundred
AT_ONCE = 40  # pictures that are left out together
LEFT_OUT: Json = {"type": "text", "text": "[a picture, left out here]"}
CUT = "\n[… {count:,} characters left out here …]\n"


def fitted(messages: list[Json], room: int) -> list[Json]:
    """Give messages of at most about `room` bytes, with long texts cut in the middle. Calls and thoughts stay."""
    longest = room
    if sum(measure.size(message["content"]) for message in messages) > room:
        messages = _without_pictures(messages, _pictures(messages))
    while sum(measure.size(message["content"]) for message in messages) > room and longest > LEAST:
        longest = max(longest // 2, LEAST)
        messages = [
            message | {"content": [_shorter(block, longest) for block in message["content"]]} for message in messages
        ]
    return messages


def thinned(messages: list[Json]) -> list[Json]:
    """Give messages with no more pictures than the service takes: the oldest go, many at once, for the cache's sake."""
    surplus = _pictures(messages) - MOST_PICTURES
    return _without_pictures(messages, -(-surplus // AT_ONCE) * AT_ONCE) if surplus > 0 else messages


def _without_pictures(messages: list[Json], count: int) -> list[Json]:
    """Put a word in place of each of the first so many pictures."""
    surplus = iter(range(count))

    def without(block: Json) -> Json:
        if _is_picture(block):
            return block if next(surplus, None) is None else LEFT_OUT
        inner = block.get("content")
        return block | {"content": [without(one) for one in inner]} if isinstance(inner, list) else block

    return [message | {"content": [without(block) for block in message["content"]]} for message in messages]


def _pictures(messages: list[Json]) -> int:
    return sum(_is_picture(one) for message in messages for block in message["content"] for one in _inside(block))


def _inside(block: Json) -> list[Json]:
    inner = block.get("content")
    return inner if isinstance(inner, list) else [block]


def _is_picture(block: Json) -> bool:
    return block.get("type") == "image"


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
