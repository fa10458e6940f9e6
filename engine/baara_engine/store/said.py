"""What people say to work in progress: kept until the agent has heard it, once."""

from baara_engine import events
from baara_engine.records import Execution, Said
from baara_engine.store.transaction import Tx, View

COLUMNS = "id, execution_id, text, by, at, heard_at, turn"
UNHEARD = f"SELECT {COLUMNS} FROM said WHERE execution_id = ? AND heard_at IS NULL ORDER BY id"
ALL = f"SELECT {COLUMNS} FROM said WHERE execution_id = ? ORDER BY id"


def say(tx: Tx, word_id: str, execution: Execution, text: str, by: str) -> Said:
    """Keep a word for the agent of an execution."""
    said = Said(word_id, execution.id, text, by, tx.now, None, None)
    tx.sql(
        f"INSERT INTO said ({COLUMNS}) VALUES (?, ?, ?, ?, ?, NULL, NULL)", (word_id, execution.id, text, by, tx.now)
    )
    _told(tx, execution, said, "sent")
    return said


def is_any(view: View, execution_id: str) -> bool:
    """Say whether there is a word that the agent has not heard."""
    return bool(view.sql("SELECT 1 FROM said WHERE execution_id = ? AND heard_at IS NULL LIMIT 1", (execution_id,)))


def unheard(view: View, execution_id: str) -> list[Said]:
    """Give the words that the agent has not heard, oldest first."""
    return [Said(*row) for row in view.sql(UNHEARD, (execution_id,))]


def listing(view: View, execution_id: str) -> list[Said]:
    """Give all that was said to an execution, oldest first."""
    return [Said(*row) for row in view.sql(ALL, (execution_id,))]


def hear(tx: Tx, execution: Execution, turn: int) -> list[Said]:
    """Take the words that the agent has not heard: it hears them after this turn, and never again."""
    words = unheard(tx, execution.id)
    for said in words:
        tx.sql("UPDATE said SET heard_at = ?, turn = ? WHERE id = ?", (tx.now, turn, said.id))
        _told(tx, execution, said, "heard")
    return words


def _told(tx: Tx, execution: Execution, said: Said, state: str) -> None:
    data = {"said_id": said.id, "state": state}
    tx.emit(events.Kind.SAID, execution_id=execution.id, thread_id=execution.thread_id, data=data)
