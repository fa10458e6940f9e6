"""Running the tool calls of one answer: each with its intent before and its receipt after.

Calls that only read run together; the others one after another in the model's order, because it may rely on it. A call
that a crash has left without a receipt is taken up by its effect class (DESIGN: the table of recovery).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby

from baara_engine import errors, owner, sandboxes, tools, watch
from baara_engine.agent import approvals, windows
from baara_engine.agent.habits import Habits
from baara_engine.health import vitals
from baara_engine.health.vitals import Vitals
from baara_engine.journal import Conversation, Journal
from baara_engine.permission import calls as permitted
from baara_engine.records import Effect, Execution, Json, QuestionDraft, ToolCall, UnknownEffect

UNKNOWN = (
    "The program was interrupted while this call ran, so whether it took effect is unknown. It was not repeated. "
    "Find out first what it did, and only then decide whether to run it again."
)
CUT_SHORT = "A person has ended this call."
ASKING = "ask_user"  #: questions that follow one another are asked together
DELEGATING = "submit_task"  #: sub-tasks that follow one another work side by side
ASK_EFFECT = "Did this happen? Baara was interrupted while the call ran and does not repeat it by itself."
EFFECT_OPTIONS = ("It happened", "It did not happen")


@dataclass(frozen=True, slots=True)
class Actor:
    """Runs tool calls for one execution."""

    execution: Execution
    journal: Journal
    session: sandboxes.Session
    toolbox: dict[str, tools.Tool]
    problem: Callable[[tools.Tool, Json], str | None]  #: what is wrong with an input (`tools.check.problem`)
    pause: Callable[[], None]  #: called between calls; raises to stop there
    vitals: Vitals
    habits: Habits
    approvals: approvals.Approvals
    house: tools.House = field(default_factory=tools.NoHouse)

    @property
    def params(self) -> list[Json]:
        """Describe the tools to the model."""
        return [tool.param() for tool in self.toolbox.values()]

    async def act(self, talk: Conversation) -> list[QuestionDraft] | None:
        """Run the calls of the last answer that have no receipt; give None once all of them have one.

        Otherwise give the questions to be asked; the list is empty where all of them were asked before.
        """
        drafts: list[QuestionDraft] = []
        for together in self._in_groups(talk):
            if not self._may_follow(talk, together, asked=bool(drafts)):
                break
            self.pause()
            before = self._questions_before(talk, together)
            if before is not None:
                drafts += before
                break
            done = await watch.together(*(self._one(talk, ordinal, block) for ordinal, block in together))
            drafts += [draft for draft in done if draft is not None]
            self.journal.refresh(talk)
            await self.habits.note(talk)
        return drafts if talk.open_blocks else None

    def _may_follow(self, talk: Conversation, together: list[tuple[int, Json]], *, asked: bool) -> bool:
        """Say whether these calls may begin: what follows a question or a sub-task may depend on what comes of it."""
        names = {block["name"] for _, block in together}
        if asked:
            return names <= {ASKING}
        awaits = any(block["name"] == DELEGATING and block["id"] in talk.calls for block in talk.open_blocks)
        return not awaits or names <= {ASKING, DELEGATING}

    def _questions_before(self, talk: Conversation, together: list[tuple[int, Json]]) -> list[QuestionDraft] | None:
        """Give the questions that come before these calls; None if they may run.

        What had begun before, or asks by itself, has none. Where one needs approval, all of the turn are asked about.
        """
        fresh = [block for _, block in together if block["id"] not in talk.calls and block["name"] != ASKING]
        for block in fresh:
            worry = self.habits.worry(block, talk.turn)
            if worry is not None:
                return [worry]
        if not any(self.approvals.is_missing(talk.turn, block) for block in fresh):
            return None
        return self.approvals.questions(talk.turn, [one for one in talk.open_blocks if one["id"] not in talk.calls])

    def _in_groups(self, talk: Conversation) -> list[list[tuple[int, Json]]]:
        """Split the open calls into runs of reads, which may go together, and single others."""
        still_open = [(ordinal, block) for ordinal, block in enumerate(talk.blocks) if block in talk.open_blocks]
        groups: list[list[tuple[int, Json]]] = []
        for reads, calls in groupby(still_open, lambda call: self._only_reads(call[1])):
            group = list(calls)
            groups += [group] if reads else [[call] for call in group]
        return groups

    def _only_reads(self, block: Json) -> bool:
        tool = self.toolbox.get(block["name"])
        return tool is None or tool.effect is Effect.READ

    async def _one(self, talk: Conversation, ordinal: int, block: Json) -> QuestionDraft | None:
        """Run one call and write its receipt, or give the question whose answer will be its result."""
        known = talk.calls.get(block["id"])
        if known is not None and known.question_id is not None:
            return None  # asked before and not answered yet
        runs = self._as_it_runs(talk, block)
        tool, why = self._allowed(block, runs)
        if tool is None or runs is None:
            await self._refuse(talk, ordinal, block, why, known)
            return None
        key = tools.key(self.execution.id, talk.turn, block["id"])
        call = tools.Call(key, runs["input"], self.session, known.notes if known else {}, house=self.house)
        outcome: tools.ToolOutcome | None
        if known is None:
            outcome = await self._first(talk, ordinal, runs, tool, call)
        else:
            outcome = await self._again(tool, call, known)
        if isinstance(outcome, tools.Done) and runs != block:
            outcome = replace(outcome, text=approvals.changed(runs["input"]) + outcome.text)
        return None if outcome is None else await self._note(talk, block, call, outcome)

    def _as_it_runs(self, talk: Conversation, block: Json) -> Json | None:
        """Give a call with the arguments that it has begun with, or may begin with; None if it may not."""
        known = talk.calls.get(block["id"])
        return self.approvals.approved(talk.turn, block) if known is None else block | {"input": known.input}

    async def _refuse(self, talk: Conversation, ordinal: int, block: Json, why: str, known: ToolCall | None) -> None:
        """Answer a call without running it; it may have an intent from before its tool or schema changed."""
        if known is None:
            await self.journal.reject(talk.turn, ordinal, block, why, calls=len(talk.blocks))
        else:
            await self.journal.receive(talk.turn, block, tools.Done(why, is_error=True), calls=len(talk.blocks))

    def _allowed(self, block: Json, runs: Json | None) -> tuple[tools.Tool | None, str]:
        """Give the tool of a call as it runs, or say why it does not."""
        tool = self.toolbox.get(block["name"])
        if tool is None:
            return None, f"There is no tool “{block['name']}”. There are: {', '.join(self.toolbox)}."
        if permitted.is_locked(self.execution, tool):
            return None, permitted.LOCKED.format(name=tool.name)
        problem = self.problem(tool, (runs or block)["input"])
        if problem is not None:
            return None, f"Not run, because its input does not fit: {problem}"
        return (tool, "") if runs is not None else (None, approvals.NOT_APPROVED)

    async def _first(
        self, talk: Conversation, ordinal: int, block: Json, tool: tools.Tool, call: tools.Call
    ) -> tools.ToolOutcome | None:
        """Write down the intent and run a call; None for one that cannot even be prepared, and has its receipt.

        An intent always has the notes that recovery goes by.
        """
        try:
            notes = await tool.prepare(call)
        except (errors.InvalidInput, errors.Refused) as error:
            await self.journal.reject(talk.turn, ordinal, block, error.message, calls=len(talk.blocks))
            return None
        await self.journal.intend(talk.turn, ordinal, block, tool, notes)
        return await self._run(tool, replace(call, notes=notes))

    async def _again(self, tool: tools.Tool, call: tools.Call, known: ToolCall) -> tools.ToolOutcome:
        """Take up a call that has an intent and no receipt."""
        if known.effect is not Effect.UNSAFE:
            return await self._run(tool, call)
        recalled = await tool.recall(call, known.boot_id == owner.boot_id())
        if isinstance(recalled, tools.Done):
            return recalled
        if isinstance(recalled, sandboxes.NotBegun):
            return await self._run(tool, call)
        return await self._unknown(tool, call)

    async def _unknown(self, tool: tools.Tool, call: tools.Call) -> tools.ToolOutcome:
        policy = self.execution.unknown_effect
        match tool.unknown if policy is UnknownEffect.BY_TOOL else policy:
            case UnknownEffect.TELL:
                return tools.Done(UNKNOWN, is_error=True)
            case UnknownEffect.RERUN:
                return await self._run(tool, replace(call, key=f"{call.key}/again-{self.execution.epoch}"))
            case _:
                detail = {"tool": tool.name, "input": call.input}
                return tools.Ask(QuestionDraft(ASK_EFFECT, EFFECT_OPTIONS, "effect", detail=detail))

    async def _note(
        self, talk: Conversation, block: Json, call: tools.Call, outcome: tools.ToolOutcome
    ) -> QuestionDraft | None:
        if isinstance(outcome, tools.Ask):
            return replace(outcome.question, tool_use_id=block["id"])
        if isinstance(outcome, tools.Awaited):
            return None  # whatever it waits for writes the receipt
        seen = outcome if windows.of(self.execution.model).sees else outcome.unseen()
        await self.journal.receive(talk.turn, block, seen, calls=len(talk.blocks))
        await self.session.settled(call.key)
        return None

    async def _run(self, tool: tools.Tool, call: tools.Call) -> tools.ToolOutcome:
        """Run a tool; what the model can mend becomes an error result."""
        turn, tool_use_id = call.key.split("/")[1:3]
        try:
            async with self.vitals.step(tool.name, int(turn), tool_use_id) as step:
                return await tool.run(replace(call, on_output=step.beat))
        except vitals.CutShort:
            return tools.Done(CUT_SHORT, is_error=True)  # what a person has said stands in the journal already
        except tools.OutcomeHidden:
            return await self._unknown(tool, call)
        except (errors.InvalidInput, errors.Refused) as error:
            return tools.Done(error.message, is_error=True)
