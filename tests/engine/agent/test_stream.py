"""Putting an answer together from its events."""

import json

import pytest

from baara_engine import errors
from baara_engine.agent import stream
from baara_engine.agent.model import Usage
from baara_engine.agent.offline import wire
from baara_engine.errors import FailureKind
from baara_engine.records import Json
from baara_engine.testing import legality

USE: Json = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "printf 'é\\n'"}}
THOUGHT: Json = {"type": "thinking", "thinking": "Let me see …", "signature": "c2lnbmVk"}
REDACTED: Json = {"type": "redacted_thinking", "data": "b3BhcXVl"}
TEXT: Json = {"type": "text", "text": "Gerne — here it is: ✓"}


def start(model: str = "claude-sonnet-5-5", **usage: int) -> Json:
    return {"type": "message_start", "message": {"model": model, "usage": {"input_tokens": 7, **usage}}}


def block(content: Json, *deltas: Json, index: int = 0, closed: bool = True) -> list[Json]:
    events = [{"type": "content_block_start", "index": index, "content_block": content}]
    events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [*events, {"type": "content_block_stop", "index": index}] if closed else events


def piece(text: str) -> Json:
    return {"type": "input_json_delta", "partial_json": text}


def end(stop_reason: str | None = "end_turn", **usage: int) -> list[Json]:
    delta = {"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": 3, **usage}}
    return [delta, {"type": "message_stop"}]


def put_together(*events: Json) -> stream.Pieces:
    assembly = stream.Assembly()
    for event in events:
        assembly.feed(event)
    return assembly.finish()


def used(raw: str, *, closed: bool = True, stop_reason: str = "tool_use") -> stream.Pieces:
    """Give an answer whose one tool call has this raw input."""
    return put_together(start(), *block(USE | {"input": {}}, piece(raw), closed=closed), *end(stop_reason))


@pytest.mark.parametrize("content", [[TEXT], [USE], [TEXT, USE, USE | {"id": "toolu_2"}], [THOUGHT, REDACTED, USE]])
def test_what_was_sent_in_pieces_comes_out_whole(content: list[Json]) -> None:
    """Text, tool calls and signed thoughts come out of the stream exactly as they went in."""
    message = wire.message("m", content, "tool_use" if USE in content else "end_turn", {"model": "x"})
    assert put_together(*wire.events(message)).content == content


def test_text_is_told_as_it_comes() -> None:
    """Each event gives the text, the thought or the input that it adds, and to which block; others give nothing."""
    assembly = stream.Assembly()
    message = wire.message("m", [THOUGHT, TEXT, USE], "tool_use", {})
    told = [assembly.feed(event) for event in wire.events(message)]

    def of(kind: str) -> str:
        return "".join(piece.text for piece in told if piece.kind == kind)

    assert (of("text"), of("thinking"), json.loads(of("input"))) == (TEXT["text"], THOUGHT["thinking"], USE["input"])
    assert {(piece.index, piece.name) for piece in told if piece.kind == "input"} == {(2, USE["name"])}
    assert of("") == ""


def test_counts_are_of_the_whole_answer() -> None:
    """The last count of each kind of token stands: they are cumulative."""
    pieces = put_together(
        start(output_tokens=1, cache_read_input_tokens=5, cache_creation_input_tokens=6),
        *block(TEXT),
        *end(output_tokens=40, input_tokens=9),
    )
    assert pieces.usage == Usage(input_tokens=9, output_tokens=40, cache_read_tokens=5, cache_write_tokens=6)


@pytest.mark.parametrize("kept", range(5))
def test_there_is_no_answer_before_its_end(kept: int) -> None:
    """Without `message_stop` there is no answer, however much of it has come."""
    events = [start(), *block(TEXT), *end()][:kept]
    with pytest.raises(errors.ModelFailure) as failure:
        put_together(*events)
    assert failure.value.kind is FailureKind.BROKEN_ANSWER


def test_an_end_without_a_reason_is_no_end() -> None:
    """An answer whose stop reason never came is broken, even if the stream says that it is over."""
    with pytest.raises(errors.ModelFailure, match="broke off"):
        put_together(start(), *block(TEXT), *end(None))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ('{"command": "rm -rf bui', "not JSON"),
        ('{"command": ls}', "not JSON"),
        ('["ls"]', "must be a JSON object"),
        ('"ls"', "must be a JSON object"),
        ('{"count": NaN}', "NaN is not JSON"),
        ('{"command": "\\ud83d"}', "cannot|not JSON that can be used"),
        ('{"n": 1' + "0" * 400 + "}", "not JSON that can be used"),
        ("[" * 100_000, "not JSON that can be used"),
    ],
)
def test_input_that_makes_no_sense_is_named_and_never_run(raw: str, why: str) -> None:
    """Tool input that is no JSON object, or that could not be journaled, becomes empty and is marked as broken."""
    pieces = used(raw)
    assert pieces.content == [USE | {"input": {}}]
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(pieces.broken_inputs["toolu_1"])


def test_input_cut_at_the_token_limit_is_broken() -> None:
    """A tool call whose block was never closed is broken, even if what came of it happens to be JSON."""
    pieces = used('{"command": "rm -rf /tmp/x"}', closed=False, stop_reason="max_tokens")
    assert (pieces.stop_reason, pieces.content[0]["input"]) == ("max_tokens", {})
    assert "broke off" in pieces.broken_inputs["toolu_1"]


