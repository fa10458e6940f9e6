"""Putting an answer together from the events of a stream, without ever taking half an answer for a whole one.

The SDK's own accumulator gives a normal message for a stream that broke off, and an empty input for a tool call whose
JSON makes no sense. So events are put together here: an answer exists only once `message_stop` has been seen, and the
JSON of a tool's input is kept as it came until all of it is there.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson

from baara_engine import errors
from baara_engine.agent.model import ALIVE, Piece, Usage
from baara_engine.errors import FailureKind
from baara_engine.records import Json

# What a block may be sent back with; everything else in it is for reading only, and is refused in a request. Citations
# are left out too: they point into documents, which Baara does not send.
FIELDS: dict[str, tuple[str, ...]] = {
    "text": ("type", "text"),
    "thinking": ("type", "thinking", "signature"),
    "redacted_thinking": ("type", "data"),
    "compaction": ("type", "content", "encrypted_content", "signature", "tool_changes"),
    "tool_use": ("type", "id", "name", "input", "caller", "toolset_name"),
}

# delta type → the field of the delta that holds the next piece
PIECES = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
# What of these a person may read while it is written, and as what.
TOLD = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "input"}
BEGINNINGS = {"text": "text", "thinking": "thinking", "tool_use": "input"}  #: type of a block → the same
COMPACTION_DELTA = "compaction_delta"
COMPACTION_PIECES = ("content", "encrypted_content")  # of that delta
IGNORED_DELTAS = frozenset({"citations_delta"})

# What the API counts → what it is called here
COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}

# Ends after which nothing more is asked, so an answer without any content can stand.
ENDINGS = frozenset({"end_turn", "stop_sequence", "refusal"})
LAST = frozenset({"end_turn", "stop_sequence"})  #: of these, those after which nothing more is ever asked
NOTHING = "[nothing was written]"  # stands in where a request may not have an empty answer in its middle
THOUGHTS = frozenset({"thinking", "redacted_thinking"})  #: the API refuses an answer that ends with one of these

NEWER = "A newer version of Baara may know it."


def event_of(data: str) -> Json:
    """Read the data of one event. Raises `errors.ModelFailure` if it is not a JSON object."""
    try:
        event = json.loads(data)
    except ValueError as error:
        _fail(f"A part of the answer is not JSON ({error}).")
    if not isinstance(event, dict):
        _fail(f"A part of the answer is not a JSON object ({data[:40]!r}).")
    return event


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a complete answer consists of; see `agent.model.Answer` for the meaning of each."""

    content: list[Json]
    stop_reason: str
    usage: Usage
    model: str
    broken_inputs: dict[str, str]


@dataclass(slots=True)
class _Block:
    """One content block while it comes."""

    start: Json
    pieces: dict[str, list[str]] = field(default_factory=dict)
    is_closed: bool = False

    def whole(self, name: str) -> str:
        """Give a text field: what the block began with, and all that was added."""
        return _mended(str(self.start.get(name) or "") + "".join(self.pieces.get(name, ())))


