"""Running the tool calls of one answer: each with its intent before and its receipt after.

Calls that only read run together; the others one after another in the model's order, because it may rely on it. A call
that a crash has left without a receipt is taken up by its effect class (DESIGN: the table of recovery).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby

from baara_engine import errors, owner, sandboxes, tools, watch
from baara_engine.agent.habits import Habits
from baara_engine.health import vitals
from baara_engine.health.vitals import Vitals
from baara_engine.journal import Conversation, Journal
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
            worry = self._worry(talk, together)
            if worry is not None:
                drafts.append(worry)
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

    def _worry(self, talk: Conversation, together: list[tuple[int, Json]]) -> QuestionDraft | None:
        """Give the question that comes before these calls; what had begun before, or asks by itself, has none."""
        fresh = [block for _, block in together if block["id"] not in talk.calls and block["name"] != ASKING]
        worries = (self.habits.worry(block, talk.turn) for block in fresh)
        return next((worry for worry in worries if worry is not None), None)

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
        tool, why = self._allowed(block)
        if tool is None:
            await self._refuse(talk, ordinal, block, why, known)
            return None
        key = f"{self.execution.id}/{talk.turn}/{block['id']}"
        call = tools.Call(key, block["input"], self.session, known.notes if known else {}, house=self.house)
        outcome: tools.ToolOutcome | None
        if known is None:
            outcome = await self._first(talk, ordinal, block, tool, call)
        else:
            outcome = await self._again(tool, call, known)
        return None if outcome is None else await self._note(talk, block, call, outcome)

    async def _refuse(self, talk: Conversation, ordinal: int, block: Json, why: str, known: ToolCall | None) -> None:
        """Answer a call without running it; it may have an intent from before its tool or schema changed."""
        if known is None:
            await self.journal.reject(talk.turn, ordinal, block, why, calls=len(talk.blocks))
        else:
            await self.journal.receive(talk.turn, block, tools.Done(why, is_error=True), calls=len(talk.blocks))

    def _allowed(self, block: Json) -> tuple[tools.Tool | None, str]:
        tool = self.toolbox.get(block["name"])
        if tool is None:
            return None, f"There is no tool “{block['name']}”. There are: {', '.join(self.toolbox)}."
        problem = self.problem(tool, block["input"])
        return (tool, "") if problem is None else (None, f"Not run, because its input does not fit: {problem}")

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
        await self.journal.receive(talk.turn, block, outcome, calls=len(talk.blocks))
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
        except (errors.InvalidInput, errors.Refused) as error:
            return tools.Done(error.message, is_error=True)
