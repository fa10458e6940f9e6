"""What a tool is, and how one is added: a function with `@tool` of the engine and of a model of its arguments."""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import pydantic

from baara_engine import requests
from baara_engine.engine import Engine
from baara_engine.records import Json

SOURCE = "mcp"  #: where what is submitted came from


class Effect(Enum):
    """What a call does to what there is; clients ask their person accordingly."""

    READS = "reads"
    ADDS = "adds"
    SETS = "sets"  #: the same call again changes nothing more
    DESTROYS = "destroys"


class Arguments(pydantic.BaseModel):
    """The arguments of a tool. What it does not know is refused."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


Given = TypeVar("Given", bound=Arguments)
Run = Callable[[Engine, Any], Json]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the server."""

    name: str
    description: str
    arguments: type[Arguments]
    effect: Effect
    waits: bool  #: its result is an execution, and the answer comes when that has ended, or needs a person
    run: Run

    def read(self, given: Json) -> Any:
        """Check arguments that came as JSON. Raises `errors.InvalidInput`."""
        return requests.parse_json(self.arguments, json.dumps(given).encode())

    def schema(self) -> Json:
        """Give what its arguments are, as JSON Schema."""
        return self.arguments.model_json_schema()


TABLE: dict[str, Tool] = {}


def tool(effect: Effect, *, waits: bool = False) -> Callable[[Callable[[Engine, Given], Json]], Run]:
    """Make a tool of a function, under its name."""

    def add(function: Callable[[Engine, Given], Json]) -> Run:
        arguments = list(inspect.get_annotations(function, eval_str=True).values())[1]
        TABLE[function.__name__] = Tool(
            function.__name__, inspect.getdoc(function) or "", arguments, effect, waits, function
        )
        return function

    return add
