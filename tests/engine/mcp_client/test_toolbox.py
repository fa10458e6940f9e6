from collections.abc import Callable
from typing import cast

import pytest
from mcp_types import Tool, ToolAnnotations

from baara_engine import clock, errors
from baara_engine.mcp_client import connection, spec, toolbox
from baara_engine.records import Effect, Json

NOTHING: Json = {"type": "object", "properties": {}}


@pytest.fixture
def line() -> connection.Connection:
    server = spec.Server(name="outside", command="true")
    return connection.Connection(server, clock.SystemClock(), cast("Callable[[str], str | None]", {}.get))


def _deep(levels: int) -> Json:
    schema: Json = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {},
        {"type": "object", "properties": 5},
        {"type": "object", "$ref": "#"},
        {"type": "object", "properties": {"x": {"$ref": "https://example.org/schema"}}},
        {"type": "object", "properties": {"x": {"enum": ["long" * 10] * 2000}}},
        _deep(500),
    ],
)
def test_hostile_schema_makes_no_tool(line: connection.Connection, schema: Json) -> None:
    """A tool whose schema is invalid, refers elsewhere, has no end or is huge is none."""
    with pytest.raises(errors.InvalidInput):
        toolbox.tool("outside", Tool(name="look", input_schema=schema), line)


def test_names_are_legal_and_their_own() -> None:
    """A name that no service takes is made one, and two that would become the same stay two."""
    odd = ["a/b", "a.b", "a_b", "long" * 40, "long" * 41, "x\u202ey"]
    made = [toolbox.name("outside", one) for one in odd]
    assert len(set(made)) == len(odd)
    assert all(len(one) <= toolbox.MAX_NAME and one.isascii() and "/" not in one for one in made)
    assert toolbox.name("outside", "look") == "mcp__outside__look"


@pytest.mark.parametrize(
    ("hints", "effect"),
    [
        (None, Effect.UNSAFE),
        (ToolAnnotations(read_only_hint=True), Effect.READ),
        (ToolAnnotations(idempotent_hint=True), Effect.IDEMPOTENT),
        (ToolAnnotations(read_only_hint=False), Effect.UNSAFE),
    ],
)
def test_effect_is_what_the_server_says(
    line: connection.Connection, hints: ToolAnnotations | None, effect: Effect
) -> None:
    """A tool's effect is that of its annotations, and unsafe where they say nothing."""
    offered = Tool(name="look", input_schema=NOTHING, annotations=hints)
    assert toolbox.tool("outside", offered, line).effect is effect


def test_changed_annotation_changes_the_fingerprint(line: connection.Connection) -> None:
    """A tool that suddenly says that it only reads is another one."""
    before = toolbox.tool("outside", Tool(name="look", input_schema=NOTHING), line)
    hints = ToolAnnotations(read_only_hint=True)
    after = toolbox.tool("outside", Tool(name="look", input_schema=NOTHING, annotations=hints), line)
    assert toolbox.fingerprint(before) != toolbox.fingerprint(after)
