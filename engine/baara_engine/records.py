"""What the rest of the house sees of the database: frozen values. Rows never leave `store/`.

Points in time are `Millis` (ms since 1970 UTC); durations say their unit in the name; money is in
millionths of a US dollar.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from baara_engine.clock import Millis
from baara_engine.records_of_threads import (
    Absence,
    Artifact,
    CallSeen,
    Day,
    Lane,
    Latest,
    Row,
    Thread,
    ThreadMessage,
    Turn,
)  # fmt: skip
from baara_engine.states import Outcome, Status

__all__ = [
    "Absence",
    "Artifact",
    "CallSeen",
    "Day",
    "Lane",
    "Latest",
    "Row",
    "Thread",
    "ThreadMessage",
    "Turn",
]  # from a file of their own

Json = dict[str, Any]  # one JSON object


class Kind(StrEnum):
    """What an execution does."""

    AGENT = "agent"  #: A model works on the prompt with tools.
    COMMAND = "command"  #: The prompt is a shell command; no model is asked.


class Effect(StrEnum):
    """What repeating a tool call would do; it decides what recovery may do by itself."""

    READ = "read"  #: It changes nothing: run it again.
    IDEMPOTENT = "idempotent"  #: Doing it twice is the same as once: run it again.
    KEYED = "keyed"  #: The receiver tells repeats apart by the key: run it again with the same key.
    UNSAFE = "unsafe"  #: Doing it twice may do harm: never repeated without somebody's word.


class Permission(StrEnum):
    """What an agent may do without asking, for every tool that it has."""

    AUTO = "auto"  #: It acts by itself; a tool or a person may still ask.
    ASK = "ask"  #: Whatever changes something waits for a person's word.
    LOCKED = "locked"  #: It may only look.


class Scope(StrEnum):
    """How far a person's word about a call reaches."""

    CALL = "call"  #: Just this call.
    TASK = "task"  #: Calls of this task, or of this execution where it has none.
    HOUR = "hour"  #: The same, for an hour.


class UnknownEffect(StrEnum):
    """What to do about an unsafe call whose outcome a crash has hidden."""

    BY_TOOL = "by_tool"  #: As the tool has it: bash tells the model; what acts outside the workspace asks a person.
    TELL = "tell"  #: The model is told that the outcome is unknown and must be verified first.
    ASK = "ask"  #: A person is asked whether it happened.
    RERUN = "rerun"  #: It is run again; whoever chose this knows that the command bears it.


@dataclass(frozen=True, slots=True)
class Task:
    """A definition that can run many times."""

    id: str
    name: str
    description: str
    prompt: str
    kind: Kind
    sandbox: str
    model: str | None
    queue: str
    priority: int
    max_retries: int
    timeout_s: float | None
    max_turns: int
    workspace: str | None
    thread_id: str | None
    unknown_effect: UnknownEffect
    allowed_tools: tuple[str, ...] | None
    checks: tuple[str, ...]  #: what must hold at the end, as CONTRACT.md writes it
    permission: Permission
    budget_microusd: int | None  #: of one execution
    project_id: str | None
    gate: str | None  #: a command that says, before a model is asked, whether there is anything to do
    fallback_model: str | None  #: takes over where the service turns the model away
    announce: bool  #: its result is worth a notification
    mcp_servers: tuple[str, ...] | None  #: names of the person's MCP servers whose tools it has
    sandbox_limits: Json | None  #: some fields of `sandboxes.Limits`; the rest are as they are by themselves
    enabled: bool
    created_at: Millis
    updated_at: Millis


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a task, or of a prompt by itself. It keeps its id through all its attempts."""

    id: str
    task_id: str | None
    thread_id: str
    name: str
    kind: Kind
    prompt: str
    status: Status
    outcome: Outcome | None
    queue: str
    target_queue: str  #: where it runs once what it waits for has come
    priority: int
    attempt: int  #: tries begun; going on after a crash, a stop or an answer is the same try
    max_retries: int
    allowance_from: int  #: attempts that do not count any more, because somebody gave it a fresh allowance
    sandbox: str
    model: str
    workspace: str
    timeout_s: float | None
    max_turns: int
    unknown_effect: UnknownEffect
    allowed_tools: tuple[str, ...] | None
    checks: tuple[str, ...]  #: what must hold at the end, as CONTRACT.md writes it
    check_results: tuple[Json, ...]  #: [{spec, passed, detail}] of the last round
    check_rounds: int  #: how often the checks were run
    permission: Permission
    budget_microusd: int | None
    project_id: str | None
    parent_id: str | None  #: the execution whose agent submitted this one
    forked_from: str | None  #: the execution whose journal this one begins with
    forked_turn: int | None
    slot_id: str | None  #: the due time of a schedule that this one answers
    gate: str | None  #: a command that says, before a model is asked, whether there is anything to do
    fallback_model: str | None  #: takes over where the service turns the model away
    announce: bool  #: its result is worth a notification
    mcp_servers: tuple[str, ...] | None  #: names of the person's MCP servers whose tools it has
    sandbox_limits: Json | None  #: some fields of `sandboxes.Limits`; the rest are as they are by themselves
    source: str
    idempotency_key: str | None
    created_at: Millis
    started_at: Millis | None
    completed_at: Millis | None
    not_before: Millis | None
    worked_ms: int  #: working time of this attempt so far, over all its leases
    turn: int  #: complete answers of the model so far
    turns_from: int  #: turns that do not count any more, because somebody gave it a fresh allowance
    input_tokens: int
    output_tokens: int
    cost_microusd: int
    cost_known: bool  #: false once a model without a price has answered
    output: str | None
    error_cause: str | None
    error_message: str | None
    waiting_reason: str | None
    waiting_until: Millis | None
    waiting_question: str | None
    cancel_requested_at: Millis | None
    dismissed_at: Millis | None  #: somebody has put this dead letter aside
    epoch: int  #: raised by every lease; a stale owner's writes match no row
    owner: str | None
    lease_until: Millis | None
    resumed: tuple[Json, ...]  #: [{at: Millis, turn, reason}]
    beat_at: Millis | None  #: its last sign of life, as of the last renewal of its lease
    beat: str | None  #: what gave it: "model", the name of a tool, "output"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One lease of an execution: who worked on it, from when to when, and how it ended."""

    execution_id: str
    epoch: int
    attempt: int
    owner: str
    started_at: Millis
    ended_at: Millis | None
    ended_by: str | None  #: the state it left in, or "crashed"
    error: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An execution whose attempts are used up, with what a person needs to decide about it."""

    execution: Execution
    attempts: tuple[Attempt, ...]
    advice: str  #: what to try, by its cause


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the journal, as the Messages API takes it."""

    execution_id: str
    seq: int
    turn: int
    role: str
    content: list[Json]
    stop_reason: str | None
    usage: Json | None
    model: str | None
    at: Millis


