"""The journal: every message and every tool call of an execution, committed when it happens.

`integrity_check` does not see flipped payload bytes, so each row carries a checksum over all that stands in it. That of
a message covers the one before it too, and the journal's head (`store.heads`) says how many there are and what the tool
calls come to: a changed, missing or swapped row is found when the journal is read, and is not built upon.
"""

import hashlib
from dataclasses import replace
from typing import NamedTuple

import orjson

from baara_engine import errors, owner, redaction
from baara_engine.records import Effect, Json, Message, ToolCall
from baara_engine.store import checksums, heads
from baara_engine.store.transaction import Row, Tx, View

CHAIN_START = checksums.NOTHING

APPEND = """
INSERT INTO message (execution_id, seq, turn, role, content, stop_reason, usage, model, at, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
MESSAGES = """
SELECT execution_id, seq, turn, role, content, stop_reason, usage, model, at, checksum
FROM message WHERE execution_id = ? AND seq >= ? ORDER BY seq
"""
BEFORE_ALL = -(2**63)  # a flipped bit can make a number negative: read from the start, such a row must show
CHECKSUM_OF = "SELECT checksum FROM message WHERE execution_id = ? AND seq = ?"
CALL_COLUMNS = """execution_id, turn, tool_use_id, ordinal, name, input, effect, notes, intent_at, boot_id, receipt_at,
       is_error, result, question_id, input_hash, checksum"""
INTEND = f"INSERT INTO tool_call ({CALL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ONE_CALL = "execution_id = ? AND turn = ? AND tool_use_id = ?"
CHANGE = (
    f"UPDATE tool_call SET receipt_at = ?, is_error = ?, result = ?, question_id = ?, checksum = ? WHERE {ONE_CALL}"
)
CALLS = f"SELECT {CALL_COLUMNS} FROM tool_call WHERE execution_id = ?"
CALL = f"SELECT {CALL_COLUMNS} FROM tool_call WHERE {ONE_CALL}"


class StoredCall(NamedTuple):
    """A tool call as it stands in its table: the fields of `ToolCall`, and two more."""

    execution_id: str
    turn: int
    tool_use_id: str
    ordinal: int
    name: str
    input: bytes
    effect: str
    notes: bytes
    intent_at: int
    boot_id: str
    receipt_at: int | None
    is_error: int
    result: bytes | None
    question_id: str | None
    input_hash: str
    checksum: bytes

    def sealed(self) -> "StoredCall":
        """Give it with the checksum that it must have."""
        small = (*self[:5], self.effect, *self[8:12], *self[13:15])
        return self._replace(checksum=checksums.of(small, self.input, self.notes, self.result))

    def record(self) -> ToolCall:
        """Give what the rest of the house sees."""
        return replace(
            ToolCall(*self[:14]),  # type: ignore[arg-type]  # the JSON of them is read below
            input=orjson.loads(self.input),
            effect=Effect(self.effect),
            notes=orjson.loads(self.notes),
            is_error=bool(self.is_error),
            result=None if self.result is None else orjson.loads(self.result),
        )


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
    """Add a message at the end. Raises `errors.JournalDamaged`."""
    head = heads.get(tx, execution_id)
    body = orjson.dumps(redaction.known.content(role, content))
    used = None if usage is None else orjson.dumps(usage)
    row = (execution_id, head.messages, turn, role, body, stop_reason, used, model, tx.now)
    checksum = _checksum(head.chain, row)
    tx.sql(APPEND, (*row, checksum))
    heads.put(tx, head.with_message(checksum))


def messages(view: View, execution_id: str, start: int = 0, before: bytes = CHAIN_START) -> tuple[list[Message], bytes]:
    """Read the messages from number `start` on, in order, and the checksum of the last one.

    `before` is the checksum of the message before them. Raises `errors.JournalDamaged` if one is not what was written.
    """
    read = []
    rows = view.sql(MESSAGES, (execution_id, start or BEFORE_ALL))
    for position, row in enumerate(rows, start):
        before = _checksum(before, row)
        if row[1] != position or row[-1] != before:
            raise errors.JournalDamaged(
                f"Message {position} of execution {execution_id} is not what was written: {errors.DAMAGED} "
                "What stands before that message is sound.",
            )
        read.append(_message(row))
    _require_all(heads.get(view, execution_id), start + len(read), before)
    return read, before


def copy(tx: Tx, source_id: str, target_id: str, turn: int) -> None:
    """Begin the journal of `target_id` with that of `source_id`, up to and including a turn.

    What was used and asked stays with the first: the copy has cost nothing, and no question of its own. Raises
    `errors.JournalDamaged` if any of the journal is not what was written.
    """
    for message in messages(tx, source_id)[0]:
        if message.turn <= turn:
            append(
                tx, target_id, turn=message.turn, role=message.role, content=message.content,
                stop_reason=message.stop_reason, model=message.model,
            )  # fmt: skip
    calls(tx, source_id)
    for row in tx.sql(f"{CALLS} AND turn <= ? ORDER BY turn, ordinal", (source_id, turn)):
        call = StoredCall(*row)._replace(execution_id=target_id, question_id=None).sealed()
        tx.sql(INTEND, call)
        heads.put(tx, heads.get(tx, target_id).with_call(call.turn, checksums.NOTHING, call.checksum))


def text(words: str) -> list[Json]:
    """Give a content of nothing but this text."""
    return [{"type": "text", "text": words}]


def last_role(view: View, execution_id: str) -> str | None:
    """Give the role of the last message, None if there is none."""
    rows = view.sql("SELECT role FROM message WHERE execution_id = ? ORDER BY seq DESC LIMIT 1", (execution_id,))
    return str(rows[0][0]) if rows else None


def intend(tx: Tx, execution_id: str, turn: int, ordinal: int, block: Json, effect: Effect, notes: Json) -> None:
    """Write down that a tool is about to run: `block` is the tool_use block of the answer."""
    body = orjson.dumps(redaction.known.json(block["input"]))
    noted = orjson.dumps(redaction.known.json(notes))
    call = StoredCall(
        execution_id, turn, block["id"], ordinal, block["name"], body, effect.value, noted, tx.now,
        owner.boot_id(), None, 0, None, None, hashlib.sha256(body).hexdigest(), checksums.NOTHING,
    ).sealed()  # fmt: skip
    tx.sql(INTEND, call)
    heads.put(tx, heads.get(tx, execution_id).with_call(turn, checksums.NOTHING, call.checksum))


def receive(
    tx: Tx, execution_id: str, turn: int, tool_use_id: str, result: list[Json], *, is_error: bool
) -> str | None:
    """Write down what came of a tool call, once. Give the tool's name, or None if there was a receipt before.

    Raises `errors.JournalDamaged`, also where there is no such call.
    """
    call = _call(tx, execution_id, turn, tool_use_id)
    if call.receipt_at is not None:
        return None
    body = orjson.dumps(redaction.known.json(result))
    _change(tx, call, call._replace(receipt_at=tx.now, is_error=int(is_error), result=body))
    return call.name


def attach_question(tx: Tx, execution_id: str, turn: int, tool_use_id: str, question_id: str) -> None:
    """Note that a person's answer will be the result of this call. Raises `errors.JournalDamaged`."""
    call = _call(tx, execution_id, turn, tool_use_id)
    _change(tx, call, call._replace(question_id=question_id))


