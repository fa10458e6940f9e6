"""The journal of an execution as people read it: what was said, and what was done."""

from collections.abc import Iterator
from typing import Any

import orjson

from baara_engine.records import Json, Message, ToolCall

LINES = 12  # lines of one tool result; the rest is told by number, and --json has it
COLUMNS = 400  # characters of one tool input on its line
INDENT = "    "


def text(messages: list[Message], calls: list[ToolCall]) -> str:
    """Write messages and tool calls in their order."""
    known = {(call.turn, call.tool_use_id): call for call in calls}
    told = [line for message in messages for line in _message(message, known)]
    if not messages:
        told = [line for call in calls for line in _call(call)]
    return "\n".join(told) or "Nothing stands in this journal yet."


def _message(message: Message, calls: dict[tuple[int, str], ToolCall]) -> Iterator[str]:
    shown = [line for block in message.content for line in _block(block, message.turn, calls)]
    if shown:
        yield f"── turn {message.turn} · {message.role} ──"
        yield from shown


def _block(block: Json, turn: int, calls: dict[tuple[int, str], ToolCall]) -> Iterator[str]:
    match block.get("type"):
        case "text":
            yield str(block.get("text", ""))
        case "thinking":
            yield from _cut(str(block.get("thinking", "")), "(thinks) ")
        case "tool_use":
            call = calls.get((turn, str(block.get("id"))))
            if call is None:
                yield f"→ {block.get('name')} {_line(block.get('input'))}  (not begun)"
            else:
                yield from _call(call)
        case "tool_result":
            return  # stands behind its call
        case kind:
            yield f"({kind})"


def _call(call: ToolCall) -> Iterator[str]:
    yield f"→ {call.name} {_line(call.input)}"
    if call.receipt_at is None:
        yield f"{INDENT}(no receipt yet)"
        return
    for block in call.result or []:
        yield from _cut(_result(block), "← failed: " if call.is_error else "← ")


def _result(block: Json) -> str:
    if block.get("type") == "command":
        return f"exit status {block.get('exit_code')}\n{block.get('output', '')}".rstrip()
    return str(block.get("text", f"({block.get('type')})"))


def _cut(content: str, lead: str) -> Iterator[str]:
    lines = content.splitlines() or [""]
    yield f"{INDENT}{lead}{lines[0]}"
    yield from (INDENT + "  " + line for line in lines[1:LINES])
    if len(lines) > LINES:
        yield f"{INDENT}  … {len(lines) - LINES} more lines; --json has all"


def _line(value: Any) -> str:
    written = orjson.dumps(value).decode()
    return written if len(written) <= COLUMNS else f"{written[:COLUMNS]}… ({len(written):,} characters; --json has all)"
