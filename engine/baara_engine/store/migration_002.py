"""The second step of the schema: checksums over all that stands in the journal, and a head for each.

It is history and stays as it is, with its own copy of how checksums were made before and after it. What was damaged
before is not blessed: from the first message on that fails the old checksum, the old ones stay, which the new way of
reading refuses; so it does with a call whose input does not fit its hash.
"""

import hashlib

from baara_engine.store.transaction import Row, Tx

DIGEST_BYTES = 16
NOTHING = bytes(DIGEST_BYTES)

HEADS = """
CREATE TABLE journal_head (
    execution_id TEXT NOT NULL PRIMARY KEY,
    messages INTEGER NOT NULL,
    chain BLOB NOT NULL,
    turn INTEGER NOT NULL,
    turn_calls BLOB NOT NULL,
    all_calls BLOB NOT NULL,
    checksum BLOB NOT NULL,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
)
"""
OWNERS = "SELECT execution_id FROM message UNION SELECT execution_id FROM tool_call"
MESSAGES = """
SELECT id, execution_id, seq, turn, role, content, stop_reason, usage, model, at, checksum FROM message
WHERE execution_id = ? ORDER BY seq
"""
CALLS = """
SELECT id, execution_id, turn, tool_use_id, ordinal, name, input, effect, notes, intent_at, boot_id, receipt_at,
       is_error, result, question_id, input_hash
FROM tool_call WHERE execution_id = ? ORDER BY turn
"""


def m002_checksums(tx: Tx) -> None:
    """Let checksums cover every column of messages and tool calls, and note what each journal holds."""
    tx.sql(f"ALTER TABLE tool_call ADD COLUMN checksum BLOB NOT NULL DEFAULT x'{NOTHING.hex()}'")
    tx.sql(HEADS)
    for (execution_id,) in tx.sql(OWNERS):
        head = (execution_id, *_messages(tx, execution_id), *_calls(tx, execution_id))
        tx.sql("INSERT INTO journal_head VALUES (?, ?, ?, ?, ?, ?, ?)", (*head, _checksum(head)))


def _messages(tx: Tx, execution_id: str) -> tuple[int, bytes]:
    """Renew the checksums of an execution's messages as far as they are sound; give their number and the last one."""
    old, new, count, answers = NOTHING, NOTHING, 0, 0
    rows = tx.sql(MESSAGES, (execution_id,))
    for row in rows:
        old = _old_checksum(old, row)
        if row[2] != count or row[-1] != old:
            return len(rows), NOTHING
        id_, _, seq, turn, role, content, stop_reason, usage, model, at, _ = row
        new = _checksum((new, execution_id, seq, turn, role, stop_reason, model, at), content, usage)
        tx.sql("UPDATE message SET checksum = ? WHERE id = ?", (new, id_))
        count, answers = count + 1, turn if role == "assistant" else answers
    [(counted,)] = tx.sql("SELECT turn FROM execution WHERE id = ?", (execution_id,))
    return (count, new) if answers == counted else (count + 1, NOTHING)  # the last answer is gone


def _calls(tx: Tx, execution_id: str) -> tuple[int, bytes, bytes]:
    """Give an execution's calls their checksums; give the last turn that has any, and the sums of it and of all."""
    latest, of_turn, of_all = 0, NOTHING, NOTHING
    for row in tx.sql(CALLS, (execution_id,)):
        checksum = _call_checksum(row)
        tx.sql("UPDATE tool_call SET checksum = ? WHERE id = ?", (checksum, row[0]))
        of_turn = _xor(of_turn if row[2] == latest else NOTHING, checksum)
        latest, of_all = row[2], _xor(of_all, checksum)
    return latest, of_turn, of_all


def _call_checksum(row: Row) -> bytes:
    (_, execution_id, turn, tool_use_id, ordinal, name, input_, effect, notes, intent_at, boot_id, receipt_at, is_error,
     result, question_id, input_hash) = row  # fmt: skip
    if hashlib.sha256(input_).hexdigest() != input_hash:
        return NOTHING
    small = (execution_id, turn, tool_use_id, ordinal, name, effect, intent_at, boot_id, receipt_at, is_error,
             question_id, input_hash)  # fmt: skip
    return _checksum(small, input_, notes, result)


def _old_checksum(before: bytes, row: Row) -> bytes:
    _, execution_id, seq, _, role, content, *_ = row
    state = hashlib.blake2b(before, digest_size=DIGEST_BYTES)
    state.update(f"{execution_id}/{seq}/{role}/".encode())
    state.update(content)
    return state.digest()


def _checksum(facts: tuple[object, ...], *bodies: object) -> bytes:
    shape = [len(body) if isinstance(body, bytes) else [body] for body in bodies]
    state = hashlib.sha256(ascii((facts, shape)).encode())
    for body in bodies:
        if isinstance(body, bytes):
            state.update(body)
    return state.digest()[:DIGEST_BYTES]


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(DIGEST_BYTES, "big")
