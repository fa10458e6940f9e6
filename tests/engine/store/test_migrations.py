import hashlib
from pathlib import Path

import pytest

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.records import Effect, Json, Message, ToolCall
from baara_engine.requests import Submission
from baara_engine.store import connection, journal, layout
from baara_engine.store.transaction import Tx, View

BLOCK: Json = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls"}}
Journals = dict[str, tuple[list[Message], list[ToolCall]]]


def fill(tx: Tx, execution_id: str, turns: int) -> None:
    """Write a conversation: each turn an answer with two calls, of which the last turn's second is open."""
    journal.append(tx, execution_id, turn=0, role="user", content=[{"type": "text", "text": "Gr\u00fc\u00df dich"}])
    tx.sql("UPDATE execution SET turn = ? WHERE id = ?", (turns, execution_id))
    for turn in range(1, turns + 1):
        blocks: list[Json] = [BLOCK | {"id": f"toolu_{turn}_{number}"} for number in range(2)]
        usage = {"input_tokens": turn}
        journal.append(
            tx, execution_id, turn=turn, role="assistant", content=blocks, stop_reason="tool_use", usage=usage,
            model="m",
        )  # fmt: skip
        for number, block in enumerate(blocks):
            journal.intend(tx, execution_id, turn, number, block, Effect.UNSAFE, {"before": None})
            if number == 0:
                result = [{"type": "text", "text": "x" * 6000}]
                journal.receive(tx, execution_id, turn, block["id"], result, is_error=True)
        if turn < turns:
            journal.receive(tx, execution_id, turn, blocks[1]["id"], [], is_error=False)
            journal.append(tx, execution_id, turn=turn, role="user", content=[{"type": "text", "text": "on"}])


def as_before(view: View) -> None:
    """Make of a database what it was before the second step."""
    view.sql("DROP TABLE journal_head")
    view.sql("ALTER TABLE tool_call DROP COLUMN checksum")
    view.sql("DELETE FROM migration WHERE name = 'm002_checksums'")
    before: dict[str, bytes] = {}
    for execution_id, seq, role, content in view.sql(
        "SELECT execution_id, seq, role, content FROM message ORDER BY seq"
    ):
        state = hashlib.blake2b(before.get(execution_id, bytes(16)), digest_size=16)
        state.update(f"{execution_id}/{seq}/{role}/".encode())
        state.update(content)
        before[execution_id] = state.digest()
        where = (state.digest(), execution_id, seq)
        view.sql("UPDATE message SET checksum = ? WHERE execution_id = ? AND seq = ?", where)


def journals(engine: Engine) -> Journals:
    return {one.id: engine.journal(one.id) for one in engine.executions()}


@pytest.fixture
def old(home: Path) -> tuple[Path, Journals]:
    """Give a home as the first version left it, and what its journals held."""
    engine = Engine(home)
    for turns in (0, 1, 3):
        execution_id = engine.submit(Submission(prompt="work")).id
        engine.store.write(lambda tx, one=execution_id, turns=turns: fill(tx, one, turns))  # type: ignore[misc]
    engine.submit(Submission(prompt="not begun"))
    held = journals(engine)
    engine.close()
    changed(home, as_before)
    return home, held


def changed(home: Path, *works: object) -> None:
    """Do something to the database behind the program's back."""
    db = connection.connect(home / layout.DATABASE)
    for work in works:
        if callable(work):
            work(View(db, 0))
        else:
            connection.execute(db, str(work))
    db.close()


def test_the_checksums_of_old_journals_are_renewed(old: tuple[Path, Journals]) -> None:
    """A sound database of the first version reads as before, is worked on, and passes every check."""
    home, held = old
    engine = Engine(home)
    assert journals(engine) == held
    assert engine.back_up().path.exists()
    [*_, longest] = sorted(held)[:3]
    engine.store.write(lambda tx: journal.receive(tx, longest, 3, "toolu_3_1", [], is_error=False))
    assert engine.journal(longest)[1][-1].receipt_at is not None
    engine.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE message SET content = CAST('[]' AS BLOB) WHERE seq = 2",
        "UPDATE message SET role = 'user' WHERE seq = 3",
        "DELETE FROM message WHERE seq = 2",
        "DELETE FROM message WHERE seq = 5",
        "UPDATE tool_call SET input = x'7b7d' WHERE turn = 3 AND ordinal = 1",
    ],
)
def test_what_was_damaged_before_is_not_blessed(old: tuple[Path, Journals], damage: str) -> None:
    """A journal that failed its old checksums fails the new ones; the others are as they were."""
    home, held = old
    changed(home, damage)
    engine = Engine(home)
    found = 0
    for execution_id, journal_ in held.items():
        try:
            assert engine.journal(execution_id) == journal_
        except errors.JournalDamaged:
            found += 1
    engine.close()
    assert found == 1
