"""The tables. A new column is a field here and a step in `migrations`."""

from dataclasses import fields
from typing import Any

import peewee as pw

from baara_engine.store import models_of_mcp, models_of_patterns, models_of_threads, spending_models
from baara_engine.store.base import Base
from baara_engine.store.schedule_models import GateRun, Schedule, Slot
from baara_engine.store.system_models import Event, Migration, Queue, Setting, Writer

# Reasons for the partial indexes: a claim must cost the same with a million rows queued as with a thousand, so each
# index holds only the rows that one hot statement looks for, with the state written literally as that statement has it.


class Task(Base):
    """A definition that can run many times."""

    id = pw.TextField(primary_key=True)
    name = pw.TextField(collation="NOCASE", unique=True)
    description = pw.TextField()
    prompt = pw.TextField()
    kind = pw.TextField()
    sandbox = pw.TextField()
    model = pw.TextField(null=True)
    queue = pw.TextField()
    priority = pw.IntegerField()
    max_retries = pw.IntegerField()
    timeout_s = pw.FloatField(null=True)
    max_turns = pw.IntegerField()
    workspace = pw.TextField(null=True)
    thread_id = pw.TextField(null=True)
    unknown_effect = pw.TextField()
    allowed_tools = pw.TextField(null=True)
    checks = pw.TextField()
    permission = pw.TextField()
    budget_microusd = pw.BigIntegerField(null=True)
    project_id = pw.TextField(null=True)
    gate = pw.TextField(null=True)
    fallback_model = pw.TextField(null=True)
    announce = pw.BooleanField(default=False)
    mcp_servers = pw.TextField(null=True)
    sandbox_limits = pw.TextField(null=True)
    enabled = pw.BooleanField()
    created_at = pw.BigIntegerField()
    updated_at = pw.BigIntegerField()


class Execution(Base):
    """One run."""

    id = pw.TextField(primary_key=True)
    task_id = pw.ForeignKeyField(Task, column_name="task_id", null=True, on_delete="SET NULL")
    thread_id = pw.ForeignKeyField(models_of_threads.Thread, column_name="thread_id", index=False)
    name = pw.TextField()
    kind = pw.TextField()
    prompt = pw.TextField()
    status = pw.TextField()
    outcome = pw.TextField(null=True)
    queue = pw.TextField()
    target_queue = pw.TextField()
    priority = pw.IntegerField()
    attempt = pw.IntegerField()
    attempt_open = pw.BooleanField()  # a try has begun and not ended: the next lease goes on with it
    max_retries = pw.IntegerField()
    allowance_from = pw.IntegerField()
    sandbox = pw.TextField()
    model = pw.TextField()
    workspace = pw.TextField()
    timeout_s = pw.FloatField(null=True)
    max_turns = pw.IntegerField()
    unknown_effect = pw.TextField()
    allowed_tools = pw.TextField(null=True)
    checks = pw.TextField()
    check_results = pw.TextField()
    check_rounds = pw.IntegerField()
    permission = pw.TextField()
    budget_microusd = pw.BigIntegerField(null=True)
    project_id = pw.TextField(null=True)
    parent_id = pw.TextField(null=True)
    forked_from = pw.TextField(null=True)
    forked_turn = pw.IntegerField(null=True)
    slot_id = pw.TextField(null=True)
    gate = pw.TextField(null=True)
    fallback_model = pw.TextField(null=True)
    announce = pw.BooleanField(default=False)
    mcp_servers = pw.TextField(null=True)
    sandbox_limits = pw.TextField(null=True)
    source = pw.TextField()
    idempotency_key = pw.TextField(null=True, unique=True)
    created_at = pw.BigIntegerField()
    started_at = pw.BigIntegerField(null=True)
    completed_at = pw.BigIntegerField(null=True)
    not_before = pw.BigIntegerField(null=True)
    worked_ms = pw.BigIntegerField()
    turn = pw.IntegerField()
    turns_from = pw.IntegerField()
    input_tokens = pw.BigIntegerField()
    output_tokens = pw.BigIntegerField()
    cost_microusd = pw.BigIntegerField()
    cost_known = pw.BooleanField()
    output = pw.TextField(null=True)
    error_cause = pw.TextField(null=True)
    error_message = pw.TextField(null=True)
    waiting_reason = pw.TextField(null=True)
    waiting_until = pw.BigIntegerField(null=True)
    waiting_question = pw.TextField(null=True)
    cancel_requested_at = pw.BigIntegerField(null=True)
    dismissed_at = pw.BigIntegerField(null=True)
    epoch = pw.IntegerField()
    owner = pw.TextField(null=True)
    lease_until = pw.BigIntegerField(null=True)
    resumed = pw.TextField()
    beat_at = pw.BigIntegerField(null=True)
    beat = pw.TextField(null=True)

    class Meta:
        """Peewee reads this."""

        indexes = (
            (("thread_id", "status"), False),
            pw.SQL(
                "CREATE INDEX execution_ready ON execution(queue, priority, id) WHERE status = 'queued'",
            ),
            pw.SQL(
                "CREATE INDEX execution_leased ON execution(queue) WHERE status IN ('assigned', 'running')",
            ),
            pw.SQL(
                "CREATE INDEX execution_dead ON execution(id) WHERE status = 'dead_lettered'",
            ),
            pw.SQL(
                "CREATE INDEX execution_timer ON execution(not_before) WHERE queue = 'timer'",
            ),
            pw.SQL(
                "CREATE INDEX execution_child ON execution(parent_id) WHERE parent_id IS NOT NULL",
            ),
            pw.SQL(
                "CREATE INDEX execution_retrying ON execution(not_before) "
                "WHERE queue = 'timer' AND status = 'retry_scheduled'",
            ),
            pw.SQL(
                "CREATE INDEX execution_unfinished ON execution(task_id) "
                "WHERE status NOT IN ('completed', 'cancelled', 'dead_lettered')",
            ),
        )


