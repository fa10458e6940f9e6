"""Runs one leased execution from where its journal stands to the end of the lease."""

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from baara_engine import clock, commands, config, errors, gating, homes, live, resuming, sandboxes, settle, tools
from baara_engine.agent import (
    acting,
    approvals,
    budget,
    compacting,
    fallback,
    gate,
    loop,
    model,
    prompts,
    successors,
    windows,
)
from baara_engine.agent.habits import Habits
from baara_engine.checks import rounds
from baara_engine.errors import FailureKind
from baara_engine.health.vitals import Vitals
from baara_engine.journal import Conversation, Journal
from baara_engine.mcp_client import outside
from baara_engine.permission import calls as permitted
from baara_engine.records import Execution, Json, Kind
from baara_engine.sandboxes import asking
from baara_engine.schedules import parsing
from baara_engine.store import deaths, said
from baara_engine.store.store import Store

log = logging.getLogger(__name__)

MS_PER_S = 1000
NOTES = "note_progress"
CHECK = "baara_engine.tools.check"
COMMAND_GRACE_S = 5.0  # the sandbox ends a command at its limit and keeps its output; this is for when it does not


class Stopped(Exception):
    """The engine stops: leave the execution at the step that it has reached."""


@dataclass(slots=True)
class Lease:
    """One execution in the hands of this engine."""

    execution: Execution
    clock: clock.Clock
    stopping: bool = False  #: leave at the next step
    cancelled: bool = False  #: somebody called it off
    running: asyncio.Event = field(default_factory=asyncio.Event)  #: its journal is loaded, and it has begun
    begun: float = field(init=False)  #: seconds of the monotonic clock
    vitals: Vitals = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count the time."""
        self.begun = self.clock.monotonic()
        self.vitals = Vitals(self.clock)

    def pause(self) -> None:
        """Raise `Stopped` where the engine is stopping."""
        if self.stopping:
            raise Stopped

    @property
    def worked_ms(self) -> int:
        """Give the working time of this attempt so far."""
        return self.execution.worked_ms + round((self.clock.monotonic() - self.begun) * MS_PER_S)


class Runner:
    """Runs leased executions. It keeps no state between them."""

    def __init__(
        self, store: Store, home: Path, models: model.Models, sandbox: Callable[[str], sandboxes.Sandbox],
        settler: settle.Settler, gates: gate.Gates, context_tokens: Callable[[], int | None] = lambda: None,
        house: Callable[[Execution], tools.House] = lambda _execution: tools.NoHouse(),
        servers: outside.Outside | None = None, watched: live.Live | None = None,
    ) -> None:  # fmt: skip
        """Take what it works with; `context_tokens` gives the most of a conversation that is sent (`config.Config`)."""
        self._store = store
        self._home = home
        self._models = models
        self._sandbox = sandbox
        self._settle = settler
        self._gates = gates
        self._context_tokens = context_tokens
        self._house = house
        self._zone = ZoneInfo(parsing.local_zone())
        self._live = watched or live.Live()
        self._outside = servers or outside.Outside(store, lambda _name: None)

    async def run(self, lease: Lease) -> None:
        """Run it and settle the lease, whatever happens; a lease lost to somebody else is left alone.

        Where the store cannot be written, nothing can be settled: the worker takes the lease back once it can.
        """
        try:
            await self._run(lease)
        except errors.LeaseLost as error:
            log.info("left %s alone: %s", lease.execution.id, error)
        except (errors.StoreError, errors.StoreBusy) as error:
            log.error("left %s unsettled: %s", lease.execution.id, error)  # noqa: TRY400 - the sentence says it all
        finally:
            lease.running.set()

    async def _run(self, lease: Lease) -> None:
        execution = lease.execution
        try:
            lease.execution, talk = await resuming.begin(self._store, execution)
            execution = lease.execution
            lease.running.set()
            await self._work_in_time(lease, talk)
        except (Stopped, asyncio.CancelledError):
            await self._left(lease)
        except errors.JournalDamaged as error:
            await self._settle.failed(execution, settle.Failure(FailureKind.DAMAGED, error.message))
        except (errors.LeaseLost, errors.StoreError, errors.StoreBusy):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the execution must not be left without an owner
            await self._settle.failed(execution, _failure(error, execution))

    async def _left(self, lease: Lease) -> None:
        if lease.cancelled:
            await self._settle.cancelled(lease.execution)
        else:
            await self._settle.released(lease.execution, lease.worked_ms)

    async def _work_in_time(self, lease: Lease, talk: Conversation) -> None:
        execution = lease.execution
        try:
            async with asyncio.timeout(_remaining_s(execution)) as limit:
                await self._work(lease, talk)
        except TimeoutError:
            if not limit.expired():
                raise
            message = f"It used up its time ({execution.timeout_s:g} s)."
            await self._settle.failed(execution, settle.Failure(FailureKind.TIMED_OUT, message))

    async def _work(self, lease: Lease, talk: Conversation) -> None:
        execution = lease.execution
        limits = sandboxes.limits_of(execution.sandbox_limits)
        shell = asking.needs_shell(execution.kind, execution.gate, execution.checks) is not None
        lacking = await asking.lacking(self._sandbox(execution.sandbox), limits, needs_shell=shell)
        if lacking is not None:
            await self._settle.waiting(execution, [lacking], talk.turn, lease.worked_ms)
            return
        session = await self._open(execution, limits)
        try:
            if not await self._may_begin(lease, session):
                return
            if execution.kind is Kind.COMMAND:
                await self._run_command(lease, session)
            else:
                await self._run_agent(lease, session, talk)
        finally:
            await session.close()

    async def _may_begin(self, lease: Lease, session: sandboxes.Session) -> bool:
        """Ask the gate, if there is one, and settle the lease unless it is open; a person's word opens it."""
        if self._store.read(lambda view: said.is_any(view, lease.execution.id)):
            return True
        answer = await gating.Gate(self._store, lease.execution, session, lease.vitals).ask()
        if isinstance(answer, gating.Closed):
            await self._settle.nothing_to_do(lease.execution, answer.text)
        elif isinstance(answer, settle.Failure):
            await self._settle.failed(lease.execution, answer)
        return answer is None

    def _begin_step(self, execution: Execution) -> None:
        """Note that a step begins, without waiting for the disk: a death that is not counted does no harm."""
        self._store.write_soon(lambda tx: deaths.begin_step(tx, execution.id, execution.epoch))

    async def _run_agent(self, lease: Lease, session: sandboxes.Session, talk: Conversation) -> None:
        execution = lease.execution
        journal = Journal(self._store, execution)
        journal.refresh(talk)
        answering = await self._answering(execution)
        try:
            toolbox = tools.of_use(_tools(execution), session.languages) | await self._outside.offered(execution)
        except outside.Missing as missing:
            await self._settle.waiting(execution, [missing.question()], talk.turn, lease.worked_ms)
            return
        habits, problem = Habits(self._store, execution), _checker()
        words = approvals.Approvals(self._store, execution, toolbox, problem)
        house = self._house(execution)
        actor = acting.Actor(
            execution, journal, session, toolbox, problem, lease.pause, lease.vitals, habits, words, house
        )
        told = permitted.TOLD[execution.permission] + rounds.told(execution.checks)
        system = "\n\n".join(filter(None, [prompts.system(execution.workspace) + told, await house.instructions()]))
        checks = self._checks(lease, session)
        await checks.begin()
        window = windows.of(execution.model, self._context_tokens())
        compactor = compacting.Compactor(execution, journal, answering, window, system, actor.params)
        agent = loop.Agent(execution, journal, answering, actor, compactor, lease.pause, lease.vitals, self._live)
        self._begin_step(execution)
        await self._forget_received(execution, session, talk)
        while True:
            try:
                ending = await checks.settled(agent.work, talk, journal)
            except errors.ModelFailure as failure:
                if failure.kind is not FailureKind.MODEL:
                    raise
                ending = loop.Waiting([successors.question(execution.model, failure.message)])
            if isinstance(ending, loop.Waiting):
                await self._settle.waiting(execution, ending.questions, talk.turn, lease.worked_ms)
                return
            finished, verdict = ending
            with contextlib.suppress(settle.SpokenTo):  # it is heard first, and the work goes on
                await self._settle.completed(execution, finished.text, verdict)
                await checks.settle()
                return

    async def _answering(self, execution: Execution) -> model.Model:
        """Give what answers for an execution, within its limits, with another model behind it if it has one."""
        through = self._gates.through(await self._models.get(execution.model), execution)
        first = budget.Budgeted(through, self._store, execution, self._zone)
        if execution.fallback_model is None:
            return first
        name = execution.fallback_model

        async def other() -> model.Model:  # not through the gate: that is shut for the first
            return budget.Budgeted(await self._models.get(name), self._store, execution, self._zone)

        return fallback.WithFallback(first, name, other)

    async def _forget_received(self, execution: Execution, session: sandboxes.Session, talk: Conversation) -> None:
        """Let the sandbox forget calls whose results are in the journal: an engine may have died before it could."""
        for call in talk.calls.values():
            if call.receipt_at is not None:
                await session.settled(tools.key(execution.id, call.turn, call.tool_use_id))

    async def _run_command(self, lease: Lease, session: sandboxes.Session) -> None:
        execution = lease.execution
        checks = self._checks(lease, session)
        await checks.begin()
        self._begin_step(execution)
        ending = await commands.Command(self._store, execution, session, lease.vitals).run()
        if isinstance(ending, loop.Waiting):
            await self._settle.waiting(execution, ending.questions, execution.attempt, lease.worked_ms)
        elif isinstance(ending, settle.Failure):
            await self._settle.failed(execution, ending)
        else:
            await self._settle.completed(execution, ending.text, await checks.hold(ending.text))
            await checks.settle()

    def _checks(self, lease: Lease, session: sandboxes.Session) -> rounds.Rounds:
        return rounds.Rounds(self._store, lease.execution, session, lease.vitals, lease.pause)

    async def _open(self, execution: Execution, limits: sandboxes.Limits) -> sandboxes.Session:
        private = self._home / config.EXECUTIONS / execution.id
        homes.make_folder(private)
        try:
            homes.require_apart(self._home, execution.workspace)
            return await self._sandbox(execution.sandbox).open(Path(execution.workspace), private, limits)
        except errors.Refused as error:  # of a database that an earlier version has written
            raise errors.SandboxFailure(error.message) from error
        except OSError as error:
            homes.require_room(error, private)
            raise


