"""What must hold of a database whatever was done to it: the state that was acknowledged, and nothing half-done."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from baara_engine import queues, recovery, requests, states
from baara_engine.engine import Engine
from baara_engine.records import Event, Execution, Kind, Message, ToolCall
from baara_engine.states import Status
from baara_engine.store import executions, journal, migrations, news
from baara_engine.store.transaction import Row, View

ME = "this-boot/1/verifier"  #: recovery's own name; no process has it
EFFECTS = frozenset({"bash", "command"})  #: tools of the scenario that act outside
ALL = 10_000_000
INTEGRITY = "integrity_check"  #: what SQLite itself finds wrong

# Which writer committed which batch, and when a migration ran, are no facts about the person's work.
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('writer', 'migration') ORDER BY name"
POSTS = "SELECT execution_id, kind, count(*) FROM thread_message GROUP BY execution_id, kind"
LEASES = "SELECT execution_id, epoch, ended_at FROM attempt ORDER BY execution_id, epoch"
OPEN_QUESTIONS = "SELECT execution_id, id FROM question WHERE status = 'open'"


class Unsound(AssertionError):
    """Something is not as it must be."""


@dataclass(slots=True)
class Found:
    """Everything that a database says about one execution."""

    execution: Execution
    messages: list[Message]
    calls: list[ToolCall]
    events: list[Event]
    leases: list[Row]
    posts: dict[str, int]
    open_questions: list[str]


def digest(view: View) -> str:
    """Name everything that the database says."""
    state = hashlib.blake2b(digest_size=16)
    for (table,) in view.sql(TABLES):
        state.update(repr((table, view.sql(f"SELECT * FROM {table}"))).encode())
    return state.hexdigest()


def verify(home: Path, expected: Collection[str] = (), effects: Sequence[str] | None = None) -> str:
    """Open a home as the program does, check it, and let it go on; give the digest of what stood in it.

    `expected` are the digests that it may have (none given: any); `effects` the keys of the calls that have acted, if
    that is known.
    Raises `Unsound`, or whatever the store raises.
    """
    engine = Engine(home)
    try:
        found = engine.store.read(digest)
        _require(not expected or found in expected, "it is not in the state that was acknowledged")
        engine.store.read(lambda view: check(view, effects))
        go_on(engine)
        return found
    finally:
        engine.close()


def check(view: View, effects: Sequence[str] | None = None) -> None:
    """Check everything that must hold at every moment; with the keys of what has acted, these too."""
    _require(view.sql("PRAGMA integrity_check") == [("ok",)], INTEGRITY)
    _require(view.sql("PRAGMA foreign_key_check") == [], "foreign_key_check")
    steps = [(step.__name__,) for step in migrations.STEPS]
    _require(view.sql("SELECT name FROM migration ORDER BY name") == steps, "the migrations")
    everything = _everything(view)
    for found in everything:
        _check_state(found)
        _check_leases(found.execution, found.leases)
        _check_moves(found.execution, found.events)
        _check_journal(found)
    if effects is not None:
        _check_effects([call for found in everything for call in found.calls], effects)


def go_on(engine: Engine) -> None:
    """Take back what a dead owner held, submit something, and check again."""
    recovery.recover(engine.store, ME)
    _require(engine.store.read(executions.leased) == [], "recovery left something leased")
    submitted = engine.submit(requests.Submission(prompt="and then", idempotency_key="and then"))
    _require(engine.execution(submitted.id).status is Status.QUEUED, "what is submitted afterwards is not there")
    engine.store.read(check_after)


def check_after(view: View) -> None:
    """Check what going on may have broken."""
    _require(view.sql("PRAGMA integrity_check") == [("ok",)], "integrity_check, later")
    _require(view.sql("SELECT 1 FROM attempt WHERE ended_at IS NULL") == [], "a lease is open after recovery")


def _everything(view: View) -> list[Found]:
    events, leases, asked = defaultdict(list), defaultdict(list), defaultdict(list)
    posts: dict[str, dict[str, int]] = defaultdict(dict)
    for event in news.after(view, 0, limit=ALL):
        events[event.execution_id].append(event)
    for row in view.sql(LEASES):
        leases[row[0]].append(row[1:])
    for execution_id, kind, count in view.sql(POSTS):
        posts[execution_id][kind] = count
    for execution_id, question_id in view.sql(OPEN_QUESTIONS):
        asked[execution_id].append(question_id)
    return [
        Found(
            one, journal.messages(view, one.id)[0], journal.calls(view, one.id), events[one.id], leases[one.id],
            posts[one.id], asked[one.id],
        )
        for one in map(executions.record, view.sql(executions.SELECT))
    ]  # fmt: skip


def _check_state(found: Found) -> None:
    execution, posts = found.execution, found.posts
    ended = execution.status in states.ENDED
    _require((execution.completed_at is not None) == ended, f"{execution.id}: the time of its end")
    _require((execution.outcome is not None) == ended, f"{execution.id}: its outcome")
    if execution.status is Status.WAITING_FOR_INPUT:
        _require(execution.waiting_question in found.open_questions, f"{execution.id}: it waits for no open question")
    if execution.status is Status.RETRY_SCHEDULED:
        _require(execution.queue == queues.TIMER and execution.not_before is not None, f"{execution.id}: its timer")
    _require(posts["prompt"] == 1, f"{execution.id}: its prompt in its thread")
    _require(posts.get("result", 0) == (execution.status is Status.COMPLETED), f"{execution.id}: its result there")


def _check_leases(execution: Execution, leases: list[Row]) -> None:
    leased = execution.status in states.LEASED
    _require((execution.owner is not None) == leased, f"{execution.id}: its owner")
    _require((execution.lease_until is not None) == leased, f"{execution.id}: its lease")
    epochs = [epoch for epoch, _ in leases]
    _require(epochs == list(range(1, execution.epoch + 1)), f"{execution.id}: its leases are {leases}")
    still_open = [epoch for epoch, ended_at in leases if ended_at is None]
    _require(still_open == ([execution.epoch] if leased else []), f"{execution.id}: open leases {still_open}")
    _require(execution.attempt <= execution.epoch, f"{execution.id}: more attempts than leases")


def _check_moves(execution: Execution, events: list[Event]) -> None:
    """Follow the states through the events: each move is legal, and they end where the execution stands."""
    at: str | None = None
    for event in events:
        if event.kind == "status":
            before, after = event.data["from"], event.data["to"]
            _require(before == at, f"{execution.id}: it went from {before} and was {at}")
            legal = before is None or before == after or states.may_move(Status(before), Status(after))
            _require(legal, f"{execution.id}: it went from {before} to {after}")
            at = after
    _require(at == execution.status, f"{execution.id}: its events end at {at}")


def _check_journal(found: Found) -> None:
    execution, messages, calls = found.execution, found.messages, found.calls
    answers = [message.turn for message in messages if message.role == "assistant"]
    _require(answers == list(range(1, execution.turn + 1)), f"{execution.id}: answers {answers}")
    roles = "".join(message.role[0] for message in messages)
    _require(roles[:1] in {"", "u"} and set(roles) <= {"u", "a"}, f"{execution.id}: roles {roles}")
    for call in calls:
        _require((call.receipt_at is None) == (call.result is None), f"{call.key}: half a receipt")
    if execution.kind is Kind.AGENT:
        given = {block.get("tool_use_id") for message in messages for block in message.content}
        for turn in answers[:-1]:
            missing = [call.key for call in calls if call.turn == turn and call.tool_use_id not in given]
            _require(not missing, f"{execution.id}: the model went on without {missing}")


def _check_effects(calls: list[ToolCall], effects: Sequence[str]) -> None:
    """Check that what acted had its intent before, and acted once; and that what has a receipt has acted."""
    intents = Counter(call.key for call in calls)
    _require(all(times == 1 for times in intents.values()), "a call is there twice")
    _require(all(times == 1 for times in Counter(effects).values()), f"an effect happened twice: {effects}")
    _require(set(effects) <= set(intents), "an effect happened without its intent")
    received = {call.key for call in calls if call.name in EFFECTS and call.receipt_at is not None}
    _require(received <= set(effects), "there is a receipt for what never happened")


def _require(truth: bool, what: str) -> None:  # noqa: FBT001 - it is what assert takes
    if not truth:
        raise Unsound(what)
