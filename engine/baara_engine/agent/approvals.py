"""The person's word that calls wait for, as the owner of an execution sees it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from baara_engine.permission import calls, choices, showing
from baara_engine.records import Execution, Grant, Json, Question, QuestionDraft
from baara_engine.store import grants, questions
from baara_engine.store.store import Store
from baara_engine.store.transaction import View
from baara_engine.tools import Tool

NOT_APPROVED = (
    "Not run: this is not, or not any more, exactly what a person has approved. Call it again if it is still needed."
)
CHANGED = "[A person has changed the arguments. It was run with: {input}]\n"


@dataclass(frozen=True, slots=True)
class Approvals:
    """What may run of the calls of one execution."""

    store: Store
    execution: Execution
    toolbox: Mapping[str, Tool]
    problem: Callable[[Tool, Json], str | None]  #: what is wrong with an input

    def questions(self, turn: int, blocks: Sequence[Json]) -> list[QuestionDraft]:
        """Give the questions about those of these calls that need a word, have none, and were not asked about yet."""
        waiting = {one.tool_use_id for one in self.store.read(self._open) if one.turn == turn}
        return [
            choices.draft(self.execution, self.toolbox[block["name"]], block)
            for block in blocks
            if block["id"] not in waiting and self.is_missing(turn, block)
        ]

    def is_missing(self, turn: int, block: Json) -> bool:
        """Say whether a call has to wait for a person's word. One that cannot run at all has not."""
        tool = self.toolbox.get(block["name"])
        if tool is None or not calls.must_ask(self.execution, tool) or self.problem(tool, block["input"]):
            return False
        return self._grant(turn, block, tool) is None

    def approved(self, turn: int, block: Json) -> Json | None:
        """Give a call as it may run now, with the arguments that a person may have changed; None if it may not."""
        tool = self.toolbox.get(block["name"])
        if tool is None or not calls.must_ask(self.execution, tool):
            return block
        grant = self._grant(turn, block, tool)
        if grant is None:
            return None
        shown = calls.fingerprint(tool.name, block["input"]), calls.definition(tool)
        if grant.tool_use_id is not None and (grant.input_hash, grant.definition) != shown:
            return None
        return block if grant.input is None else block | {"input": grant.input}

    def _grant(self, turn: int, block: Json, tool: Tool) -> Grant | None:
        """Give what lets a call run: a word about just this one, or one that covers several."""

        def work(view: View) -> Grant | None:
            own = grants.of_call(view, self.execution.id, turn, block["id"])
            several = grants.standing(view, self.execution, self.store.clock.now())
            what = (tool.name, calls.definition(tool), block["input"])
            return own or next((one for one in several if calls.covers(one, *what)), None)

        return self.store.read(work)

    def _open(self, view: View) -> list[Question]:
        return [one for one in questions.open_of(view, self.execution.id) if one.kind == questions.APPROVAL]


def changed(value: Json) -> str:
    """Tell the agent with which arguments its call was run."""
    return CHANGED.format(input=showing.exactly(value))
