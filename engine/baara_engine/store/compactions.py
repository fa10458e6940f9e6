"""What is sent in place of the beginning of a long conversation. The journal itself keeps every message.

Each row says which messages it covers and holds, ready to be sent, what stands for them; so after a crash the same is
sent as before. The latest row counts; the earlier ones stay, for whoever wants to know what the model was told.
"""

import orjson

from baara_engine import errors, redaction
from baara_engine.records import Compaction, Json
from baara_engine.store import checksums
from baara_engine.store.transaction import Row, Tx, View

COLUMNS = "execution_id, number, covers, turn, at_turn, kind, chain, model, at, head, words, checksum"
LATEST = f"SELECT {COLUMNS} FROM compaction WHERE execution_id = ? ORDER BY number DESC LIMIT 1"
ALL = f"SELECT {COLUMNS} FROM compaction WHERE execution_id = ? ORDER BY number"
APPEND = f"INSERT INTO compaction ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
CHECKSUM_OF = "SELECT checksum FROM message WHERE execution_id = ? AND seq = ?"


def latest(view: View, execution_id: str) -> Compaction | None:
    """Give what stands for the beginning of the conversation; None if all of it is sent.

    Raises `errors.JournalDamaged`.
    """
    rows = view.sql(LATEST, (execution_id,))
    return _compaction(rows[0]) if rows else None


def listing(view: View, execution_id: str) -> list[Compaction]:
    """Give all compactions of an execution, in their order. Raises `errors.JournalDamaged`."""
    return [_compaction(row) for row in view.sql(ALL, (execution_id,))]


def append(tx: Tx, made: Compaction) -> None:
    """Add a compaction; its number, its moment and the checksum of the last message that it covers are found here.

    Raises `errors.JournalDamaged` if that message is not there.
    """
    before = latest(tx, made.execution_id)
    number = 1 if before is None else before.number + 1
    chain = tx.sql(CHECKSUM_OF, (made.execution_id, made.covers - 1))
    if not chain:
        raise errors.JournalDamaged(
            f"Message {made.covers - 1} of execution {made.execution_id} is not there any more: {errors.DAMAGED}"
        )
    facts = (
        made.execution_id,
        number,
        made.covers,
        made.turn,
        made.at_turn,
        made.kind,
        chain[0][0],
        made.model,
        tx.now,
    )
    bodies = (orjson.dumps(_shown(made)), orjson.dumps(made.words))
    tx.sql(APPEND, (*facts, *bodies, checksums.of(facts, *bodies)))


def _shown(made: Compaction) -> list[Json]:
    """Give what is sent without secrets; the request stays as it was typed."""
    shown = []
    for message in made.head:
        typed = [block for block in message["content"] if block.get("text") in made.words]
        blocks = [
            block if block in typed else redaction.known.content("assistant", [block])[0]
            for block in message["content"]
        ]
        shown.append(message | {"content": blocks})
    return shown


def _compaction(row: Row) -> Compaction:
    *facts, head, words, checksum = row
    if checksum != checksums.of(tuple(facts), head, words):
        raise errors.JournalDamaged(
            f"What stands for the beginning of the conversation of execution {row[0]} is not what was written: "
            f"{errors.DAMAGED}"
        )
    _, number, covers, turn, at_turn, kind, chain, model, at = facts
    return Compaction(
        row[0], number, covers, turn, at_turn, kind, chain, model, at, orjson.loads(head), tuple(orjson.loads(words))
    )