@dataclass(frozen=True, slots=True)
class Compaction:
    """What is sent in place of the beginning of a conversation."""

    execution_id: str
    number: int  #: from 1; the latest counts
    covers: int  #: messages of the journal, from the first, that it stands for
    turn: int  #: answers of the model among them
    at_turn: int  #: answers that there were when it was made: what the service has counted until then is out of date
    kind: str  #: "service" (its own compaction) or "summary" (written by the model when asked)
    chain: bytes  #: checksum of the last message that it covers
    model: str | None  #: that made it; None where it was made without one
    at: Millis
    head: list[Json]  #: messages, ready to be sent
    words: tuple[str, ...]  #: the request, and whatever else a person has said in what is covered


@dataclass(frozen=True, slots=True)
class Said:
    """Something that a person has said to an agent at work."""

    id: str
    execution_id: str
    text: str
    by: str
    at: Millis
    heard_at: Millis | None  #: None until the agent has heard it
    turn: int | None  #: after which it did


@dataclass(frozen=True, slots=True)
class Progress:
    """What the agent has noted about its work; it outlives each compaction word for word."""

    constraints: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    next: str = ""
    updated_at: Millis | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call: its intent, and its receipt once it has one."""

    execution_id: str
    turn: int
    tool_use_id: str
    ordinal: int
    name: str
    input: Json
    effect: Effect
    notes: Json  #: what the tool wrote down before acting, to recognise its own effect later
    intent_at: Millis
    boot_id: str
    receipt_at: Millis | None
    is_error: bool
    result: list[Json] | None  #: content blocks of the tool result
    question_id: str | None

    @property
    def key(self) -> str:
        """Name this call once and for all: execution/turn/tool_use_id."""
        return f"{self.execution_id}/{self.turn}/{self.tool_use_id}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, written in the transaction that made it so."""

    seq: int
    at: Millis
    kind: str
    execution_id: str | None
    thread_id: str | None
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, with what is in it now."""

    name: str
    concurrency: int
    purpose: str
    queued: int
    running: int


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can answer. It waits for ever and is answered once."""

    id: str
    execution_id: str
    thread_id: str
    turn: int
    tool_use_id: str | None
    kind: str
    #: "ask_user" (the agent asks), "effect" (did this happen?), "stuck" or "repeating" (let it go on?), "approval" (may
    #: this call run?)
    text: str
    options: tuple[str, ...]
    detail: Json  #: the exact call, where the question is about one
    created_at: Millis
    status: str  #: open, answered, withdrawn
    answer: str | None
    answered_at: Millis | None
    answered_by: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person has allowed."""

    id: str
    scope: Scope
    execution_id: str | None  #: in which it was asked; None: it was given beforehand
    task_id: str | None  #: whose calls it covers; None: only those of the execution
    tool: str
    definition: str  #: hash of what the tool was then: one that has changed since is not what was allowed
    turn: int | None  #: of the one call that it is about, if it is about one
    tool_use_id: str | None
    input_hash: str | None  #: of the arguments that were shown: the call runs with no others
    input: Json | None  #: arguments that the person has put in their place
    command: str | None  #: of what runs anything: what it covers, or the words with which commands must begin
    is_prefix: bool
    question_id: str | None
    created_at: Millis
    created_by: str
    expires_at: Millis | None
    revoked_at: Millis | None
    revoked_by: str | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an execution will likely cost and take, by those before it."""

    executions: int  #: that it is drawn from
    cost_microusd: int  #: of half of them at most
    cost_most_microusd: int  #: of nine in ten at most
    duration_ms: int  #: likewise
    duration_most_ms: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A person's word that nothing is to begin for a while."""

    since: Millis
    until: Millis | None  #: None: until somebody says otherwise
    by: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the work or the engine that is not as it should be, or was not."""

    key: str  #: names it once and for all; it may come back
    kind: str
    execution_id: str | None  #: None where it is about the engine
    message: str
    advice: str  #: what to do about it
    since: Millis
    seen_at: Millis  #: when it was last seen to be so
    cleared_at: Millis | None  #: None while it is so


@dataclass(frozen=True, slots=True)
class QuestionDraft:
    """A question about to be asked."""

    text: str
    options: tuple[str, ...] = ()
    kind: str = "ask_user"
    tool_use_id: str | None = None
    detail: Json = field(default_factory=dict)
