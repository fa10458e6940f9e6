"""What must hold at every moment of a simulation, and what is looked at as it happens."""

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

from tests.crash.disk import soundness

from baara_engine import commands, events, queues, states
from baara_engine.engine import Engine
from baara_engine.records import Event, Execution, Json, Kind, UnknownEffect
from baara_engine.settle import CRASHED, STOPPED
from baara_engine.states import Status
from baara_engine.store import executions, journal, news
from baara_engine.store.transaction import View
from baara_engine.testing import legality

MS_PER_S = 1000
ALL = 1_000_000
ACTIVE = "status NOT IN ('completed', 'cancelled', 'dead_lettered')"
DEFECTS = "SELECT execution_id, error FROM attempt WHERE error LIKE '%Error: %'"  #: an exception that nobody expected
SAME_TRY = frozenset({CRASHED, STOPPED, Status.WAITING_FOR_INPUT, Status.RETRY_SCHEDULED})  #: ends that burn no attempt


class Broken(AssertionError):
    """An invariant does not hold."""


def require(truth: object, what: str) -> None:
    if not truth:
        raise Broken(what)


class Watcher:
    """Hears every event of a simulation, from the engine and from the people, and keeps the first thing wrong."""

    def __init__(self, people: Engine, late_s: float) -> None:
        self.people = people
        self.broken: str | None = None
        self.stopping = False  #: the engine is ordered to stop
        self.calm_since = 0  #: since when, on the wall clock, the engine works and no clock has jumped
        self.counts: Counter[str] = Counter()
        self._late_ms = round(late_s * MS_PER_S)
        self._due: dict[str, tuple[int, str]] = {}
        self._moved_by_clock: set[str] = set()  # whose times were shifted along with a clock that was set

    def heard(self, told: list[Event], *, by_engine: bool) -> None:
        """Look at what was committed. Called by the writer, so what is wrong is kept and not raised."""
        for event in told:
            if event.kind == events.Kind.STATUS and event.execution_id is not None:
                self._moved(event, event.execution_id, by_engine=by_engine)

    def clock_was_set(self, ms: int) -> None:
        """Let what waits for a length of time be moved along, as it is once the engine has noticed."""
        for execution_id, (due, reason) in self._due.items():
            if reason != "time":
                self._due[execution_id] = due + max(ms, 0), reason
                self._moved_by_clock.add(execution_id)

    def complain(self, what: str) -> None:
        """Keep what is wrong, if it is the first."""
        self.broken = self.broken or what

    def asked(self, _request: Json, problem: str | None) -> None:
        """Look at a request to the model."""
        self.counts["questions to the model"] += 1
        if problem is not None:
            self.complain(f"an illegal request: {problem}")

    def acted(self, key: str) -> None:
        """Look at an effect at the moment of its happening."""
        self.counts["effects"] += 1
        execution_id, turn, name = key.split("/")[:3]
        calls = self.people.store.read(lambda view: journal.calls(view, execution_id, int(turn)))
        if not any(call.tool_use_id == name and call.receipt_at is None for call in calls):
            self.complain(f"{key} happened without an intent")

    def _moved(self, event: Event, execution_id: str, *, by_engine: bool) -> None:
        before, after, queue = event.data["from"], event.data["to"], event.data["queue"]
        self.counts[f"to {after}"] += 1
        if by_engine and after == Status.ASSIGNED:
            self._claimed(queue)
        if by_engine and after == Status.QUEUED and before in states.LEASED and not self.stopping:
            self.complain(f"{execution_id}: its lease was left without being settled")
        if by_engine and after == Status.QUEUED and execution_id in self._due:
            self._rang(execution_id, event.at)
        self._due.pop(execution_id, None)
        self._moved_by_clock.discard(execution_id)
        if queue == queues.TIMER and event.data.get("until") is not None:
            self._due[execution_id] = event.data["until"], event.data["reason"]

    def _claimed(self, queue: str) -> None:
        allowed = self.people.store.read(news.concurrency)[queue]
        leased = self.people.store.read(lambda view: view.sql(executions.COUNT_LEASED, (queue,)))[0][0]
        if leased > allowed:
            self.complain(f"{leased} of {queue} are at work, and {allowed} may be")

    def _rang(self, execution_id: str, at: int) -> None:
        due, _ = self._due[execution_id]
        if at < due and execution_id not in self._moved_by_clock:
            self.complain(f"{execution_id}: its timer went off {due - at} ms early")
        elif at - max(due, self.calm_since) > self._late_ms:
            self.complain(f"{execution_id}: its timer went off {at - max(due, self.calm_since)} ms late")


