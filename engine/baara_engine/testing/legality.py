"""What the Messages API refuses in a conversation: the rules that a sent request must keep, as one check.

The real service says these things in prose and with status 400. The scripted server refuses by this check, so a test
that sends an illegal conversation fails as it would against the real one.
"""

import re
from collections.abc import Iterator

from baara_engine.records import Json

TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MOST_MARKS = 4  # cache marks in one request

REQUEST = frozenset(
    {"model", "max_tokens", "messages", "stream", "system", "tools", "tool_choice", "context_management", "betas"}
)
# What a block may hold, by its type; the first set must be there.
BLOCKS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "text": (frozenset({"text"}), frozenset({"cache_control", "citations"})),
    "thinking": (frozenset({"thinking", "signature"}), frozenset()),
    "redacted_thinking": (frozenset({"data"}), frozenset()),
    "compaction": (
        frozenset({"content"}),
        frozenset({"encrypted_content", "signature", "tool_changes", "cache_control"}),
    ),
    "tool_use": (frozenset({"id", "name", "input"}), frozenset({"cache_control", "caller", "toolset_name"})),
    "tool_result": (frozenset({"tool_use_id"}), frozenset({"content", "is_error", "cache_control"})),
}
COMPACT = "compact_20260112"
EDITS = frozenset({COMPACT, "clear_tool_uses_20250919"})
COMPACTING, CLEARING = "compact-2026-01-12", "context-management-2025-06-27"  # names of the betas
LEAST_TRIGGER = 50_000  # tokens
THOUGHTS = frozenset({"thinking", "redacted_thinking"})
BY_ROLE = {
    "user": frozenset({"text", "tool_result"}),
    "assistant": frozenset({"text", "thinking", "redacted_thinking", "tool_use", "compaction"}),
}


def problem(request: Json) -> str | None:
    """Say what the Messages API would refuse about a request, or None if it would take it."""
    return next(_problems(request), None)


def problem_of_betas(request: Json, betas: set[str]) -> str | None:
    """Say which part of the service a request needs that it has not asked for by name."""
    edits = {edit["type"] for edit in (request.get("context_management") or {}).get("edits", [])}
    blocks = [block for message in request["messages"] if isinstance(message["content"], list)
              for block in message["content"]]  # fmt: skip
    if edits and CLEARING not in betas:
        return f"context_management needs the beta {CLEARING}"
    if (COMPACT in edits or any(block.get("type") == "compaction" for block in blocks)) and COMPACTING not in betas:
        return f"compaction needs the beta {COMPACTING}"
    return None


def _problems(request: Json) -> Iterator[str]:
    unknown = set(request) - REQUEST
    if unknown:
        yield f"unknown parameters: {sorted(unknown)}"
    if not isinstance(request.get("model"), str) or not request["model"]:
        yield "model: a name is needed"
    if not isinstance(request.get("max_tokens"), int) or request["max_tokens"] < 1:
        yield "max_tokens: at least 1"
    yield from _problems_of_tools(request.get("tools", []))
    messages = request.get("messages") or []
    yield from _problems_of_roles(messages)
    for at, message in enumerate(messages):
        may_be_empty = at == len(messages) - 1 and message.get("role") == "assistant"
        yield from (f"messages.{at}: {text}" for text in _problems_of_message(message, may_be_empty=may_be_empty))
    yield from _problems_of_calls(messages)
    yield from _problems_of_editing(request, messages)
    if _marks(request) > MOST_MARKS:
        yield f"at most {MOST_MARKS} blocks may be marked for the cache"


def _problems_of_tools(tools: list[Json]) -> Iterator[str]:
    names = [tool.get("name", "") for tool in tools]
    if len(names) != len(set(names)):
        yield "tools: names must differ"
    for tool in tools:
        if not TOOL_NAME.fullmatch(tool.get("name", "")) or tool.get("input_schema", {}).get("type") != "object":
            yield f"tools: {tool.get('name')!r} is not a tool"


