from collections.abc import Sequence

import pytest

from baara_engine.health import patterns
from baara_engine.health.patterns import Seen
from baara_engine.records import Effect, Json, ToolCall


def call(
    turn: int, value: Json, result: str | None = "same", *, name: str = "bash", is_error: bool = False
) -> ToolCall:
    got = None if result is None else [{"type": "text", "text": result}]
    at = None if result is None else 1
    return ToolCall("e", turn, f"t{turn}", 0, name, value, Effect.UNSAFE, {}, 1, "boot", at, is_error, got, None)


def past(*calls: ToolCall) -> list[Seen]:
    return patterns.seen(calls)


A, B = {"command": "a", "timeout_ms": 1}, {"command": "b"}


@pytest.mark.parametrize(
    ("calls", "times"),
    [
        ([], 0),
        ([call(1, A)], 1),
        ([call(1, A), call(2, A), call(3, {"timeout_ms": 1, "command": "a"})], 3),
        ([call(1, B), call(2, A), call(3, A)], 2),
        ([call(1, A), call(2, A), call(3, B)], 1),
        ([call(1, A), call(2, A, "other")], 1),
        ([call(1, A), call(2, A, name="grep")], 1),
        ([call(1, A), call(1, A), call(1, A, None)], 2),
    ],
)
def test_only_equal_calls_in_a_row_count(calls: Sequence[ToolCall], times: int) -> None:
    """The same tool, input and result, without anything between; what has no result yet does not count."""
    assert patterns.repeats(past(*calls)) == times


def test_the_next_call_is_alike_by_tool_and_input() -> None:
    """The order of an input's fields does not matter; its tool and its values do."""
    before = past(call(1, A))
    assert patterns.is_next(before, {"name": "bash", "input": {"timeout_ms": 1, "command": "a"}})
    assert not patterns.is_next(before, {"name": "bash", "input": B})
    assert not patterns.is_next(before, {"name": "grep", "input": A})
    assert not patterns.is_next([], {"name": "bash", "input": A})


@pytest.mark.parametrize(
    ("outcomes", "turns"),
    [([], 0), ([(1, True)], 1), ([(1, False), (2, True), (3, True)], 2), ([(1, True), (2, True), (2, False)], 0)],
)
def test_a_turn_counts_as_failed_if_all_of_it_did(outcomes: list[tuple[int, bool]], turns: int) -> None:
    """One call that succeeded makes a turn a good one."""
    calls = [call(turn, {"n": number}, is_error=failed) for number, (turn, failed) in enumerate(outcomes)]
    assert patterns.failed_turns(past(*calls)) == turns


def test_what_is_long_past_is_forgotten() -> None:
    """What is kept does not grow with the length of the conversation."""
    calls = past(*(call(turn, A) for turn in range(1, 101)))
    assert [one.turn for one in patterns.recent(calls)] == list(range(90, 101))
    assert patterns.recent([]) == []