class Assembly:
    """One answer while it comes. Raises `errors.ModelFailure` for events that contradict each other."""

    def __init__(self) -> None:
        self.is_begun = False  #: `message_start` was seen
        self.is_complete = False  #: `message_stop` was seen
        self._blocks: dict[int, _Block] = {}
        self._model = ""
        self._stop_reason: str | None = None
        self._usage: dict[str, int] = {}
        self._aside: dict[str, int] = {}  # what compacting has taken: it is not in the counts of the answer

    def feed(self, event: Json) -> Piece:
        """Take the next event, and give what it adds to the answer. Events of unknown types are ignored."""
        handle = _HANDLERS.get(str(event.get("type")))
        if handle is None:
            return ALIVE
        try:
            return handle(self, event)
        except (KeyError, TypeError, AttributeError) as error:
            _fail(f"An event of type {event['type']} is not of the form that was agreed on ({error!r}).")

    def finish(self) -> Pieces:
        """Give the answer. Raises `errors.ModelFailure` unless the service said that it is complete."""
        if not self.is_complete or self._stop_reason is None:
            _fail("The answer broke off before its end." if self.is_begun else "The answer was empty.")
        broken: dict[str, str] = {}
        blocks = [_content(block, broken) for _, block in sorted(self._blocks.items())]
        content = [block for block in blocks if _is_fit(block)]
        self._check(content)
        names = {*self._usage, *self._aside}
        usage = Usage(**{name: self._usage.get(name, 0) + self._aside.get(name, 0) for name in names})
        return Pieces(content + self._missing(content), self._stop_reason, usage, self._model, broken)

    def _check(self, content: list[Json]) -> None:
        calls = [block for block in content if block.get("type") == "tool_use"]
        if not all(block.get("id") and block.get("name") for block in calls):
            _fail("The answer has a tool call without an id or a name.")
        if self._stop_reason == "tool_use" and not calls:
            _fail("The answer says that it calls tools, and calls none.")

    def _missing(self, content: list[Json]) -> list[Json]:
        """Give what an answer lacks to be sent back: a word, where it has none or ends with a thought."""
        if content and content[-1].get("type") not in THOUGHTS:
            return []
        is_well = self._stop_reason in (LAST if content else ENDINGS)
        return [] if is_well else [{"type": "text", "text": NOTHING}]

    def _message_start(self, event: Json) -> Piece:
        message = event["message"]
        self.is_begun = True
        self._model = str(message.get("model") or "")
        self._count(message.get("usage"))
        return ALIVE

    def _block_start(self, event: Json) -> Piece:
        if event["index"] in self._blocks:
            _fail("The answer begins the same block twice.")
        block = self._blocks[event["index"]] = _Block(dict(event["content_block"]))
        kind = BEGINNINGS.get(str(block.start.get("type")), "")
        text = "" if kind == "input" else str(block.start.get(kind) or "")
        return Piece(kind, text, event["index"], _name(block)) if kind else ALIVE

    def _block_delta(self, event: Json) -> Piece:
        block, delta = self._blocks[event["index"]], event["delta"]
        kind = delta["type"]
        if kind in IGNORED_DELTAS:
            return ALIVE
        if kind == COMPACTION_DELTA:
            for name in COMPACTION_PIECES:
                block.pieces.setdefault(name, []).extend([delta[name]] if isinstance(delta.get(name), str) else [])
            return ALIVE
        if kind not in PIECES:
            _fail(f"The answer has a part of a kind that is not known here ({kind}). {NEWER}")
        piece = str(delta[PIECES[kind]])
        block.pieces.setdefault(PIECES[kind], []).append(piece)
        told = TOLD.get(kind, "")
        return Piece(told, piece, event["index"], _name(block)) if told else ALIVE

    def _block_stop(self, event: Json) -> Piece:
        self._blocks[event["index"]].is_closed = True
        return ALIVE

    def _message_delta(self, event: Json) -> Piece:
        self._stop_reason = event["delta"].get("stop_reason") or self._stop_reason
        self._count(event.get("usage"))
        return ALIVE

    def _message_stop(self, _event: Json) -> Piece:
        self.is_complete = True
        return ALIVE

    def _count(self, usage: Json | None) -> None:
        """Take counts over: each is of the whole answer so far."""
        for theirs, ours in COUNTS.items():
            value = (usage or {}).get(theirs)
            if isinstance(value, int):
                self._usage[ours] = value
        rounds = [one for one in (usage or {}).get("iterations") or [] if one.get("type") == "compaction"]
        if rounds:
            self._aside = {ours: sum(one.get(theirs) or 0 for one in rounds) for theirs, ours in COUNTS.items()}


_HANDLERS: dict[str, Callable[[Assembly, Json], Piece]] = {
    "message_start": Assembly._message_start,  # noqa: SLF001 - a table of this class's own methods
    "content_block_start": Assembly._block_start,  # noqa: SLF001
    "content_block_delta": Assembly._block_delta,  # noqa: SLF001
    "content_block_stop": Assembly._block_stop,  # noqa: SLF001
    "message_delta": Assembly._message_delta,  # noqa: SLF001
    "message_stop": Assembly._message_stop,  # noqa: SLF001
}


def _name(block: _Block) -> str:
    """Give the tool that a block calls, if it calls one."""
    return str(block.start.get("name") or "") if block.start.get("type") == "tool_use" else ""


def _content(block: _Block, broken: dict[str, str]) -> Json:
    """Make the block that can be sent back; note in `broken` why the input of a tool call cannot be used."""
    kind = block.start.get("type")
    content = block.start | {
        name: block.whole(name) for name, pieces in block.pieces.items() if pieces and name != "partial_json"
    }
    if kind in {"tool_use", "server_tool_use"} or "partial_json" in block.pieces:
        content["input"], why = _input(block)
        if why is not None:
            broken[str(content.get("id"))] = why
    for name in ("text", "thinking"):
        if kind == name:
            content[name] = block.whole(name)
    known = FIELDS.get(str(kind), tuple(content))
    return {name: content[name] for name in known if content.get(name) is not None}


def _is_fit(block: Json) -> bool:
    """Say whether the API takes a block back: it refuses blank text, and thoughts that it has not signed."""
    if block.get("type") == "text":
        return bool(block["text"].strip())
    if block.get("type") == "thinking":
        return bool(block.get("signature"))
    return True


def _input(block: _Block) -> tuple[Json, str | None]:
    """Read the input of a tool call: the object, or an empty one and what is wrong with it."""
    raw = "".join(block.pieces.get("partial_json", ()))
    if not block.is_closed:
        return {}, "its input broke off before its end."
    try:
        value: Any = json.loads(raw, parse_constant=_refuse) if raw.strip() else block.start.get("input")
        orjson.dumps(value)  # what the journal could not keep must not be run
    except (ValueError, TypeError, RecursionError) as error:
        return {}, f"its input is not JSON that can be used ({error})."
    if not isinstance(value, dict):
        return {}, f"its input must be a JSON object, and is {raw[:40] or value!r}."
    return value, None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _mended(text: str) -> str:
    """Join the halves of characters that were sent apart, and replace single halves, which cannot be stored."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _fail(why: str) -> NoReturn:
    raise errors.ModelFailure(FailureKind.BROKEN_ANSWER, why)