class Attempt(Base):
    """One lease."""

    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE", index=False)
    epoch = pw.IntegerField()
    attempt = pw.IntegerField()
    owner = pw.TextField()
    started_at = pw.BigIntegerField()
    ended_at = pw.BigIntegerField(null=True)
    ended_by = pw.TextField(null=True)
    error = pw.TextField(null=True)
    began = pw.TextField(null=True)  # where the journal stood when its first step began

    class Meta:
        """Peewee reads this."""

        indexes = ((("execution_id", "epoch"), True),)


class Message(Base):
    """One message of the journal. `content` and `usage` are JSON, `checksum` is chained (see `store.journal`)."""

    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE", index=False)
    seq = pw.IntegerField()
    turn = pw.IntegerField()
    role = pw.TextField()
    content = pw.BlobField()
    stop_reason = pw.TextField(null=True)
    usage = pw.BlobField(null=True)
    model = pw.TextField(null=True)
    at = pw.BigIntegerField()
    checksum = pw.BlobField()

    class Meta:
        """Peewee reads this."""

        indexes = ((("execution_id", "seq"), True),)


class ToolCall(Base):
    """The intent of one tool call, and its receipt. `checksum` covers all of it (see `store.journal`)."""

    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE", index=False)
    turn = pw.IntegerField()
    tool_use_id = pw.TextField()
    ordinal = pw.IntegerField()
    name = pw.TextField()
    input = pw.BlobField()
    input_hash = pw.TextField()
    effect = pw.TextField()
    notes = pw.BlobField()
    intent_at = pw.BigIntegerField()
    boot_id = pw.TextField()
    receipt_at = pw.BigIntegerField(null=True)
    is_error = pw.BooleanField()
    result = pw.BlobField(null=True)
    question_id = pw.TextField(null=True)
    checksum = pw.BlobField()

    class Meta:
        """Peewee reads this."""

        indexes = ((("execution_id", "turn", "tool_use_id"), True),)


class JournalHead(Base):
    """What the journal of one execution must hold (see `store.heads`)."""

    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE", primary_key=True)
    messages = pw.IntegerField()
    chain = pw.BlobField()
    turn = pw.IntegerField()
    turn_calls = pw.BlobField()
    all_calls = pw.BlobField()
    checksum = pw.BlobField()


class Compaction(Base):
    """What is sent in place of the beginning of a conversation (see `store.compactions`)."""

    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE", index=False)
    number = pw.IntegerField()
    covers = pw.IntegerField()
    turn = pw.IntegerField()
    at_turn = pw.IntegerField()
    kind = pw.TextField()
    head = pw.BlobField()
    words = pw.BlobField()
    chain = pw.BlobField()
    model = pw.TextField(null=True)
    at = pw.BigIntegerField()
    checksum = pw.BlobField()

    class Meta:
        """Peewee reads this."""

        primary_key = pw.CompositeKey("execution_id", "number")


