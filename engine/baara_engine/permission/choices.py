"""The question that comes before a call, and what may be answered to it."""

from dataclasses import dataclass
from typing import Any

import orjson

from baara_engine import errors
from baara_engine.permission import calls, showing
from baara_engine.records import Execution, Json, QuestionDraft, Scope
from baara_engine.store import questions
from baara_engine.tools import Tool

ACCEPT = "Accept"
FOR_TASK = "Accept for this task"
FOR_HOUR = "Accept for 1 hour"
EDIT = "Edit"
REPLY = "Reply"
REFUSE = "Refuse"
OPTIONS = (ACCEPT, FOR_TASK, FOR_HOUR, EDIT, REPLY, REFUSE)

SCOPES = {ACCEPT: Scope.CALL, FOR_TASK: Scope.TASK, FOR_HOUR: Scope.HOUR}
ALIASES = {"ignore": REFUSE}
# Words that mean one of the choices, but not which: they must not reach the agent as an answer in place of the call.
TOO_SHORT = frozenset({"yes", "y", "ok", "okay", "no", "n", "allow", "deny", "approve", "always"})

REFUSED = "A person has refused this call. Do not try to reach the same by another way; go on without it, or ask."
NOT_RUN = "This call was not run. A person says in its place:"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The call may run."""

    scope: Scope
    prefix: str | None = None  #: for a grant of bash: commands that begin with these words
    edited: Json | None = None  #: arguments in place of those that were asked about


@dataclass(frozen=True, slots=True)
class Instead:
    """The call does not run, and this is its result."""

    text: str


Decision = Accepted | Instead


def draft(execution: Execution, tool: Tool, block: Json) -> QuestionDraft:
    """Ask whether this call may run."""
    value = block["input"]
    detail = {
        "tool": tool.name, "input": value, "hash": calls.fingerprint(tool.name, value),
        "definition": calls.definition(tool), "choices": _meanings(execution, tool),
        "schema": tool.schema,
    }  # fmt: skip
    text = f"May “{tool.name}” run with exactly this? {showing.exactly(value)}"
    return QuestionDraft(text, OPTIONS, questions.APPROVAL, block["id"], detail)


def decide(detail: Json, text: str) -> Decision:
    """Read an answer. Raises `errors.InvalidInput` for one that could be meant in more than one way."""
    head, colon, rest = text.strip().partition(":")
    choice, rest = _choice(head), rest.strip()
    if choice is None:
        _require_clear(text)
        return Instead(f"{NOT_RUN} {text.strip()}")
    if choice == EDIT:
        return Accepted(Scope.CALL, edited=_arguments(rest))
    if choice == REPLY:
        if not rest:
            raise errors.InvalidInput("Say what the agent is to be told: Reply: Use the other folder.")
        return Instead(f"{NOT_RUN} {rest}")
    if choice == REFUSE:
        return Instead(f"{REFUSED} They say: {rest}" if rest else REFUSED)
    if colon and (choice == ACCEPT or not rest):
        raise errors.InvalidInput(f"Answer “{choice}” by itself; nothing was run.")
    return Accepted(SCOPES[choice], prefix=_prefix(detail, choice, rest) if rest else None)


def _choice(head: str) -> str | None:
    meant = " ".join(head.casefold().split()).rstrip(".!")
    return ALIASES.get(meant) or next((option for option in OPTIONS if option.casefold() == meant), None)


def _require_clear(text: str) -> None:
    meant = text.casefold().strip().rstrip(".!")
    first = meant.split()[0].rstrip(":,") if meant else ""
    if meant in TOO_SHORT or first in {"accept", "edit"}:
        raise errors.InvalidInput(
            f"Nothing was run: answer with one of {', '.join(OPTIONS)}. "
            'Write Edit: {"…": "…"} to change the arguments, and Reply: … to tell the agent something '
            "in place of the call."
        )


def _arguments(text: str) -> Json:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise errors.InvalidInput(f"Write the arguments as JSON: Edit: {{…}}. This is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise errors.InvalidInput("The arguments must be one JSON object: Edit: {…}")
    return value


def _prefix(detail: Json, choice: str, words: str) -> str:
    """Give the words by which further commands must begin. Raises `errors.InvalidInput`."""
    if detail["tool"] != calls.SHELL:
        raise errors.InvalidInput(f"Answer “{choice}” by itself; only commands can be accepted by their first words.")
    if not calls.begins_with(detail["input"].get("command", ""), words):
        raise errors.InvalidInput(
            f"“{words}” cannot stand for further commands: it must be the first words of this one, and both must be "
            "plain words, without quotes, variables, pipes and the like."
        )
    return words


def _meanings(execution: Execution, tool: Tool) -> Json:
    """Say what each choice does."""
    where = "of this task" if execution.task_id else "in this execution"
    runs = calls.RUNS.get(tool.name)
    what = f"“{tool.name}”, whatever the arguments" if runs is None else f"the same {runs}"
    more = f" With words behind it (“{FOR_TASK}: git status”) all plain commands that begin so."
    more = more if tool.name == calls.SHELL else ""
    return {
        ACCEPT: "This call runs, once.",
        FOR_TASK: f"It runs, and further calls {where} of {what}, run unasked.{more}",
        FOR_HOUR: f"The same, for one hour from now.{more}",
        EDIT: "It runs with the arguments that you write behind it as JSON, and the agent is told so.",
        REPLY: "It does not run; the agent gets the words behind it. Any other answer does the same.",
        REFUSE: "It does not run; the agent is told that you refused it.",
    }
