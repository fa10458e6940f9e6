"""The head of each journal: what must stand in it. A row that has vanished is found by it, as a changed one is not.

A row can vanish by a single bit: in the index that leads to it, or in the number of rows on a page. The head lies in a
table of its own, carries a checksum over itself, and is written in the transaction that writes the row.
"""

from typing import NamedTuple

from baara_engine import errors
from baara_engine.store import checksums
from baara_engine.store.transaction import Tx, View

GET = """
SELECT execution_id, messages, chain, turn, turn_calls, all_calls, checksum FROM journal_head WHERE execution_id = ?
"""
PUT = """
INSERT INTO journal_head (execution_id, messages, chain, turn, turn_calls, all_calls, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (execution_id) DO UPDATE SET messages = excluded.messages, chain = excluded.chain, turn = excluded.turn,
       turn_calls = excluded.turn_calls, all_calls = excluded.all_calls, checksum = excluded.checksum
"""


class Head(NamedTuple):
    """What one journal holds."""

    execution_id: str
    messages: int = 0  #: how many
    chain: bytes = checksums.NOTHING  #: checksum of the last message
    turn: int = 0  #: the latest turn with a tool call
    turn_calls: bytes = checksums.NOTHING  #: checksums of that turn's calls, together
    all_calls: bytes = checksums.NOTHING  #: checksums of all calls, together

    def with_message(self, checksum: bytes) -> "Head":
        """Count one more message."""
        return self._replace(messages=self.messages + 1, chain=checksum)

    def with_call(self, turn: int, before: bytes, after: bytes) -> "Head":
        """Put a call's checksum in the place of its earlier one; `checksums.NOTHING` if it had none."""
        all_calls = checksums.together(self.all_calls, before, after)
        if turn < self.turn:
            return self._replace(all_calls=all_calls)
        of_turn = self.turn_calls if turn == self.turn else checksums.NOTHING
        return self._replace(turn=turn, turn_calls=checksums.together(of_turn, before, after), all_calls=all_calls)


def get(view: View, execution_id: str) -> Head:
    """Give the head of a journal; that of an empty one if there is none. Raises `errors.JournalDamaged`."""
    rows = view.sql(GET, (execution_id,))
    if not rows:
        return Head(execution_id)
    *facts, checksum = rows[0]
    if checksum != checksums.of(tuple(facts)):
        raise errors.JournalDamaged(f"What execution {execution_id} has done is not what was written: {errors.DAMAGED}")
    return Head(*facts)


def put(tx: Tx, head: Head) -> None:
    """Write the head of a journal."""
    tx.sql(PUT, (*head, checksums.of(tuple(head))))
