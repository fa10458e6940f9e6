"""The health monitor: looks at what is at work and at the engine, and tells. It never ends or repeats anything itself.

It looks every quarter of a minute, and every second while somebody is asked about a step that is silent. It measures by
the monotonic clock, so time that the computer slept counts for nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from baara_engine import errors, resuming
from baara_engine.health import asking, vitals
from baara_engine.health.machine import Machine, Problem
from baara_engine.health.vitals import Step, Vitals
from baara_engine.records import Execution, Kind
from baara_engine.store import executions, findings, journal, questions, threads
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

log = logging.getLogger(__name__)

MS_PER_S = 1000
SWEEP_S = 15.0  # between two looks: the shortest time that is found too long is a minute
ASKING_S = 1.0  # between two looks while an answer may come: a person waits for it to take effect
MACHINE_S = 60.0  # between two looks at the engine itself
MONITOR = "monitor"  # kind of the finding that this here has failed


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a step may take, in seconds, before something is said."""

    slow: float  #: to its end
    silent: float  #: without a sign of life
    stuck: float  #: likewise, before a person is asked


# By what the step is; the others are tools that take seconds.
PATIENCE: Mapping[str, Patience] = {
    # Five minutes of writing are a long answer. The client gives up on silence after 90 s, before the first word after
    # 300 s; what is still silent then is kept open by a service that only says that it is there.
    vitals.MODEL: Patience(slow=300.0, silent=330.0, stuck=600.0),
    # Ten minutes are what a command gets that names no limit. Builds and downloads are silent for minutes.
    "bash": Patience(slow=600.0, silent=300.0, stuck=1800.0),
    # A person's own command may run for hours, and may say nothing for a good part of one.
    vitals.COMMAND: Patience(slow=3600.0, silent=600.0, stuck=3600.0),
    # Half an hour is what the command of a check gets; a test suite may be silent for a good part of it.
    vitals.CHECK: Patience(slow=600.0, silent=300.0, stuck=900.0),
}
TOOL = Patience(slow=60.0, silent=60.0, stuck=300.0)

ADVICE = {
    findings.SLOW: "It goes on. Look at what it does, if it goes on for long.",
    findings.SILENT: "It goes on. If it stays silent, you are asked.",
    findings.STUCK: "Answer its question: baara questions list",
}


class Held(Protocol):
    """A lease, as far as it matters here."""

    execution: Execution
    vitals: Vitals


