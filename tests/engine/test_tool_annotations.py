import pytest

from baara_engine.records import Effect, Json
from baara_engine.tools import annotations


@pytest.mark.parametrize(
    ("hints", "effect"),
    [
        (None, Effect.UNSAFE),
        ({}, Effect.UNSAFE),
        ({"readOnlyHint": True}, Effect.READ),
        ({"readOnlyHint": True, "idempotentHint": False}, Effect.READ),
        ({"readOnlyHint": False, "idempotentHint": True}, Effect.IDEMPOTENT),
        ({"idempotentHint": True, "destructiveHint": True}, Effect.IDEMPOTENT),
        ({"destructiveHint": False}, Effect.UNSAFE),
        ({"readOnlyHint": "true"}, Effect.UNSAFE),
        ({"idempotentHint": 1}, Effect.UNSAFE),
        ({"openWorldHint": False}, Effect.UNSAFE),
    ],
)
def test_what_a_server_says_of_its_tool_gives_the_class(hints: Json | None, effect: Effect) -> None:
    """Reading and idempotent tools may be repeated; whatever says nothing, or says it badly, is unsafe."""
    assert annotations.effect(hints) is effect