@pytest.mark.parametrize(
    ("raw", "value"), [("", {}), ("{}", {}), (' {"a": {"b": [1, null]}} ', {"a": {"b": [1, None]}})]
)
def test_input_that_makes_sense_is_read(raw: str, value: Json) -> None:
    """No input at all is an empty object; anything else is what its JSON says."""
    pieces = used(raw)
    assert (pieces.content[0]["input"], pieces.broken_inputs) == (value, {})


def test_input_sent_at_once_is_taken() -> None:
    """A service that sends the whole input with the block's beginning is understood too."""
    assert put_together(start(), *block(USE), *end("tool_use")).content == [USE]


def test_what_the_service_refuses_back_is_left_out() -> None:
    """Fields for reading only, blank texts and unsigned thoughts are not kept: a request with them is refused."""
    pieces = put_together(
        start(),
        *block({"type": "thinking", "thinking": "", "signature": ""}, index=0),
        *block({"type": "text", "text": "", "citations": None}, {"type": "text_delta", "text": " \n"}, index=1),
        *block(TEXT | {"citations": [], "parsed_output": None}, index=2),
        *block(USE | {"input": {}, "caller": None, "toolset_name": None}, piece('{"command": "ls"}'), index=3),
        *end("tool_use"),
    )
    assert pieces.content == [TEXT, USE | {"input": {"command": "ls"}}]


def test_an_answer_without_content_can_stand_only_at_the_end() -> None:
    """An empty answer that is to be followed by more says so in a text, because the API refuses it otherwise."""
    assert put_together(start(), *end("end_turn")).content == []
    [block_] = put_together(start(), *end("max_tokens")).content
    assert block_["text"].strip()


def test_an_answer_that_calls_tools_must_call_some() -> None:
    """An answer that ends for tool calls and has none is broken; going on with it would never end."""
    with pytest.raises(errors.ModelFailure, match="calls none"):
        put_together(start(), *block(TEXT), *end("tool_use"))


def test_unknown_blocks_are_kept_and_unknown_events_ignored() -> None:
    """Blocks and events of a newer service do no harm."""
    new = {"type": "hologram", "data": {"x": 1}}
    pieces = put_together(start(), {"type": "weather"}, *block(new), *end("vacation"))
    assert (pieces.content, pieces.stop_reason) == ([new], "vacation")


def test_an_unknown_delta_breaks_the_answer() -> None:
    """A piece of an unknown kind would be lost in silence, so the answer is refused with a hint."""
    with pytest.raises(errors.ModelFailure, match="newer version of Baara") as failure:
        put_together(start(), *block(TEXT, {"type": "smell_delta", "smell": "x"}), *end())
    assert failure.value.kind is FailureKind.BROKEN_ANSWER


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_start", "index": 0, "content_block": TEXT},
        {"type": "message_delta", "delta": None},
        {"type": "message_start"},
    ],
)
def test_events_that_contradict_each_other_break_the_answer(event: Json) -> None:
    """An event that does not fit what came before is a broken answer, not a crash."""
    with pytest.raises(errors.ModelFailure) as failure:
        put_together(start(), *block(TEXT), event, *end())
    assert failure.value.kind is FailureKind.BROKEN_ANSWER


@pytest.mark.parametrize("data", ["", "{", "[]", "7", '{"type"'])
def test_an_event_must_be_a_json_object(data: str) -> None:
    """What is not a JSON object is a broken answer."""
    with pytest.raises(errors.ModelFailure):
        stream.event_of(data)


def test_halves_of_characters_are_joined() -> None:
    """A character that was cut into two halves between pieces is whole again; a single half is replaced."""
    halves = [{"type": "text_delta", "text": json.loads(text)} for text in ('"a\\ud83d"', '"\\ude00b"', '"\\ud83d"')]
    [text] = put_together(start(), *block({"type": "text", "text": ""}, *halves), *end()).content
    assert text["text"] == "a😀b\ufffd"


@pytest.mark.parametrize("stop_reason", ["max_tokens", "pause_turn", "refusal"])
def test_an_answer_of_nothing_but_a_thought_can_be_sent_back(stop_reason: str) -> None:
    """The API refuses an answer that ends with a thought, so a word is put behind it where something is to follow."""
    pieces = put_together(start(), *block(THOUGHT), *end(stop_reason))
    messages = [
        {"role": "user", "content": [TEXT]},
        {"role": "assistant", "content": pieces.content},
        {"role": "user", "content": [TEXT]},
    ]
    assert pieces.content[0] == put_together(start(), *block(THOUGHT), *end()).content[0]
    assert legality.problem({"model": "m", "max_tokens": 1, "messages": messages}) is None


@pytest.mark.parametrize("stop_reason", ["end_turn", "max_tokens", "pause_turn", "tool_use"])
def test_every_answer_can_be_sent_back(stop_reason: str) -> None:
    """Whatever an answer holds, a conversation with it is a legal request."""
    pieces = put_together(
        start(), *block(THOUGHT), *block(USE | {"input": {}}, piece("{"), index=1), *end(stop_reason)
    )  # fmt: skip
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "ok"}]}
    messages = [
        {"role": "user", "content": [TEXT]},
        {"role": "assistant", "content": pieces.content},
        {"role": "user", "content": [result]},
    ]
    assert legality.problem({"model": "m", "max_tokens": 1, "messages": messages}) is None