def calls_asked(view: View, execution_id: str, turn: int) -> list[Json]:
    """Give the tool calls that the last answer asks for, if it is that of this turn.

    Raises `errors.JournalDamaged`.
    """
    last = heads.get(view, execution_id).messages - 1
    before = view.sql(CHECKSUM_OF, (execution_id, last - 1))
    read, _ = messages(view, execution_id, max(last, 0), before[0][0] if before else CHAIN_START)
    return [
        block for message in read if message.role == "assistant" and message.turn == turn
        for block in message.content if block["type"] == "tool_use"
    ]  # fmt: skip


def calls(view: View, execution_id: str, turn: int | None = None) -> list[ToolCall]:
    """Read the tool calls of one turn, or of all, in their order.

    Raises `errors.JournalDamaged` if one is not what was written, or is missing: of all, or of the latest turn that has
    any. Whether one of an earlier turn is missing shows when all are read.
    """
    head = heads.get(view, execution_id)
    if turn is None:
        found = [_sound(row) for row in view.sql(f"{CALLS} ORDER BY turn, ordinal", (execution_id,))]
        _require_these(found, execution_id, head.all_calls)
    else:
        found = [_sound(row) for row in view.sql(f"{CALLS} AND turn = ? ORDER BY ordinal", (execution_id, turn))]
        if turn >= head.turn:
            _require_these(found, execution_id, head.turn_calls if turn == head.turn else checksums.NOTHING)
    return [call.record() for call in found]


