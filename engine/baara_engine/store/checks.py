"""What checks must remember: what was there before the work began, which commands they began; and their results."""

from collections.abc import Mapping, Sequence

import orjson

from baara_engine import events, redaction
from baara_engine.records import Execution, Json
from baara_engine.store import executions, questions
from baara_engine.store.transaction import Tx, View

NOTES = "SELECT key, value FROM check_note WHERE execution_id = ?"
NOTE = "INSERT INTO check_note (execution_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
RESULTS = "UPDATE execution SET check_results = ?, check_rounds = ? WHERE id = ?"


def notes(view: View, execution_id: str) -> dict[str, str | None]:
    """Give all notes of an execution by their key."""
    return dict(view.sql(NOTES, (execution_id,)))


def note(tx: Tx, execution: Execution, told: Mapping[str, str | None]) -> None:
    """Write notes down, as the owner; what was noted before stays. Raises `errors.LeaseLost`."""
    executions.require_owner(tx, execution.id, execution.epoch)
    for key, value in told.items():
        tx.sql(NOTE, (execution.id, key, value))


def put_results(tx: Tx, execution: Execution, results: Sequence[Json], rounds: int) -> None:
    """Write down what came of a round, as the owner, and tell of it. Raises `errors.LeaseLost`."""
    executions.require_owner(tx, execution.id, execution.epoch)
    questions.withdraw(tx, execution, kind=questions.STUCK)
    shown = redaction.known.json(results)  # a detail quotes what a command has printed
    tx.sql(RESULTS, (orjson.dumps(shown).decode(), rounds, execution.id))
    passed = sum(1 for result in results if result["passed"])
    data = {"round": rounds, "passed": passed, "failed": len(results) - passed}
    tx.emit(events.Kind.CHECKED, execution_id=execution.id, thread_id=execution.thread_id, data=data)