class Monitor:
    """Watches over one engine and what it works on."""

    def __init__(self, store: Store, machine: Machine, held: Callable[[], Sequence[Held]]) -> None:
        """Take what gives the leases of now."""
        self._store = store
        self._machine = machine
        self._held = held
        self._told: dict[str, str] = {}  #: what was found about the engine: kind → message
        self._failed: str | None = None  #: why the last look failed
        self._looked = store.clock.monotonic()  #: when the engine itself was looked at

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        forget = self._store.listen_for_trouble(self._machine.store_failed)
        try:
            while True:
                is_asking = any(step.question_id for held in self._held() for step in held.vitals.steps)
                await asyncio.sleep(ASKING_S if is_asking else SWEEP_S)
                await self.look()
        finally:
            forget()

    async def look(self) -> None:
        """Look once; whatever goes wrong with it is told, and ends nothing."""
        try:
            for held in self._held():
                await self._look_at(held)
            if self._machine.has_news() or self._store.clock.monotonic() - self._looked >= MACHINE_S:
                await self.look_at_machine()
            self._failed = None
        except Exception as error:  # noqa: BLE001 - a defect in here must not end the engine, nor be kept quiet
            self._fail(f"{type(error).__name__}: {error}")

    async def look_at_machine(self) -> None:
        """Look at the engine itself. Raises `errors.StoreError`, and OSError."""
        self._looked = self._store.clock.monotonic()
        problems = await asyncio.to_thread(self._machine.problems)
        if self._failed is not None:
            advice = "Please report this. The work is not touched by it."
            problems.append(Problem(MONITOR, f"The health monitor has failed: {self._failed}", advice))
        now = {problem.kind: problem.message for problem in problems}
        noted = {one.key for one in self._store.read(findings.listing) if one.execution_id is None}
        if now == self._told and noted == set(now):
            return

        def work(tx: Tx) -> None:
            for problem in problems:
                findings.found(tx, problem.kind, problem.message, problem.advice)
            for key in noted - set(now):
                findings.clear(tx, key)

        await self._store.awrite(work)
        self._told = now

    async def _look_at(self, held: Held) -> None:
        found = assess(held.vitals, held.execution.name)
        try:
            await self._tell(held, found)
            for step in list(held.vitals.steps):
                await self._hear(held, step)
                await self._ask(held, step)
        except errors.LeaseLost:
            return  # it has ended while it was looked at, and with it all that there was to tell

    async def _tell(self, held: Held, found: dict[str, str]) -> None:
        """Write down what is new, and what is over."""
        known = held.vitals.told
        if set(found) == set(known):
            return
        execution = held.execution

        def work(tx: Tx) -> None:
            executions.require_owner(tx, execution.id, execution.epoch)
            for kind in found.keys() - known.keys():
                findings.found(tx, kind, found[kind], ADVICE[kind], execution.id)
            for kind in known.keys() - found.keys():
                findings.clear(tx, findings.key_of(kind, execution.id))

        await self._store.awrite(work)
        held.vitals.told = found

    async def _hear(self, held: Held, step: Step) -> None:
        """See what has become of the question about a step: a sign of life withdraws it."""
        if step.question_id is None:
            return
        question_id = step.question_id
        question = self._store.read(lambda view: questions.get(view, question_id))
        if question.status == "open" and _silence(step, held.vitals) <= patience(step).stuck:
            await self._store.awrite(lambda tx: questions.withdraw(tx, held.execution, kind=questions.STUCK))
        elif question.status == "open":
            return
        step.question_id = None
        if (
            question.answer == asking.KEEP_WAITING
        ):  # for as long again as it has been silent, so that nobody is pestered
            step.patient_until = held.vitals.clock.monotonic() + _silence(step, held.vitals)
        elif question.answer not in {None, asking.CANCEL}:
            step.cut_short()

    async def _ask(self, held: Held, step: Step) -> None:
        """Ask a person about a step that has been silent for too long, once."""
        silence = _silence(step, held.vitals)
        is_patient = held.vitals.clock.monotonic() < step.patient_until
        if step.question_id is not None or is_patient or silence <= patience(step).stuck:
            return
        question_id = self._store.ids.new()
        if await self._store.awrite(lambda tx: self._post(tx, held.execution, step, question_id, silence)):
            step.question_id = question_id

    def _post(self, tx: Tx, execution: Execution, step: Step, question_id: str, silence: float) -> bool:
        """Put the question, unless the step has come to its end meanwhile."""
        executions.require_owner(tx, execution.id, execution.epoch)
        detail = _asked(tx, execution, step)
        if detail is None:
            return False
        draft = asking.stuck(step, _duration(silence), detail)
        questions.ask(tx, question_id, execution, step.turn, draft)
        threads.post(
            tx, self._store.ids.new(), execution.thread_id, kind="question", body=draft.text,
            execution_id=execution.id, key=f"question/{question_id}",
        )  # fmt: skip
        return True

    def _fail(self, why: str) -> None:
        if why != self._failed:
            log.error("the health monitor could not look: %s", why)
        self._failed = why


def assess(signs: Vitals, name: str) -> dict[str, str]:
    """Say what is the matter with the steps of a lease: by kind of finding, in a sentence."""
    found: dict[str, str] = {}
    for step in signs.steps:
        who, allowed = f"“{name}”: {asking.about(step.what)}", patience(step)
        age, silence = signs.clock.monotonic() - step.begun, _silence(step, signs)
        if age > allowed.slow:
            found[findings.SLOW] = f"{who} has been at work for more than {_duration(allowed.slow)}."
        if silence > allowed.silent:
            found[findings.SILENT] = f"{who} has given no sign of life for more than {_duration(allowed.silent)}."
        if silence > allowed.stuck:
            found[findings.STUCK] = f"{who} has given no sign of life for more than {_duration(allowed.stuck)}."
    return found


def patience(step: Step) -> Patience:
    """Say how long a step may take."""
    return PATIENCE.get(step.what, TOOL)


def _silence(step: Step, signs: Vitals) -> float:
    return signs.clock.monotonic() - step.heard


def _duration(seconds: float) -> str:
    return resuming.duration(round(seconds * MS_PER_S))


def _asked(tx: Tx, execution: Execution, step: Step) -> dict[str, object] | None:
    """Give what a person needs to know of a step, None if it has come to its end."""
    if step.what == vitals.MODEL:
        is_open = journal.last_role(tx, execution.id) == "user"
        return {"model": execution.model, "turn": step.turn} if is_open else None
    if step.what == vitals.CHECK:
        return {"checks": list(execution.checks)}
    calls = journal.calls(tx, execution.id, step.turn)
    call = next((one for one in calls if one.tool_use_id == step.tool_use_id and one.receipt_at is None), None)
    if call is None:
        return None
    return call.input if execution.kind is Kind.COMMAND else {"tool": call.name, "input": call.input}
