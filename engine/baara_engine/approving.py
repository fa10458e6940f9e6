"""A person's word on a call that waits for it: what it allows, or what the agent gets in place of the call."""

import importlib

from baara_engine import errors, requests, tools
from baara_engine.permission import calls, choices
from baara_engine.permission.choices import Accepted, Decision
from baara_engine.records import Execution, Grant, Question, Scope, Task
from baara_engine.store import grants, questions
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

CHECK = "baara_engine.tools.check"  # its library is slow to import, and needed only for changed arguments
HOUR_MS = 3_600_000


def decide(question: Question, text: str) -> Decision:
    """Read an answer, and hold changed arguments against the tool's schema. Raises `errors.InvalidInput`."""
    decision = choices.decide(question.detail, text)
    if isinstance(decision, Accepted) and decision.edited is not None:
        problem = importlib.import_module(CHECK).misfit(question.detail["schema"], decision.edited)
        if problem is not None:
            raise errors.InvalidInput(f"These arguments do not fit “{question.detail['tool']}”: {problem}")
    return decision


def accept(tx: Tx, store: Store, execution: Execution, question: Question, accepted: Accepted, by: str) -> None:
    """Let the call run, and further ones if that was said; what is asked about them already is answered with it."""
    grants.give(tx, _for_call(tx, store, execution, question, accepted, by))
    if accepted.scope is Scope.CALL:
        return
    several = _for_several(tx, store, execution, question, accepted, by)
    grants.give(tx, several)
    for other in questions.open_of(tx, execution.id):
        if other.kind == questions.APPROVAL and _covers(several, other):
            questions.answer(tx, other, str(questions.get(tx, question.id).answer), by)
            grants.give(tx, _for_call(tx, store, execution, other, accepted, by))


def allow(tx: Tx, store: Store, task: Task, wanted: requests.Allowance, by: str) -> Grant:
    """Let the calls of a tool run unasked in all executions of a task, before any was asked about."""
    grant = Grant(
        id=store.ids.new(), scope=Scope.TASK, execution_id=None, task_id=task.id, tool=wanted.tool,
        definition=calls.definition(tools.load(wanted.tool)), turn=None, tool_use_id=None, input_hash=None, input=None,
        command=wanted.command or wanted.prefix, is_prefix=wanted.prefix is not None, question_id=None,
        created_at=tx.now, created_by=by, expires_at=None, revoked_at=None, revoked_by=None,
    )  # fmt: skip
    grants.give(tx, grant)
    return grant


def _covers(grant: Grant, question: Question) -> bool:
    detail = question.detail
    return calls.covers(grant, detail["tool"], detail["definition"], detail["input"])


def _for_call(
    tx: Tx, store: Store, execution: Execution, question: Question, accepted: Accepted, by: str
) -> Grant:  # fmt: skip
    return Grant(
        id=store.ids.new(), scope=Scope.CALL, execution_id=execution.id, task_id=execution.task_id,
        tool=question.detail["tool"], definition=question.detail["definition"],
        turn=question.turn, tool_use_id=question.tool_use_id,
        input_hash=question.detail["hash"], input=accepted.edited, command=None, is_prefix=False,
        question_id=question.id, created_at=tx.now, created_by=by, expires_at=None, revoked_at=None, revoked_by=None,
    )  # fmt: skip


def _for_several(
    tx: Tx, store: Store, execution: Execution, question: Question, accepted: Accepted, by: str
) -> Grant:  # fmt: skip
    told_by = calls.RUNS.get(question.detail["tool"])
    command = None if told_by is None else accepted.prefix or question.detail["input"].get(told_by)
    return Grant(
        id=store.ids.new(), scope=accepted.scope, execution_id=execution.id, task_id=execution.task_id,
        tool=question.detail["tool"], definition=question.detail["definition"],
        turn=None, tool_use_id=None, input_hash=None, input=None,
        command=command, is_prefix=accepted.prefix is not None,
        question_id=question.id, created_at=tx.now, created_by=by,
        expires_at=tx.now + HOUR_MS if accepted.scope is Scope.HOUR else None, revoked_at=None, revoked_by=None,
    )  # fmt: skip
