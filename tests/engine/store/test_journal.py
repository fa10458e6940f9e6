from functools import partial

import pytest

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.records import Effect
from baara_engine.requests import Submission
from baara_engine.store import journal

BLOCK = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls"}}


@pytest.fixture
def execution_id(engine: Engine) -> str:
    """Give an execution with three messages in its journal."""
    execution_id = engine.submit(Submission(prompt="work")).id
    for turn, (role, text) in enumerate([("user", "work"), ("assistant", "yes"), ("user", "more")]):
        content = [{"type": "text", "text": text}]
        engine.store.write(partial(journal.append, execution_id=execution_id, turn=turn, role=role, content=content))
    return execution_id


def test_messages_are_read_as_they_were_written(engine: Engine, execution_id: str) -> None:
    """The journal gives back roles, contents and order."""
    messages, _ = engine.journal(execution_id)
    assert [(message.seq, message.role, message.content[0]["text"]) for message in messages] == [
        (0, "user", "work"),
        (1, "assistant", "yes"),
        (2, "user", "more"),
    ]


def test_reading_on_gives_only_what_is_new(engine: Engine, execution_id: str) -> None:
    """From a number and the checksum before it, reading goes on and still checks the chain."""
    first, chain = engine.store.read(lambda view: journal.messages(view, execution_id))
    engine.store.write(
        lambda tx: journal.append(tx, execution_id, turn=4, role="assistant", content=[{"type": "text", "text": "new"}])
    )
    news, _ = engine.store.read(lambda view: journal.messages(view, execution_id, len(first), chain))
    assert [message.content[0]["text"] for message in news] == ["new"]
    with pytest.raises(errors.JournalDamaged):
        engine.store.read(lambda view: journal.messages(view, execution_id, len(first), journal.CHAIN_START))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE message SET content = replace(CAST(content AS TEXT), 'yes', 'yeS') WHERE seq = 1",
        "UPDATE message SET role = 'user' WHERE seq = 1",
        "UPDATE message SET checksum = zeroblob(16) WHERE seq = 1",
        "DELETE FROM message WHERE seq = 1",
        "UPDATE message SET seq = seq + 1 WHERE seq = 2",
    ],
)
def test_a_changed_row_is_found(engine: Engine, execution_id: str, damage: str) -> None:
    """A flipped character, a lost row, a swapped role: reading says which message it is."""
    engine.store.write(lambda tx: tx.sql(damage))
    with pytest.raises(errors.JournalDamaged, match="is not what was written"):
        engine.journal(execution_id)


def test_a_receipt_is_taken_once(engine: Engine, execution_id: str) -> None:
    """The first receipt of a call stands; a second changes nothing and says so."""

    def receive(text: str) -> str | None:
        result = [{"type": "text", "text": text}]
        return engine.store.write(lambda tx: journal.receive(tx, execution_id, 1, "toolu_1", result, is_error=False))

    engine.store.write(lambda tx: journal.intend(tx, execution_id, 1, 0, BLOCK, Effect.UNSAFE, {"note": 1}))
    assert receive("first") == "bash"
    assert receive("second") is None
    _, [call] = engine.journal(execution_id)
    assert (call.result, call.notes, call.key) == (
        [{"type": "text", "text": "first"}],
        {"note": 1},
        f"{execution_id}/1/toolu_1",
    )


def test_one_call_cannot_be_intended_twice(engine: Engine, execution_id: str) -> None:
    """The key of a call is unique, so two owners can never both begin it."""

    def intend() -> None:
        engine.store.write(lambda tx: journal.intend(tx, execution_id, 1, 0, BLOCK, Effect.UNSAFE, {}))

    intend()
    with pytest.raises(Exception, match="UNIQUE"):
        intend()
