"""The gate: a command that says, before anything is spent, whether there is anything to do.

It runs in the execution's own sandbox and workspace. Exit status 0: go on. `NOTHING_TO_DO`: there is nothing to do,
which is a result of its own. Any other status is a failure of the attempt. It runs once for each attempt, and not at
all where an agent has begun already; one that a crash has ended half-way runs again, because a gate only looks.
"""

from dataclasses import asdict, dataclass

from baara_engine import owner, sandboxes, settle
from baara_engine.errors import FailureKind
from baara_engine.health import vitals
from baara_engine.health.vitals import Vitals
from baara_engine.records import Execution, Kind
from baara_engine.schedules.records import GateRun
from baara_engine.store import executions, gates
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

NOTHING_TO_DO = 77  # by which test programs have said "skipped" for decades; shells and tools use it for nothing else
LONGEST_S = 300.0  # a look that takes longer is work


@dataclass(frozen=True, slots=True)
class Closed:
    """There is nothing to do."""

    text: str  #: what the gate has said


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of one execution."""

    store: Store
    execution: Execution
    session: sandboxes.Session
    vitals: Vitals

    async def ask(self) -> Closed | settle.Failure | None:
        """Run the gate, or find out what it has said; None: go on. Raises `errors.LeaseLost`."""
        if self.execution.gate is None or (self.execution.kind is Kind.AGENT and self.execution.turn > 0):
            return None
        known = self.store.read(lambda view: gates.of(view, self.execution.id, self.execution.attempt))
        result = await self._run() if known is None else await self._known(known)
        return _verdict(result)

    async def _known(self, known: GateRun) -> sandboxes.CommandResult:
        if known.result is not None:
            return sandboxes.CommandResult(**known.result)
        earlier = await self.session.earlier(known.key, same_boot=known.boot_id == owner.boot_id())
        if isinstance(earlier, sandboxes.CommandResult) and not earlier.interrupted:
            return await self._ended(known.key, earlier)
        return await self._run()

    async def _run(self) -> sandboxes.CommandResult:
        """Run it under a key of this lease: an earlier one may have been begun under its own."""
        execution = self.execution
        key = f"{execution.id}/{execution.attempt}/gate-{execution.epoch}"

        def work(tx: Tx) -> None:
            executions.require_owner(tx, execution.id, execution.epoch)
            gates.begin(tx, execution.id, execution.attempt, key)

        await self.store.awrite(work)
        wall_s = min(execution.timeout_s or LONGEST_S, LONGEST_S)
        async with self.vitals.step(vitals.COMMAND, execution.attempt) as step:
            result = await self.session.run(str(execution.gate), key=key, wall_s=wall_s, on_output=step.beat)
        return await self._ended(key, result)

    async def _ended(self, key: str, result: sandboxes.CommandResult) -> sandboxes.CommandResult:
        execution = self.execution

        def work(tx: Tx) -> None:
            executions.require_owner(tx, execution.id, execution.epoch)
            gates.end(tx, execution.id, execution.attempt, asdict(result))

        await self.store.awrite(work)
        await self.session.settled(key)
        return result


def _verdict(result: sandboxes.CommandResult) -> Closed | settle.Failure | None:
    if result.timed_out:
        message = f"Its gate used up its time ({result.duration_ms / 1000:.1f} s) and was ended."
        return settle.Failure(FailureKind.TIMED_OUT, message, output=result.output)
    if result.exit_code == NOTHING_TO_DO:
        return Closed(result.output)
    if result.exit_code != 0:
        message = (
            f"Its gate ended with exit status {result.exit_code}; 0 means go on, {NOTHING_TO_DO} that there is nothing "
            "to do."
        )
        return settle.Failure(FailureKind.COMMAND, message, output=result.output)
    return None
