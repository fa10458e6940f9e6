"""Records as JSON: the fields that CONTRACT.md promises, and more. Times are ISO 8601 in UTC with `Z`."""

from dataclasses import asdict
from typing import Any

from baara_engine import words
from baara_engine.clock import Millis, iso
from baara_engine.engine import Engine
from baara_engine.money import Limit
from baara_engine.patterns_of_work import Project, Template
from baara_engine.records import (
    Artifact,
    Attempt,
    Compaction,
    DeadLetter,
    Event,
    Execution,
    Finding,
    Grant,
    Json,
    Kind,
    Message,
    Pause,
    Progress,
    Question,
    Queue,
    Row,
    Said,
    Task,
    Thread,
    ThreadMessage,
    ToolCall,
)
from baara_engine.schedules.records import Schedule, Slot
from baara_engine.skills import Plugin, Skill

TIMES = frozenset({"at", "until", "created_at", "updated_at", "started_at", "ended_at", "answered_at", "intent_at",
                   "heard_at", "receipt_at", "since", "seen_at", "cleared_at", "expires_at", "revoked_at",
                   "accounted_until", "next_due", "due", "last_due", "settled_at", "archived_at", "snoozed_until",
                   "returned_at", "pinned_at", "changed_at"})  # fmt: skip


ALL = 1_000_000  # rows: no home holds as many of what is counted here


def execution(record: Execution, now: Millis) -> Json:
    """Give an execution; `now` ends the duration of one that has not ended."""
    return {
        "id": record.id,
        "task_id": record.task_id,
        "thread_id": record.thread_id,
        "name": record.name,
        "kind": record.kind,
        "prompt": record.prompt,
        "status": record.status,
        "outcome": record.outcome,
        "queue": record.queue,
        "priority": record.priority,
        "attempt": record.attempt,
        "max_retries": record.max_retries,
        "sandbox": record.sandbox,
        "model": record.model if record.kind is Kind.AGENT else None,
        "workspace": record.workspace,
        "timeout_s": record.timeout_s,
        "max_turns": record.max_turns,
        "unknown_effect": record.unknown_effect,
        "source": record.source,
        "idempotency_key": record.idempotency_key,
        "created_at": iso(record.created_at),
        "not_before": iso(record.not_before),
        "started_at": iso(record.started_at),
        "completed_at": iso(record.completed_at),
        "duration_ms": words.duration_ms(record, now),
        "turn": record.turn,
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "cost_usd": record.cost_microusd / words.MICRO if record.cost_known else None,
        "output": record.output,
        "error": _error(record),
        "checks": list(record.check_results),
        "check_rounds": record.check_rounds,
        "check_specs": list(record.checks),
        "permission": record.permission,
        "budget_usd": None if record.budget_microusd is None else record.budget_microusd / words.MICRO,
        "project_id": record.project_id,
        "parent_id": record.parent_id,
        "forked_from": record.forked_from,
        "forked_turn": record.forked_turn,
        "slot_id": record.slot_id,
        "gate": record.gate,
        "waiting": _waiting(record),
        "cancel_requested_at": iso(record.cancel_requested_at),
        "last_sign": _last_sign(record),
        "resumed": [_with_times(entry) for entry in record.resumed],
    }


def dead_letter(record: DeadLetter, now: Millis) -> Json:
    """Give a dead letter: its execution, what to try, and the leases that it has had."""
    leases = [attempt(one) for one in record.attempts]
    return execution(record.execution, now) | {"advice": record.advice, "attempts": leases}


def status(engine: Engine) -> Json:
    """Say how it stands: whether an engine works, the queues, what needs a person, what failed, what is due next."""
    return {
        "working": engine.is_working(),
        "paused": pause(engine.paused()),
        "queues": [queue(one) for one in engine.queues()],
        "questions": len(engine.questions(limit=ALL)),
        "failed": len(engine.dead_letters()),
        "findings": [finding(one) for one in engine.health()],
        "next_due": iso(engine.next_due()),
    }