class Progress(Base):
    """What the agent has noted of its work (see `store.progress`)."""

    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE", primary_key=True)
    constraints = pw.BlobField()
    done = pw.BlobField()
    next = pw.TextField()
    updated_at = pw.BigIntegerField()
    checksum = pw.BlobField()


class SaidWord(Base):
    """Something that a person has said to work in progress (see `store.said`)."""

    id = pw.TextField(primary_key=True)
    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE", index=False)
    text = pw.TextField()
    by = pw.TextField()
    at = pw.BigIntegerField()
    heard_at = pw.BigIntegerField(null=True)
    turn = pw.IntegerField(null=True)

    class Meta:
        """Peewee reads this."""

        table_name = "said"
        indexes = (pw.SQL("CREATE INDEX said_unheard ON said(execution_id, id) WHERE heard_at IS NULL"),)


class Question(Base):
    """Something only a person can answer."""

    id = pw.TextField(primary_key=True)
    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE")
    thread_id = pw.TextField()
    turn = pw.IntegerField()
    tool_use_id = pw.TextField(null=True)
    kind = pw.TextField()
    text = pw.TextField()
    options = pw.TextField()
    detail = pw.TextField()
    created_at = pw.BigIntegerField()
    status = pw.TextField()
    answer = pw.TextField(null=True)
    answered_at = pw.BigIntegerField(null=True)
    answered_by = pw.TextField(null=True)

    class Meta:
        """Peewee reads this."""

        indexes = (
            pw.SQL("CREATE INDEX question_open ON question(created_at) WHERE status = 'open'"),
            pw.SQL("CREATE INDEX question_open_in_thread ON question(thread_id) WHERE status = 'open'"),
        )


class Grant(Base):
    """What a person has allowed. `input` is JSON."""

    id = pw.TextField(primary_key=True)
    scope = pw.TextField()
    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", null=True, on_delete="CASCADE")
    task_id = pw.TextField(null=True, index=True)
    tool = pw.TextField()
    definition = pw.TextField()
    turn = pw.IntegerField(null=True)
    tool_use_id = pw.TextField(null=True)
    input_hash = pw.TextField(null=True)
    input = pw.TextField(null=True)
    command = pw.TextField(null=True)
    is_prefix = pw.BooleanField()
    question_id = pw.TextField(null=True)
    created_at = pw.BigIntegerField()
    created_by = pw.TextField()
    expires_at = pw.BigIntegerField(null=True)
    revoked_at = pw.BigIntegerField(null=True)
    revoked_by = pw.TextField(null=True)


class CheckNote(Base):
    """What the checks of an execution must remember (see `checks.rounds`)."""

    execution_id = pw.ForeignKeyField(Execution, column_name="execution_id", on_delete="CASCADE", index=False)
    key = pw.TextField()
    value = pw.TextField(null=True)

    class Meta:
        """Peewee reads this."""

        indexes = ((("execution_id", "key"), True),)


class Finding(Base):
    """Something that is not as it should be, or was not."""

    key = pw.TextField(primary_key=True)
    kind = pw.TextField()
    execution_id = pw.ForeignKeyField(
        Execution, column_name="execution_id", null=True, on_delete="CASCADE", index=False
    )
    message = pw.TextField()
    advice = pw.TextField()
    since = pw.BigIntegerField()
    seen_at = pw.BigIntegerField()
    cleared_at = pw.BigIntegerField(null=True)

    class Meta:
        """Peewee reads this."""

        indexes = (pw.SQL("CREATE INDEX finding_open ON finding(execution_id) WHERE cleared_at IS NULL"),)


def select(table: type[Base], record: type[Any]) -> Any:
    """Select from a table just the columns that a record has, in its order."""
    return table.select(*(getattr(table, field.name) for field in fields(record)))


TABLES: tuple[Any, ...] = (
    Migration, Writer, Setting, Queue, *models_of_threads.TABLES, Task, Execution, Attempt,
    Message, ToolCall, JournalHead, Event, Question, Finding, Grant, CheckNote,
    Schedule, Slot, GateRun, Compaction, Progress, SaidWord, *models_of_patterns.TABLES,
    *spending_models.TABLES, *models_of_mcp.TABLES,
)  # fmt: skip