def check_moment(view: View, owner: str | None, at_work: Json, *, calm: bool) -> None:
    """Check what can be seen of the present: nothing is stuck, and nobody has more than it may have.

    `owner` is the engine at work, if there is one, `at_work` the epochs that it works on by execution, and `calm` says
    that it has had the time to see everything.
    """
    allowed = news.concurrency(view)
    require(view.sql(DEFECTS) == [], f"a defect: {view.sql(DEFECTS)}")
    for one in map(executions.record, view.sql(f"{executions.SELECT} WHERE {ACTIVE}")):
        _check_somewhere(view, one)
        if one.status in states.LEASED and owner is not None:
            require(one.owner == owner, f"{one.id}: leased by the dead {one.owner}")
            require(not calm or at_work.get(one.id) == one.epoch, f"{one.id}: leased, and nobody works on it")
        if calm and one.status is Status.QUEUED and one.queue in queues.WORKING:
            leased = view.sql(executions.COUNT_LEASED, (one.queue,))[0][0]
            require(leased >= allowed[one.queue], f"{one.id}: stuck in {one.queue}, where there is room")


def _check_somewhere(view: View, one: Execution) -> None:
    """Check that something will move an execution that has not ended."""
    require(one.status not in {Status.CREATED, Status.FAILED, Status.TIMED_OUT}, f"{one.id}: stuck {one.status}")
    if one.queue == queues.TIMER and one.status is not Status.WAITING_FOR_INPUT:
        require(one.not_before is not None, f"{one.id}: in the timer queue without a time")
    if one.status is Status.WAITING_FOR_INPUT:
        is_open = view.sql("SELECT 1 FROM question WHERE id = ? AND status = 'open'", (one.waiting_question,))
        require(is_open, f"{one.id}: waits for no open question")
    require(one.attempt - one.allowance_from <= one.max_retries + 1, f"{one.id}: attempt {one.attempt} is too many")


def check_history(view: View, effects: Counter[str]) -> None:
    """Check everything that has happened so far."""
    soundness.check(view)
    known = {one.id: one for one in map(executions.record, view.sql(executions.SELECT))}
    _check_attempts(view)
    _check_effects(view, known, effects)
    for one in known.values():
        if one.kind is Kind.AGENT:
            _check_prefixes(view, one)


def _check_attempts(view: View) -> None:
    """Check that only a failure ends an attempt."""
    leases: dict[str, list[Any]] = defaultdict(list)
    for execution_id, *lease in view.sql("SELECT execution_id, attempt, ended_by FROM attempt ORDER BY epoch"):
        leases[execution_id].append(lease)
    for execution_id, each in leases.items():
        require(each[0][0] == 1, f"{execution_id}: its first attempt is {each[0][0]}")
        for (before, ended_by), (now, _) in pairwise(each):
            burnt = 0 if ended_by in SAME_TRY else 1
            require(now == before + burnt, f"{execution_id}: after attempt {before} ended by {ended_by} comes {now}")


def _check_effects(view: View, known: dict[str, Execution], effects: Counter[str]) -> None:
    """Check that nothing happened twice, but by the word of a person or of the policy."""
    again: dict[str, int] = Counter()
    for key, times in effects.items():
        require(times == 1, f"{key} happened {times} times")
        execution_id, turn, name, *_ = key.split("/")
        again[f"{execution_id}/{turn}/{name.partition('-again-')[0]}"] += 1
    for call, times in again.items():
        execution_id = call.partition("/")[0]
        wanted = view.sql(
            "SELECT 1 FROM question WHERE execution_id = ? AND answer = ?", (execution_id, commands.RUN_AGAIN)
        )
        by_policy = known[execution_id].unknown_effect is UnknownEffect.RERUN
        require(times == 1 or by_policy or wanted, f"{call} was repeated by itself")


def _check_prefixes(view: View, one: Execution) -> None:
    """Check that the conversation was a legal request whenever the model had to be asked."""
    talk: list[Json] = []
    for message in journal.messages(view, one.id)[0]:
        if talk and talk[-1]["role"] == message.role:
            talk[-1] = talk[-1] | {"content": talk[-1]["content"] + message.content}
        else:
            talk.append({"role": message.role, "content": message.content})
        if message.role == "user":
            problem = legality.problem({"model": "m", "max_tokens": 1, "messages": talk})
            require(problem is None, f"{one.id}: an illegal conversation at {message.seq}: {problem}")