def _problems_of_roles(messages: list[Json]) -> Iterator[str]:
    """Say where roles do not alternate. The service would put two of a kind together; ours are not sent like that.

    An assistant message at the end is an answer that has paused and is to go on.
    """
    roles = [message.get("role") for message in messages]
    if not roles or roles != (["user", "assistant"] * len(roles))[: len(roles)]:
        yield f"messages: they must alternate, from the user on, and are {roles}"


def _problems_of_message(message: Json, *, may_be_empty: bool) -> Iterator[str]:
    content = message["content"]
    if not content and not may_be_empty:
        yield "content must not be empty"
    for block in content if isinstance(content, list) else []:
        kind = block.get("type")
        if kind not in BY_ROLE[message["role"]]:
            yield f"a block of type {kind!r} is not for the {message['role']}"
            continue
        needed, allowed = BLOCKS[kind]
        if not needed <= set(block) <= needed | allowed | {"type"}:
            yield f"a block of type {kind!r} has the fields {sorted(block)}"
        if kind == "text" and not block["text"].strip():
            yield "text must not be blank"
        if kind == "thinking" and not block.get("signature"):
            yield "thinking must be signed"
    if isinstance(content, list) and content and content[-1].get("type") in THOUGHTS:
        yield "the final block must not be a thought"


def _problems_of_calls(messages: list[Json]) -> Iterator[str]:
    """Say where calls and results do not belong together."""
    seen: set[str] = set()
    open_calls: list[str] = []
    for at, message in enumerate(messages):
        blocks = message["content"] if isinstance(message["content"], list) else []
        results = [block["tool_use_id"] for block in blocks if block.get("type") == "tool_result"]
        if message["role"] == "user" and sorted(results) != sorted(open_calls):
            yield f"messages.{at}: the open calls are {open_calls}, and the results are for {results}"
        if any(block.get("type") == "tool_result" for block in blocks[len(results) :]):
            yield f"messages.{at}: results must come first"
        open_calls = [block["id"] for block in blocks if block.get("type") == "tool_use"]
        if seen & set(open_calls) or len(open_calls) != len(set(open_calls)):
            yield f"messages.{at}: ids of calls must differ"
        if not all(TOOL_ID.fullmatch(name) for name in open_calls):
            yield f"messages.{at}: an id of a call has characters that it must not have"
        seen.update(open_calls)
    if open_calls:
        yield f"messages: the calls {open_calls} have no results"


def _problems_of_editing(request: Json, messages: list[Json]) -> Iterator[str]:
    """Say what is wrong with what the service is to do about a long conversation, and with what it did."""
    blocks = [block for message in messages for block in message["content"] if isinstance(block, dict)]
    compactions = [block for block in blocks if block.get("type") == "compaction"]
    if len(compactions) > 1:
        yield "only one compaction may be sent back"
    if any(not isinstance(block.get("content"), str) or not block["content"] for block in compactions):
        yield "a compaction needs its text"
    edits = (request.get("context_management") or {}).get("edits", [])
    unknown = [edit.get("type") for edit in edits if edit.get("type") not in EDITS]
    if unknown:
        yield f"context_management: {unknown} are not known"
    for edit in edits:
        trigger = edit.get("trigger", {}).get("value", LEAST_TRIGGER)
        if edit.get("type") == COMPACT and trigger < LEAST_TRIGGER:
            yield f"context_management: the trigger must be at least {LEAST_TRIGGER} tokens"
    if (request.get("tool_choice") or {"type": "none"})["type"] not in {"none", "auto", "any", "tool"}:
        yield "tool_choice: it is none, auto, any or tool"


def _marks(value: object) -> int:
    """Count the cache marks anywhere in a request."""
    if isinstance(value, dict):
        return ("cache_control" in value) + sum(_marks(inner) for inner in value.values())
    return sum(_marks(inner) for inner in value) if isinstance(value, list) else 0
