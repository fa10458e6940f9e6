"""What an execution did, a window of turns at a time: for people to look at, so long results are cut and say so.

Nothing is built upon what is read here, so checksums are not looked at; `Engine.journal` does.
"""

from typing import Any

import orjson

from baara_engine.records import CallSeen, Turn
from baara_engine.store.transaction import View

MOST_RESULT = 6_000  # characters of a result that are shown; the journal has all of it
ANSWERS = """
SELECT turn, at, content, model, usage FROM message
WHERE execution_id = ? AND role = 'assistant' AND turn <= ? ORDER BY turn DESC, seq DESC LIMIT ?
"""
CALLS = """
SELECT tool_use_id, name, input, intent_at, receipt_at, is_error, result, effect FROM tool_call
WHERE execution_id = ? AND turn = ? ORDER BY ordinal
"""


def turns(view: View, execution_id: str, upto: int, limit: int) -> list[Turn]:
    """Give the turns up to this one, at most so many, oldest first."""
    rows = view.sql(ANSWERS, (execution_id, upto, limit))
    return [_turn(view, execution_id, row) for row in reversed(rows)]


def result(view: View, execution_id: str, turn: int, tool_use_id: str) -> str:
    """Give the whole result of a call as text, empty if there is none."""
    rows = view.sql(
        "SELECT result FROM tool_call WHERE execution_id = ? AND turn = ? AND tool_use_id = ?",
        (execution_id, turn, tool_use_id),
    )
    return _text(rows[0][0]) if rows else ""


def _turn(view: View, execution_id: str, row: Any) -> Turn:
    turn, at, content, model, usage = row
    blocks = orjson.loads(content)
    text = "\n\n".join(str(block["text"]) for block in blocks if block.get("type") == "text")
    thought = "\n\n".join(str(block.get("thinking", "")) for block in blocks if block.get("type") == "thinking")
    calls = tuple(_call(one) for one in view.sql(CALLS, (execution_id, turn)))
    spent = orjson.loads(usage) if usage else {}
    return Turn(turn, at, text, thought, model, int(spent.get("output_tokens") or 0), calls)


def _call(row: Any) -> CallSeen:
    tool_use_id, name, given, begun, ended, is_error, result_, effect = row
    text = _text(result_)
    return CallSeen(
        tool_use_id, name, orjson.loads(given), begun, ended, bool(is_error), text[:MOST_RESULT], len(text), effect
    )


def _text(result_: bytes | None) -> str:
    if not result_:
        return ""
    parts = [
        str(block["text"]) if block.get("type") == "text" else f"[{block.get('type')}]"
        for block in orjson.loads(result_)
    ]
    return "\n".join(parts)
