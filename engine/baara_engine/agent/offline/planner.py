"""Finding the next step from the conversation alone.

The prompt says which plan it is; the plan is then run from its beginning, and what the conversation holds is given to
it in place of real results. What it wants to do next is the answer. The same conversation gives the same answer, in
this process or in the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from baara_engine.agent.offline import grammar, jobs
from baara_engine.agent.offline.plan import Desk, Plan, Result, Turn
from baara_engine.checks import verdict
from baara_engine.records import Json

STRAYED = (
    "This conversation was begun by another model or by another version, and the offline planner can only go on with "
    "its own. Start the task again to have it done from the beginning."
)
UNMENDED = "\n\nA check has failed, and the offline planner cannot mend that: all that it knows are its fixed steps."


@dataclass(frozen=True, slots=True)
class Round:
    """One answer of the past, with what came of its calls."""

    tools: list[str]
    results: list[Result]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a request says."""

    prompt: str  #: the last thing that a person wrote
    rounds: list[Round]  #: what was done about it so far
    earlier: int  #: answers before that
    tools: frozenset[str]
    said: str = ""  #: the last words before that

    @property
    def turn(self) -> int:
        """Give the number of the answer that is asked for, from 1."""
        return self.earlier + len(self.rounds) + 1


def read(asked: Json) -> Conversation:
    """Read a request. Raises ValueError, KeyError, TypeError or AttributeError if it makes no sense."""
    messages = asked["messages"]
    at = max(index for index, message in enumerate(messages) if _is_prompt(message))
    since = messages[at + 1 :]
    if [message["role"] for message in since] != ["assistant", "user"] * (len(since) // 2):
        raise ValueError("messages must alternate, and end with the user")
    rounds = [_round(since[i]["content"], since[i + 1]["content"]) for i in range(0, len(since), 2)]
    earlier = sum(1 for message in messages[:at] if message["role"] == "assistant")
    tools = frozenset(tool["name"] for tool in asked.get("tools", ()))
    said = _text(messages[at - 1]["content"]) if at else ""
    return Conversation(_text(messages[at]["content"]), rounds, earlier, tools, said)


def answer(talk: Conversation, make_plan: Callable[[Desk], Plan] | None = None) -> tuple[list[Json], str]:
    """Give the content of the next answer, and its stop reason. The prompt says the plan, unless one is given."""
    if verdict.SENT_BACK in talk.prompt:
        return [{"type": "text", "text": talk.said.removesuffix(UNMENDED) + UNMENDED}], "end_turn"
    desk = Desk(talk.tools, talk.earlier + 1)
    step = _next(make_plan(desk) if make_plan else _asked_for(talk.prompt, desk), desk, talk.rounds)
    if isinstance(step, str):
        return [{"type": "text", "text": step}], "end_turn"
    calls = [
        {"type": "tool_use", "id": f"toolu_{talk.turn}_{position}", "name": use.tool, "input": use.input}
        for position, use in enumerate(step.uses)
    ]
    return [{"type": "text", "text": step.text}, *calls], "tool_use"


def _asked_for(prompt: str, desk: Desk) -> Plan:
    asked = grammar.read(prompt)
    return jobs.in_order(asked.jobs, asked.strange, desk)


def _next(plan: Plan, desk: Desk, rounds: list[Round]) -> Turn | str:
    """Replay a plan, and give its next turn or its last words."""
    try:
        turn = next(plan)
        for done in rounds:
            if done.tools != [use.tool for use in turn.uses]:
                return STRAYED
            desk.turn += 1
            turn = plan.send(done.results)
    except StopIteration as end:
        return str(end.value)
    return turn


def _is_prompt(message: Json) -> bool:
    if message["role"] != "user":
        return False
    content = message["content"]
    return isinstance(content, str) or not any(block["type"] == "tool_result" for block in content)


def _round(said: list[Json], came: list[Json]) -> Round:
    calls = [block for block in said if block["type"] == "tool_use"]
    results = {block["tool_use_id"]: block for block in came if block["type"] == "tool_result"}
    return Round([call["name"] for call in calls], [_result(results[call["id"]]) for call in calls])


def _result(block: Json) -> Result:
    return Result(_text(block.get("content", "")), bool(block.get("is_error")))


def _text(content: str | list[Json]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block["type"] == "text")