def _tools(execution: Execution) -> tuple[str, ...]:
    """Name the tools of an execution. It may always note how far it is: that changes nothing but what it remembers."""
    allowed = execution.allowed_tools or tuple(tools.TABLE)
    return allowed if NOTES in allowed else (*allowed, NOTES)


def _checker() -> Callable[[tools.Tool, Json], str | None]:
    """Give the check of tool inputs. Its library is slow to import, so it is loaded when the first agent runs."""
    return cast("Callable[[tools.Tool, Json], str | None]", importlib.import_module(CHECK).problem)


def _remaining_s(execution: Execution) -> float | None:
    if execution.timeout_s is None:
        return None
    grace_s = COMMAND_GRACE_S if execution.kind is Kind.COMMAND else 0.0
    return max(execution.timeout_s - execution.worked_ms / MS_PER_S, 0.0) + grace_s


def _failure(error: Exception, execution: Execution) -> settle.Failure:
    if isinstance(error, errors.ModelFailure):
        asked = error.question if isinstance(error, budget.BudgetReached) else None
        return settle.Failure(error.kind, error.message, error.retry_after, question=asked)
    if isinstance(error, errors.SandboxFailure):
        return settle.Failure(FailureKind.SANDBOX, error.message)
    log.error("execution %s failed unexpectedly", execution.id, exc_info=error)
    return settle.Failure(FailureKind.INTERNAL, f"{type(error).__name__}: {error}")
