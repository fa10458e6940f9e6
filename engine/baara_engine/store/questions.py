"""Questions: asked durably, answered once."""

import orjson
import peewee as pw

from baara_engine import errors, events, redaction
from baara_engine.clock import iso
from baara_engine.records import Execution, Question, QuestionDraft
from baara_engine.store import lookup, models
from baara_engine.store.transaction import Row, Tx, View

SELECT = models.select(models.Question, Question)
# Those of one answer are asked in one moment, so they are told apart by the order in which they were stored.
OLDEST_FIRST = (models.Question.created_at, pw.SQL("rowid"))
INSERT = """
INSERT INTO question (id, execution_id, thread_id, turn, tool_use_id, kind, text, options, detail, created_at, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')
"""
WITHDRAW = """
UPDATE question SET status = 'withdrawn' WHERE execution_id = ? AND status = 'open' AND (? IS NULL OR kind = ?)
RETURNING id
"""

STUCK = "stuck"  #: kind of a question about a step that gives no sign of life; the work goes on meanwhile
APPROVAL = "approval"  #: kind of a question whether a call may run; it waits meanwhile
REPEATING = "repeating"  #: kind of a question about work that goes round in circles; it waits meanwhile
BEFORE_CALL = frozenset({APPROVAL, REPEATING})  #: kinds about a call that has not begun
MISSED = "missed"  #: kind of a question about due times that came while nobody was at work; nothing ran for them yet


def ask(tx: Tx, question_id: str, execution: Execution, turn: int, draft: QuestionDraft) -> None:
    """Store an open question and tell of it."""
    shown = redaction.known.json([draft.text, draft.options, draft.detail])
    text, options, detail = shown[0], orjson.dumps(shown[1]).decode(), orjson.dumps(shown[2]).decode()
    where = (question_id, execution.id, execution.thread_id, turn, draft.tool_use_id)
    tx.sql(INSERT, (*where, draft.kind, text, options, detail, tx.now))
    _tell(tx, question_id, execution.id, execution.thread_id, "open")


def answer(tx: Tx, question: Question, text: str, by: str) -> Question:
    """Answer an open question. Raises `errors.Refused` if it is not open any more."""
    rows = tx.sql(
        "UPDATE question SET status = 'answered', answer = ?, answered_at = ?, answered_by = ? "
        "WHERE id = ? AND status = 'open' RETURNING 1",
        (redaction.known.text(text), tx.now, by, question.id),
    )
    if not rows:
        raise errors.Refused(_too_late(get(tx, question.id)))
    _tell(tx, question.id, question.execution_id, question.thread_id, "answered")
    return get(tx, question.id)


def is_open_about(view: View, draft: QuestionDraft) -> bool:
    """Say whether a question of this kind about the same limit is open."""
    about = ("scope", "key")
    rows = view.rows(SELECT.where((models.Question.status == "open") & (models.Question.kind == draft.kind)))
    wanted = [draft.detail.get(name) for name in about]
    return any([question.detail.get(name) for name in about] == wanted for question in map(_question, rows))


def withdraw(tx: Tx, execution: Execution, *, kind: str | None = None) -> None:
    """Close the open questions of an execution, all or of one kind, that it does not need any more."""
    rows = tx.sql(WITHDRAW, (execution.id, kind, kind))
    for (question_id,) in rows:
        _tell(tx, question_id, execution.id, execution.thread_id, "withdrawn")


def withdraw_all(tx: Tx, kind: str) -> None:
    """Close all open questions of a kind."""
    statement = (
        "UPDATE question SET status = 'withdrawn' WHERE status = 'open' AND kind = ? "
        "RETURNING id, execution_id, thread_id"
    )
    for question_id, execution_id, thread_id in tx.sql(statement, (kind,)):
        _tell(tx, question_id, execution_id, thread_id, "withdrawn")


def get(view: View, question_id: str) -> Question:
    """Give the question of this full id. Raises `errors.NotFound`."""
    rows = view.rows(SELECT.where(models.Question.id == question_id))
    if not rows:
        raise errors.NotFound(f"There is no question {question_id}.")
    return _question(rows[0])


def find(view: View, prefix: str) -> Question:
    """Give the one question whose id begins like this. Raises `errors.NotFound` or `errors.InvalidInput`."""
    return get(view, lookup.by_prefix(view, "question", prefix))


def listing(view: View, *, open_only: bool, limit: int) -> list[Question]:
    """Give questions, oldest first."""
    query = SELECT.where(models.Question.status == "open") if open_only else SELECT
    return [_question(row) for row in view.rows(query.order_by(*OLDEST_FIRST).limit(limit))]


def open_of(view: View, execution_id: str) -> list[Question]:
    """Give the open questions of an execution, oldest first."""
    table = models.Question
    query = SELECT.where((table.execution_id == execution_id) & (table.status == "open"))
    return [_question(row) for row in view.rows(query.order_by(*OLDEST_FIRST))]


def last_answered(view: View, execution_id: str, kind: str) -> int:
    """Give the turn of the last answered question of a kind, 0 if there is none."""
    statement = "SELECT max(turn) FROM question WHERE execution_id = ? AND kind = ? AND status = 'answered'"
    return int(view.sql(statement, (execution_id, kind))[0][0] or 0)


def _too_late(question: Question) -> str:
    if question.status == "withdrawn":
        return "This question is withdrawn already: nothing waits for its answer any more."
    when = iso(question.answered_at)
    return (
        f"This question was answered already, by {question.answered_by} at {when}: “{question.answer}”. "
        "The first answer stands."
    )


def _question(row: Row) -> Question:
    return Question(*(*row[:7], tuple(orjson.loads(row[7])), orjson.loads(row[8]), *row[9:]))


def _tell(tx: Tx, question_id: str, execution_id: str, thread_id: str, status: str) -> None:
    data = {"question_id": question_id, "status": status}
    tx.emit(events.Kind.QUESTION, execution_id=execution_id, thread_id=thread_id, data=data)
