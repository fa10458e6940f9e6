"""What work is made from: templates and projects, as frozen values (see `records`)."""

from dataclasses import dataclass

from baara_engine.clock import Millis
from baara_engine.records import Json


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with parameters, which becomes an execution or a task once they have values."""

    id: str
    name: str
    description: str
    prompt: str
    parameters: tuple[Json, ...]  #: [{name, type, description, required, default, choices, minimum, maximum}]
    options: Json  #: how it is to be run: fields of `requests.Options`
    created_at: Millis
    updated_at: Millis
    built_in: bool = False  #: it comes with the program and cannot be changed


@dataclass(frozen=True, slots=True)
class Project:
    """What executions and tasks have in common."""

    id: str
    name: str
    instructions: str  #: the person's, for the system prompt of its executions
    folder: str | None  #: where they work unless they say otherwise
    defaults: Json  #: how they are run unless they say otherwise: fields of `requests.Options`
    created_at: Millis
    updated_at: Millis
