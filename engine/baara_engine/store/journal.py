"""The journal: every message and every tool call of an execution, committed when it happens.

`integrity_check` does not see flipped payload bytes, so each message carries a checksum over itself and the one before
it: a changed, missing or swapped row is found when the journal is read.
"""

import hashlib
from dataclasses import replace

import orjson

from baara_engine import errors, owner
from baara_engine.records import Effect, Json, Message, ToolCall
from baara_engine.store.transaction import Row, Tx, View

DIGEST_BYTES = 16  # 128 bits: an accident will not get past it
CHAIN_START = bytes(DIGEST_BYTES)

LAST = "SELECT seq, checksum FROM message WHERE execution_id = ? ORDER BY seq DESC LIMIT 1"
APPEND = """
INSERT INTO message (execution_id, seq, turn, role, content, stop_reason, usage, model, at, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
MESSAGES = """
SELECT execution_id, seq, turn, role, CAST(content AS BLOB), stop_reason, usage, model, at, checksum
FROM message WHERE execution_id = ? AND seq >= ? ORDER BY seq
"""
BEFORE_ALL = -(2**63)  # a flipped bit can make a number negative: read from the start, such a row must show
INTEND = """
INSERT INTO tool_call (execution_id, turn, tool_use_id, ordinal, name, input, input_hash, effect, notes, intent_at,
                       boot_id, is_error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
"""
RECEIVE = """
UPDATE tool_call SET receipt_at = ?, is_error = ?, result = ?
WHERE execution_id = ? AND turn = ? AND tool_use_id = ? AND receipt_at IS NULL RETURNING name
"""
CALLS = """
SELECT execution_id, turn, tool_use_id, ordinal, name, input, effect, notes, intent_at, boot_id, receipt_at, is_error,
       result, question_id
FROM tool_call WHERE execution_id = ?
"""


def append(
    tx: Tx,
    execution_id: str,
    *,
    turn: int,
    role: str,
    content: list[Json],
    stop_reason: str | None = None,
    usage: Json | None = None,
    model: str | None = None,
) -> None:
    """Add a message at the end."""
    last = tx.sql(LAST, (execution_id,))
    seq, before = (last[0][0] + 1, last[0][1]) if last else (0, CHAIN_START)
    body = orjson.dumps(content)
    used = None if usage is None else orjson.dumps(usage)
    checksum = _checksum(before, execution_id, seq, role, body)
    tx.sql(APPEND, (execution_id, seq, turn, role, body, stop_reason, used, model, tx.now, checksum))


def messages(view: View, execution_id: str, start: int = 0, before: bytes = CHAIN_START) -> tuple[list[Message], bytes]:
    """Read the messages from number `start` on, in order, and the checksum of the last one.

    `before` is the checksum of the message before them. Raises `errors.JournalDamaged` if one is not what was written.
    """
    read = []
    rows = view.sql(MESSAGES, (execution_id, start or BEFORE_ALL))
    for position, row in enumerate(rows, start):
        _, seq, turn, role, body, stop_reason, usage, model, at, checksum = row
        before = _checksum(before, execution_id, position, role, body)
        if seq != position or checksum != before:
            raise errors.JournalDamaged(
                f"Message {position} of execution {execution_id} is not what was written: the database was damaged or "
                "changed. `baara restore --latest` puts a backup in place; what stands before that message is sound.",
            )
        used = None if usage is None else orjson.loads(usage)
        read.append(Message(execution_id, seq, turn, role, orjson.loads(body), stop_reason, used, model, at))
    return read, before


def last_role(view: View, execution_id: str) -> str | None:
    """Give the role of the last message, None if there is none."""
    rows = view.sql("SELECT role FROM message WHERE execution_id = ? ORDER BY seq DESC LIMIT 1", (execution_id,))
    return str(rows[0][0]) if rows else None


def intend(tx: Tx, execution_id: str, turn: int, ordinal: int, block: Json, effect: Effect, notes: Json) -> None:
    """Write down that a tool is about to run: `block` is the tool_use block of the answer."""
    body = orjson.dumps(block["input"])
    digest = hashlib.sha256(body).hexdigest()
    where = (execution_id, turn, block["id"], ordinal, block["name"])
    tx.sql(INTEND, (*where, body, digest, effect, orjson.dumps(notes), tx.now, owner.boot_id()))


def receive(
    tx: Tx, execution_id: str, turn: int, tool_use_id: str, result: list[Json], *, is_error: bool
) -> str | None:
    """Write down what came of a tool call, once. Give the tool's name, or None if there was a receipt before."""
    where = (execution_id, turn, tool_use_id)
    rows = tx.sql(RECEIVE, (tx.now, int(is_error), orjson.dumps(result), *where))
    return str(rows[0][0]) if rows else None


def attach_question(tx: Tx, execution_id: str, turn: int, tool_use_id: str, question_id: str) -> None:
    """Note that a person's answer will be the result of this call."""
    tx.sql(
        "UPDATE tool_call SET question_id = ? WHERE execution_id = ? AND turn = ? AND tool_use_id = ?",
        (question_id, execution_id, turn, tool_use_id),
    )


def calls_asked(view: View, execution_id: str, turn: int) -> list[Json]:
    """Give the tool calls that the answer of a turn asks for, as they stand in it."""
    statement = "SELECT content FROM message WHERE execution_id = ? AND turn = ? AND role = 'assistant'"
    rows = view.sql(statement, (execution_id, turn))
    return [block for (body,) in rows for block in orjson.loads(body) if block["type"] == "tool_use"]


def calls(view: View, execution_id: str, turn: int | None = None) -> list[ToolCall]:
    """Read the tool calls of one turn, or of all, in their order."""
    if turn is None:
        rows = view.sql(f"{CALLS} ORDER BY turn, ordinal", (execution_id,))
    else:
        rows = view.sql(f"{CALLS} AND turn = ? ORDER BY ordinal", (execution_id, turn))
    return [_call(row) for row in rows]


def calls_since(view: View, execution_id: str, turn: int) -> list[ToolCall]:
    """Read the tool calls of this turn and of those after it, in their order."""
    return [_call(row) for row in view.sql(f"{CALLS} AND turn >= ? ORDER BY turn, ordinal", (execution_id, turn))]


def _call(row: Row) -> ToolCall:
    raw = ToolCall(*row)
    return replace(
        raw,
        input=orjson.loads(row[5]),
        effect=Effect(raw.effect),
        notes=orjson.loads(row[7]),
        is_error=bool(raw.is_error),
        result=None if row[12] is None else orjson.loads(row[12]),
    )


def _checksum(before: bytes, execution_id: str, seq: int, role: str, body: bytes) -> bytes:
    state = hashlib.blake2b(before, digest_size=DIGEST_BYTES)
    state.update(f"{execution_id}/{seq}/{role}/".encode())
    state.update(body)
    return state.digest()
