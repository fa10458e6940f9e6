"""Judging by expressions and schemas that may be hostile, in a process that can be killed."""

import json
import time

import pytest

from baara_engine.checks import judging


@pytest.mark.parametrize(("rule", "passed"), [(r"\d+ files", True), ("^none$", False)])
async def test_an_expression_is_searched_in_the_text(rule: str, passed: bool) -> None:  # noqa: FBT001 - a table
    """It passes where it matches anywhere."""
    assert (await judging.judge("output", rule, "found 12 files\n"))["passed"] is passed


async def test_a_hostile_expression_is_ended() -> None:
    """One that would run for ages is ended at its limit, and has not passed."""
    began = time.monotonic()
    verdict = await judging.judge("output", r"(a+)+$", "a" * 60 + "!", limit_s=2)
    assert not verdict["passed"]
    assert "more than 2 s" in verdict["detail"]
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("schema", "text", "detail"),
    [
        ({"type": "object", "required": ["n"]}, '{"n": 1}', ""),
        ({"properties": {"n": {"type": "integer"}}}, '{"n": "x"}', "At n: 'x' is not of type 'integer'."),
        ({"type": "object"}, "{", "It is not JSON"),
        ({"type": "object"}, "[" * 100_000, "It is not JSON"),
        ({"type": 12}, "{}", "The schema cannot be used"),
        ({"$ref": "http://127.0.0.1:9/x.json"}, "{}", "The schema cannot be used"),
    ],
)
async def test_json_is_held_against_a_schema(schema: object, text: str, detail: str) -> None:
    """What is wrong is said with its place; a schema that is wrong, or lies elsewhere, passes nothing."""
    verdict = await judging.judge("json", json.dumps(schema), text)
    assert verdict["passed"] is not bool(detail)
    assert verdict["detail"].startswith(detail)
