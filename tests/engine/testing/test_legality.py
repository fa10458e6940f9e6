"""The rules that a request to the Messages API must keep."""

import copy
from collections.abc import Callable

import pytest

from baara_engine.records import Json
from baara_engine.testing import legality

TEXT: Json = {"type": "text", "text": "hi"}
USE: Json = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [TEXT]}
LEGAL: Json = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 10,
    "stream": True,
    "system": [TEXT],
    "tools": [{"name": "bash", "input_schema": {"type": "object"}}],
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "x"}, TEXT, USE]},
        {"role": "user", "content": [RESULT, TEXT]},
    ],
}


def test_a_legal_request_is_left_alone() -> None:
    """A conversation with thoughts, calls and results is taken."""
    assert legality.problem(LEGAL) is None


def test_an_answer_that_paused_may_stand_at_the_end() -> None:
    """A request may end with what the assistant has said so far, even if that is nothing."""
    for content in ([TEXT], []):
        paused = {"role": "assistant", "content": content}
        assert legality.problem(LEGAL | {"messages": [*LEGAL["messages"], paused]}) is None


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda r: r.update(temperature=1, magic=2), "unknown parameters"),
        (lambda r: r.update(model=""), "model"),
        (lambda r: r.pop("max_tokens"), "max_tokens"),
        (lambda r: r.update(messages=[]), "alternate"),
        (lambda r: r["messages"].pop(), "have no results"),
        (lambda r: r["messages"].append({"role": "user", "content": "and"}), "alternate"),
        (lambda r: r["messages"].pop(0), "alternate"),
        (lambda r: r["messages"].pop(1), "alternate"),
        (lambda r: r["messages"][1].update(content=[]), "must not be empty"),
        (lambda r: r["messages"][1]["content"].append({"type": "text", "text": " "}), "blank"),
        (lambda r: r["messages"][1]["content"][0].update(signature=""), "signed"),
        (lambda r: r["messages"][1]["content"][1].update(parsed=None), "fields"),
        (lambda r: r["messages"][1]["content"].reverse(), "final block"),
        (lambda r: r["messages"][1]["content"].append(RESULT), "not for the assistant"),
        (lambda r: r["messages"][2]["content"].pop(0), "open calls"),
        (lambda r: r["messages"][2]["content"].append(RESULT), "open calls"),
        (lambda r: r["messages"][2]["content"].reverse(), "come first"),
        (lambda r: r["messages"][1]["content"].append(USE), "must differ"),
        (lambda r: _both_bad(r, "a b"), "characters"),
        (lambda r: r["messages"].extend(copy.deepcopy(r["messages"][1:])), "must differ"),
        (lambda r: r["tools"].append(r["tools"][0]), "names must differ"),
        (lambda r: r["tools"][0].update(input_schema={}), "is not a tool"),
        (lambda r: [b.update(cache_control={}) for b in _markable(r)], "marked for the cache"),
    ],
)
def test_each_broken_rule_is_named(spoil: Callable[[Json], object], why: str) -> None:
    """Whatever the service would refuse is refused here, with the rule."""
    request = copy.deepcopy(LEGAL)
    spoil(request)
    problem = legality.problem(request)
    assert problem is not None
    assert why in problem


def _both_bad(request: Json, name: str) -> None:
    request["messages"][1]["content"][2]["id"] = name
    request["messages"][2]["content"][0]["tool_use_id"] = name


def _markable(request: Json) -> list[Json]:
    messages = request["messages"]
    return [*messages[1]["content"][1:], *messages[2]["content"], request["tools"][0], request["system"][0]]