def calls_since(view: View, execution_id: str, turn: int) -> list[ToolCall]:
    """Read the tool calls of this turn and of those after it, in their order. Raises `errors.JournalDamaged`."""
    rows = view.sql(f"{CALLS} AND turn >= ? ORDER BY turn, ordinal", (execution_id, turn))
    return [_sound(row).record() for row in rows]


def require_sound(view: View, execution_id: str) -> None:
    """Read the whole journal of an execution. Raises `errors.JournalDamaged`."""
    messages(view, execution_id)
    calls(view, execution_id)


def _message(row: Row) -> Message:
    execution_id, seq, turn, role, body, stop_reason, usage, model, at, _ = row
    used = None if usage is None else orjson.loads(usage)
    return Message(execution_id, seq, turn, role, orjson.loads(body), stop_reason, used, model, at)


def _checksum(before: bytes, row: Row) -> bytes:
    """Give the checksum of a message, as it stands in its table with or without its own."""
    return checksums.of((before, *row[:4], row[5], *row[7:9]), row[4], row[6])


def _require_all(head: heads.Head, count: int, chain: bytes) -> None:
    if (count, chain) != (head.messages, head.chain):
        raise errors.JournalDamaged(
            f"The end of the conversation of execution {head.execution_id} is not what was written (of "
            f"{head.messages} messages, {count} can be read): {errors.DAMAGED}"
        )


def _require_these(found: list[StoredCall], execution_id: str, wanted: bytes) -> None:
    if checksums.together(*(call.checksum for call in found)) != wanted:
        raise errors.JournalDamaged(
            f"A tool call of execution {execution_id} is missing, or is not what was written: {errors.DAMAGED}"
        )


def _call(view: View, execution_id: str, turn: int, tool_use_id: str) -> StoredCall:
    """Read one call. Raises `errors.JournalDamaged`, also where it is not there: it is asked for once it must be."""
    rows = view.sql(CALL, (execution_id, turn, tool_use_id))
    if not rows:
        raise errors.JournalDamaged(
            f"The tool call {tool_use_id} of execution {execution_id} is not there any more: {errors.DAMAGED}"
        )
    return _sound(rows[0])


def _sound(row: Row) -> StoredCall:
    call = StoredCall(*row)
    if call.sealed() != call:
        raise errors.JournalDamaged(
            f"The tool call {call.tool_use_id} in turn {call.turn} of execution {call.execution_id} is not what was "
            f"written: {errors.DAMAGED}"
        )
    return call


def _change(tx: Tx, before: StoredCall, changed: StoredCall) -> None:
    """Write what may change of a call, with its checksum."""
    after = changed.sealed()
    where = (after.execution_id, after.turn, after.tool_use_id)
    tx.sql(CHANGE, (after.receipt_at, after.is_error, after.result, after.question_id, after.checksum, *where))
    head = heads.get(tx, after.execution_id)
    heads.put(tx, head.with_call(after.turn, before.checksum, after.checksum))
