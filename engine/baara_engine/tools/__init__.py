"""The agent's tools: a table, one file each.

A tool is a `Tool` named `TOOL` in its module. To add one: write the file, add its line to `TABLE`. Its input is checked
against `schema` (by `check.problem`) before anything runs; its `effect` says what repeating it would do, which is what
recovery goes by.
"""

import base64
import importlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Protocol, cast

from baara_engine import errors, records, sandboxes
from baara_engine.records import Effect, Json, UnknownEffect


class House(Protocol):
    """What a tool may ask of the engine, for the execution whose call it is. Raises `errors.BaaraError`."""

    async def submit(self, key: str, wanted: Json) -> "ToolOutcome":
        """Submit a sub-task under the key of a call, or give what has become of the one that it submitted before."""
        ...

    async def skill(self, name: str) -> "Done":
        """Put a skill's files into the workspace, and give its instructions."""
        ...

    async def fetch(self, address: str) -> str:
        """Read a page of the web, if its host is allowed."""
        ...

    async def instructions(self) -> str:
        """Give what the person says for all work of this kind, for the system prompt; empty where that is nothing."""
        ...


class NoHouse:
    """An engine that does nothing for tools: for a tool that is called without one."""

    async def submit(self, key: str, wanted: Json) -> "ToolOutcome":  # noqa: ARG002 - whatever is wanted
        """Refuse."""
        raise errors.Refused("No sub-task can be submitted from here.")

    async def skill(self, name: str) -> "Done":
        """Refuse."""
        raise errors.Refused(f"There is no skill “{name}” here.")

    async def fetch(self, address: str) -> str:
        """Refuse."""
        raise errors.Refused(f"No page can be read from here, so not {address} either.")

    async def instructions(self) -> str:
        """Say nothing."""
        return ""


def key(execution_id: str, turn: int, tool_use_id: str) -> str:
    """Name a call once and for all."""
    return f"{execution_id}/{turn}/{tool_use_id}"


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its tool sees it."""

    key: str  #: execution/turn/tool_use_id: names this call once and for all
    input: Json  #: already checked against the tool's schema
    session: sandboxes.Session
    notes: Json = field(default_factory=dict)  #: what `prepare` wrote down, committed with the intent
    on_output: Callable[[], None] = lambda: None  #: to be called while output comes
    house: House = field(default_factory=NoHouse)


@dataclass(frozen=True, slots=True)
class Post:
    """Something to put into the thread, in the same transaction as the receipt."""

    title: str
    markdown: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """What the agent notes about its work, kept in the same transaction as the receipt (see `store.progress`)."""

    constraints: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    next: str | None = None
    replace: bool = False  #: the lists stand in place of those before


UNSEEN = "\n[not shown: this model is not known to see pictures]"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for the model to look at, small enough to be sent."""

    media_type: str
    data: bytes
    told: str  #: its size, for a model that does not see

    def block(self) -> Json:
        """Give it as a content block of the Messages API."""
        source = {"type": "base64", "media_type": self.media_type, "data": base64.b64encode(self.data).decode("ascii")}
        return {"type": "image", "source": source}


@dataclass(frozen=True, slots=True)
class Done:
    """The tool ran, and this goes back to the model."""

    text: str
    is_error: bool = False
    post: Post | None = None
    note: Note | None = None
    pictures: tuple[Picture, ...] = ()

    def content(self) -> list[Json]:
        """Give it as the content of a tool result."""
        return [{"type": "text", "text": self.text}, *(picture.block() for picture in self.pictures)]

    def unseen(self) -> "Done":
        """Give it for a model that does not take pictures."""
        return replace(self, text=self.text + UNSEEN, pictures=()) if self.pictures else self


@dataclass(frozen=True, slots=True)
class Ask:
    """The tool needs a person; the answer will be its result."""

    question: records.QuestionDraft


@dataclass(frozen=True, slots=True)
class Awaited:
    """The tool has set something going whose end will be its result; no worker is held meanwhile."""


class OutcomeHidden(Exception):
    """Whether the call took effect cannot be known: what ran it was gone before it answered."""


ToolOutcome = Done | Ask | Awaited
Recalled = Done | sandboxes.NotBegun | sandboxes.OutcomeUnknown


async def _cannot_recall(_call: Call, _same_boot: bool) -> Recalled:  # noqa: FBT001 - a fixed protocol of two values
    return sandboxes.OutcomeUnknown()


async def _no_notes(_call: Call) -> Json:
    return {}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of the agent."""

    name: str
    description: str  #: for the model
    schema: Json  #: JSON Schema of the input, an object
    effect: Effect
    run: Callable[[Call], Awaitable[ToolOutcome]]  #: raises errors.BaaraError for what the model should be told
    recall: Callable[[Call, bool], Awaitable[Recalled]] = _cannot_recall
    #: what became of a call that has an intent and no receipt; told whether the computer has been up since
    prepare: Callable[[Call], Awaitable[Json]] = _no_notes  #: notes for recovery, taken before the intent is committed
    unknown: UnknownEffect = UnknownEffect.ASK
    #: what is done about an unsafe call of unknown outcome where the execution leaves it to the tool
    language: str | None = None  #: what a sandbox must run for this tool to be of use, None if it needs nothing

    def param(self) -> Json:
        """Describe the tool to the Messages API."""
        return {"name": self.name, "description": self.description, "input_schema": self.schema}


# name → module, imported when tools are first needed
TABLE: dict[str, str] = {
    "bash": "baara_engine.tools.bash",
    "python": "baara_engine.tools.python",
    "javascript": "baara_engine.tools.javascript",
    "read": "baara_engine.tools.read",
    "view": "baara_engine.tools.view",
    "write": "baara_engine.tools.write",
    "edit": "baara_engine.tools.edit",
    "glob": "baara_engine.tools.glob",
    "grep": "baara_engine.tools.grep",
    "fetch": "baara_engine.tools.fetch",
    "report": "baara_engine.tools.report",
    "ask_user": "baara_engine.tools.ask_user",
    "note_progress": "baara_engine.tools.note_progress",
    "submit_task": "baara_engine.tools.submit_task",
    "skill": "baara_engine.tools.skill",
}


@cache
def load(name: str) -> Tool:
    """Give the tool of this name. Raises `errors.InvalidInput`, naming those that exist."""
    require([name])
    return cast("Tool", importlib.import_module(TABLE[name]).TOOL)


def of_use(names: Iterable[str], languages: frozenset[str]) -> dict[str, Tool]:
    """Give those of these tools that are of use in a sandbox which runs these languages, by name."""
    found = {name: load(name) for name in names}
    return {name: tool for name, tool in found.items() if tool.language is None or tool.language in languages}


def require(names: Iterable[str]) -> None:
    """Raise `errors.InvalidInput` unless there are tools of all these names."""
    for name in names:
        if name not in TABLE:
            raise errors.InvalidInput(f"There is no tool “{name}”. There are: {', '.join(TABLE)}.")
