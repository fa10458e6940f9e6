"""Executions of kind `command`: a shell command without a model, journaled like a tool call.

Each attempt is one call of effect class unsafe. A crash between its intent and its receipt is settled by what the
sandbox remembers; where it cannot tell, or where the crash has ended the command half-way, a person is asked.
"""

from dataclasses import asdict, dataclass

from baara_engine import errors, owner, sandboxes, settle
from baara_engine.agent.loop import Finished, Waiting
from baara_engine.errors import FailureKind
from baara_engine.health import vitals
from baara_engine.health.vitals import Vitals
from baara_engine.records import Effect, Execution, Json, QuestionDraft, ToolCall, UnknownEffect
from baara_engine.store import executions, journal
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

TOOL_USE_ID = "command"

RUN_AGAIN, IT_IS_DONE, GIVE_UP = "Run it again", "It is done", "Give up"
QUESTION = (
    "Baara was interrupted while this command ran, and it may have been done in part. "
    "It is not repeated by itself. How is it to go on?"
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command at work."""

    store: Store
    execution: Execution
    session: sandboxes.Session
    vitals: Vitals

    async def run(self) -> Finished | Waiting | settle.Failure:
        """Run the command, or find out what became of it."""
        known = self._known()
        if known is None:
            return await self._first()
        if known.receipt_at is None:
            return await self._again(known)
        return await self._by_receipt(known)

    def _known(self) -> ToolCall | None:
        found = self.store.read(lambda view: journal.calls(view, self.execution.id, self.execution.attempt))
        return found[-1] if found else None

    async def _first(self) -> Finished | Waiting | settle.Failure:
        await self._intend(TOOL_USE_ID, 0)
        return await self._run_now(TOOL_USE_ID)

    async def _again(self, known: ToolCall) -> Finished | Waiting | settle.Failure:
        if known.question_id is not None:
            return Waiting([])
        same_boot = known.boot_id == owner.boot_id()
        earlier = await self.session.earlier(known.key, same_boot=same_boot)
        if isinstance(earlier, sandboxes.NotBegun):
            return await self._run_now(known.tool_use_id)
        if isinstance(earlier, sandboxes.CommandResult) and not earlier.interrupted:
            return await self._ended(known.tool_use_id, earlier)
        if self.execution.unknown_effect is UnknownEffect.RERUN:
            return await self._repeat(known)
        detail = {"command": self.execution.prompt, "workspace": self.execution.workspace}
        options = (RUN_AGAIN, IT_IS_DONE, GIVE_UP)
        return Waiting([QuestionDraft(QUESTION, options, "effect", known.tool_use_id, detail)])

    async def _by_receipt(self, known: ToolCall) -> Finished | Waiting | settle.Failure:
        """Go on from a receipt: the command's own result, or a person's answer in its place."""
        [content] = known.result or [{}]
        if content.get("type") == "command":
            return _ending(_result(content))
        answer = content.get("text", "")
        if answer == RUN_AGAIN:
            return await self._repeat(known)
        if answer == IT_IS_DONE:
            return Finished("Taken as done by a person's word.")
        return settle.Failure(FailureKind.REQUEST, "It was interrupted, and a person gave it up.")

    async def _repeat(self, known: ToolCall) -> Finished | Waiting | settle.Failure:
        name = f"{TOOL_USE_ID}-again-{self.execution.epoch}"
        await self._intend(name, known.ordinal + 1)
        return await self._run_now(name)

    async def _run_now(self, tool_use_id: str) -> Finished | settle.Failure:
        key = f"{self.execution.id}/{self.execution.attempt}/{tool_use_id}"
        async with self.vitals.step(vitals.COMMAND, self.execution.attempt, tool_use_id) as step:
            result = await self.session.run(
                self.execution.prompt, key=key, wall_s=self.execution.timeout_s, on_output=step.beat
            )
        return await self._ended(tool_use_id, result)

    async def _intend(self, tool_use_id: str, ordinal: int) -> None:
        block = {"id": tool_use_id, "name": "command", "input": {"command": self.execution.prompt}}

        def work(tx: Tx) -> None:
            executions.require_owner(tx, self.execution.id, self.execution.epoch)
            journal.intend(tx, self.execution.id, self.execution.attempt, ordinal, block, Effect.UNSAFE, {})

        await self.store.awrite(work)

    async def _ended(self, tool_use_id: str, result: sandboxes.CommandResult) -> Finished | settle.Failure:
        content: Json = {"type": "command", **asdict(result)}
        execution = self.execution

        def work(tx: Tx) -> None:
            executions.require_owner(tx, execution.id, execution.epoch)
            failed = result.exit_code != 0
            journal.receive(tx, execution.id, execution.attempt, tool_use_id, [content], is_error=failed)

        await self.store.awrite(work)
        await self.session.settled(f"{execution.id}/{execution.attempt}/{tool_use_id}")
        return _ending(result)


def _result(content: Json) -> sandboxes.CommandResult:
    fields = {name: value for name, value in content.items() if name != "type"}
    try:
        return sandboxes.CommandResult(**fields)
    except TypeError as error:
        raise errors.JournalDamaged("A command's receipt is not what was written.") from error


def _ending(result: sandboxes.CommandResult) -> Finished | settle.Failure:
    if result.timed_out:
        message = f"The command used up its time ({result.duration_ms / 1000:.1f} s) and was ended."
        return settle.Failure(FailureKind.TIMED_OUT, message, output=result.output)
    if result.exit_code != 0:
        message = f"The command ended with exit status {result.exit_code}."
        return settle.Failure(FailureKind.COMMAND, message, output=result.output)
    return Finished(result.output)