def limit(record: Limit) -> Json:
    """Give what may be spent."""
    return {"scope": record.scope, "key": record.key, "usd": record.microusd / words.MICRO}


def task(record: Task) -> Json:
    """Give a task."""
    return _with_times(asdict(record))


def event(record: Event) -> Json:
    """Give an event."""
    return _with_times(asdict(record)) | {"data": _with_times(record.data)}


def attempt(record: Attempt) -> Json:
    """Give one lease of an execution."""
    return _with_times(asdict(record))


def message(record: Message) -> Json:
    """Give a message of the journal."""
    return _with_times(asdict(record))


def intent(progress: Progress, made: list[Compaction]) -> Json:
    """Give what an agent has noted of its work, and how its conversation was compacted."""
    noted = {"constraints": progress.constraints, "done": progress.done, "next": progress.next or None}
    told = [
        {"number": one.number, "at": iso(one.at), "kind": one.kind, "covers_messages": one.covers,
         "covers_turns": one.turn, "at_turn": one.at_turn, "model": one.model, "sent_instead": one.head}
        for one in made
    ]  # fmt: skip
    return {"progress": noted | {"updated_at": iso(progress.updated_at)}, "compactions": told}


def tool_call(record: ToolCall) -> Json:
    """Give a tool call of the journal."""
    return _with_times(asdict(record))


def queue(record: Queue) -> Json:
    """Give a queue."""
    return asdict(record)


def pause(record: Pause | None) -> Json | None:
    """Give the pause of all work."""
    return None if record is None else _with_times(asdict(record))


def said(record: Said) -> Json:
    """Give what was said to an agent."""
    return _with_times(asdict(record))


def thread(record: Thread) -> Json:
    """Give a thread."""
    return _with_times(asdict(record))


def row(record: Row) -> Json:
    """Give a thread as the inbox lists it."""
    latest = record.latest
    told = None if latest is None else {"execution_id": latest.id, "state": words.state(latest)}
    return thread(record.thread) | {"line": record.line, "latest": told}


def artifact(record: Artifact) -> Json:
    """Give a file that an execution has made or changed."""
    return _with_times(asdict(record))


def thread_message(record: ThreadMessage) -> Json:
    """Give a message of a thread."""
    return _with_times(asdict(record))


def finding(record: Finding) -> Json:
    """Give something that is not as it should be."""
    return _with_times(asdict(record))


def question(record: Question) -> Json:
    """Give a question."""
    return _with_times(asdict(record))


def template(record: Template) -> Json:
    """Give a template."""
    return _with_times(asdict(record))


def project(record: Project, active: Project | None) -> Json:
    """Give a project, and whether it is the active one."""
    return _with_times(asdict(record)) | {"active": active is not None and active.id == record.id}


def skill(record: Skill) -> Json:
    """Give a skill, without its instructions."""
    return asdict(record) | {"root": str(record.root), "plugin_root": record.plugin_root and str(record.plugin_root)}


def plugin(record: Plugin) -> Json:
    """Give a plugin."""
    return asdict(record) | {"path": str(record.path)}


def grant(record: Grant) -> Json:
    """Give what a person has allowed."""
    return _with_times(asdict(record))


def schedule(record: Schedule) -> Json:
    """Give a schedule."""
    return _with_times(asdict(record))


def slot(record: Slot) -> Json:
    """Give what became of a due time."""
    return _with_times(asdict(record))


def _error(record: Execution) -> Json | None:
    if record.error_cause is None:
        return None
    return {"cause": record.error_cause, "message": record.error_message}


def _last_sign(record: Execution) -> Json | None:
    return None if record.beat_at is None else {"at": iso(record.beat_at), "what": record.beat}


def _waiting(record: Execution) -> Json | None:
    if record.waiting_reason is None:
        return None
    until = iso(record.waiting_until)
    return {"reason": record.waiting_reason, "until": until, "question_id": record.waiting_question}


def _with_times(values: dict[str, Any]) -> Json:
    return {name: iso(value) if name in TIMES else value for name, value in values.items()}
