"""How long a conversation is, in tokens: without asking anybody, and rather too long than too short."""

import orjson

from baara_engine.records import Json

# English has some 4.5 bytes a token, code and JSON 3 to 4, Chinese and Japanese some 2.5, hexadecimal digits about 2.
BYTES_PER_TOKEN = 2.5
IMAGE_TOKENS = 1_600  # of the largest image that the service takes as it is; it shrinks larger ones to that


def tokens(size: int) -> int:
    """Give about how many tokens so many bytes of JSON make."""
    return round(size / BYTES_PER_TOKEN)


def size(blocks: list[Json]) -> int:
    """Give the bytes that blocks of content count as; an image counts by its tokens, not by its data."""
    images = [image for block in blocks for image in _images(block)]
    data = sum(len(image["source"].get("data", "")) for image in images)
    return len(orjson.dumps(blocks)) - data + round(len(images) * IMAGE_TOKENS * BYTES_PER_TOKEN)


def _images(block: Json) -> list[Json]:
    if block.get("type") == "image":
        return [block]
    inner = block.get("content")
    return [one for one in inner if one.get("type") == "image"] if isinstance(inner, list) else []
