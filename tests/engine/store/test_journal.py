from functools import partial

import pytest

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.records import Effect, Json
from baara_engine.requests import Submission
from baara_engine.store import journal
from baara_engine.store.transaction import Tx

BLOCK: Json = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls"}}


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


COLUMNS = {
    "turn": "turn + 1", "stop_reason": "'refusal'", "usage": "x'7b7d'", "model": "'another'", "at": "at + 1",
    "content": "CAST(content AS TEXT)",
}  # fmt: skip
CALL_COLUMNS = {
    "tool_use_id": "'toolu_2'", "ordinal": "ordinal + 1", "name": "'read'", "input": "x'7b7d'", "input_hash": "'0'",
    "effect": "'read'", "notes": "x'7b7d'", "intent_at": "intent_at + 1", "boot_id": "'another'", "turn": "turn + 1",
    "receipt_at": "coalesce(receipt_at, 0) + 1", "is_error": "1 - is_error", "result": "x'5b5d'", "question_id": "'q'",
    "checksum": "zeroblob(16)",
}  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_a_message_is_covered(engine: Engine, execution_id: str, column: str) -> None:
    """Also what is only shown (time, model, usage) cannot change unseen, and neither can the type of a value."""
    engine.store.write(lambda tx: tx.sql(f"UPDATE message SET {column} = {COLUMNS[column]} WHERE seq = 1"))
    with pytest.raises(errors.JournalDamaged, match=r"Message 1 .* is not what was written.*baara doctor"):
        engine.journal(execution_id)


@pytest.mark.parametrize("state", ["intended", "asked", "received"])
@pytest.mark.parametrize("column", CALL_COLUMNS)
def test_every_column_of_a_tool_call_is_covered(engine: Engine, execution_id: str, column: str, state: str) -> None:
    """Intent, question and receipt: whatever changes is found, by who reads all calls and by who reads the turn's."""
    engine.store.write(partial(call_in, execution_id=execution_id, state=state))
    engine.store.write(lambda tx: tx.sql(f"UPDATE tool_call SET {column} = {CALL_COLUMNS[column]}"))
    for turn in (None, 1):
        with pytest.raises(errors.JournalDamaged, match="baara doctor"):
            engine.store.read(lambda view, turn=turn: journal.calls(view, execution_id, turn))  # type: ignore[misc]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM message WHERE seq = 2",
        "DELETE FROM message",
        "DELETE FROM tool_call",
        "DELETE FROM journal_head",
        "UPDATE journal_head SET messages = 2",
        "UPDATE journal_head SET turn = 2",
        "UPDATE journal_head SET turn_calls = all_calls, all_calls = x'00'",
        "UPDATE journal_head SET checksum = zeroblob(16)",
        "UPDATE tool_call SET execution_id = (SELECT max(id) FROM execution)",
        "UPDATE message SET execution_id = (SELECT max(id) FROM execution)",
    ],
)
def test_a_row_that_has_vanished_is_found(engine: Engine, execution_id: str, damage: str) -> None:
    """The last message, the only tool call, all of it, or what says how much there must be: reading finds it gone."""
    engine.submit(Submission(prompt="another"))
    engine.store.write(partial(call_in, execution_id=execution_id, state="intended"))
    engine.journal(execution_id)
    engine.store.write(lambda tx: tx.sql(damage))
    with pytest.raises(errors.JournalDamaged, match="baara doctor"):
        engine.journal(execution_id)


@pytest.mark.parametrize("damage", ["DELETE FROM tool_call", "UPDATE tool_call SET name = 'read'"])
def test_nothing_is_built_upon_a_damaged_call(engine: Engine, execution_id: str, damage: str) -> None:
    """No receipt and no question is written to a call that is not what was written: that would make it look sound."""
    engine.store.write(partial(call_in, execution_id=execution_id, state="intended"))
    engine.store.write(lambda tx: tx.sql(damage))
    with pytest.raises(errors.JournalDamaged):
        engine.store.write(lambda tx: journal.receive(tx, execution_id, 1, "toolu_1", [], is_error=False))
    with pytest.raises(errors.JournalDamaged):
        engine.store.write(lambda tx: journal.attach_question(tx, execution_id, 1, "toolu_1", "q"))


def test_calls_of_several_turns_are_read_by_turn_and_together(engine: Engine, execution_id: str) -> None:
    """A turn's calls are told from those of other turns, in their order, and a later receipt of an early one counts."""

    def write(tx: Tx) -> None:
        for turn in (1, 2, 2, 5):
            block = BLOCK | {"id": f"toolu_{turn}_{len(journal.calls(tx, execution_id))}"}
            journal.intend(tx, execution_id, turn, len(journal.calls(tx, execution_id, turn)), block, Effect.READ, {})
        journal.receive(tx, execution_id, 1, "toolu_1_0", [], is_error=True)

    engine.store.write(write)
    by_turn = {
        turn: engine.store.read(partial(journal.calls, execution_id=execution_id, turn=turn)) for turn in range(7)
    }
    assert [len(by_turn[turn]) for turn in range(7)] == [0, 1, 2, 0, 0, 1, 0]
    assert [call for turn in range(7) for call in by_turn[turn]] == engine.journal(execution_id)[1]


def test_the_calls_that_an_answer_asks_for_are_counted(engine: Engine, execution_id: str) -> None:
    """Only the last answer can have open calls; what stands there is checked before it is counted."""

    def answer(tx: Tx) -> None:
        content: list[Json] = [BLOCK, {"type": "text", "text": "x"}, BLOCK | {"id": "toolu_2"}]
        journal.append(tx, execution_id, turn=3, role="assistant", content=content)

    def asked(turn: int) -> int:
        return engine.store.read(lambda view: len(journal.calls_asked(view, execution_id, turn)))

    assert asked(1) == 0
    engine.store.write(answer)
    assert (asked(1), asked(3)) == (0, 2)
    engine.store.write(lambda tx: tx.sql("UPDATE message SET turn = 4 WHERE turn = 3"))
    with pytest.raises(errors.JournalDamaged):
        asked(3)


def call_in(tx: Tx, execution_id: str, state: str) -> None:
    """Leave a tool call of turn 1 in a state."""
    journal.intend(tx, execution_id, 1, 0, BLOCK, Effect.UNSAFE, {"note": 1})
    if state == "asked":
        journal.attach_question(tx, execution_id, 1, "toolu_1", "a question")
    if state == "received":
        journal.receive(tx, execution_id, 1, "toolu_1", [{"type": "text", "text": "done"}], is_error=False)


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
