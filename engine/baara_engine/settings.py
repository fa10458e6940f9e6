"""What a person sets for the whole of Baara: kept in the store, in force at once, below what the environment says."""

import re
from dataclasses import fields, replace
from typing import Annotated, Any

import pydantic

from baara_engine import addresses, errors
from baara_engine.config import Config

LEAST_CONTEXT = 8_000  # tokens: the tools, the system prompt, a summary and a turn or two
MAX_CONTEXT = 100_000_000  # tokens: catches a slip of the finger
MAX_MODEL = 200  # characters of a model's id
TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


def _model(name: str) -> str:
    if not name or not name.isprintable() or len(name) > MAX_MODEL:
        raise ValueError(f"a model's id is one line of 1 to {MAX_MODEL} characters")
    return name


def _address(address: str) -> str:
    try:
        return addresses.require_fit(address)
    except errors.BaaraError as error:
        raise ValueError(error.message) from error


def _time(said: str) -> str:
    if not TIME.fullmatch(said):
        raise ValueError("a time of day is written like 22:00")
    return said


Time = Annotated[str, pydantic.AfterValidator(_time)]


class Settings(pydantic.BaseModel):
    """All of them. None: as it is by itself."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    default_model: Annotated[str, pydantic.AfterValidator(_model)] | None = pydantic.Field(
        default=None, description="The model of work that names none: an id of the service, or “offline”."
    )
    base_url: Annotated[str, pydantic.AfterValidator(_address)] | None = pydantic.Field(
        default=None,
        description="Another service that speaks the Messages API: a gateway, or a model on this computer.",
    )
    context_tokens: Annotated[int, pydantic.Field(ge=LEAST_CONTEXT, le=MAX_CONTEXT)] | None = pydantic.Field(
        default=None, description="The most tokens of a conversation that are sent; else what its model takes."
    )
    keep_awake: bool = pydantic.Field(
        default=False, description="Do not let this computer go to sleep while something is at work."
    )
    notify: bool = pydantic.Field(
        default=True, description="Say on the desktop that something needs you, has failed, or was to be announced."
    )
    quiet_from: Time | None = pydantic.Field(
        default=None,
        description="From this time of day on nothing is announced; what has come is told in one line afterwards.",
    )
    quiet_until: Time | None = pydantic.Field(default=None, description="Until this time of day.")
    told_of_closing: bool = pydantic.Field(
        default=False, description="It was said once that Baara works on when its window is closed."
    )


def changed(before: Settings, changes: dict[str, Any]) -> Settings:
    """Give settings with some of them changed; None takes one back. Raises `errors.InvalidInput`."""
    unknown = sorted(changes.keys() - Settings.model_fields.keys())
    if unknown:
        known = ", ".join(Settings.model_fields)
        raise errors.InvalidInput(f"There is no setting “{unknown[0][:50]}”. There are: {known}.")
    kept = before.model_dump() | changes
    return parsed({name: value for name, value in kept.items() if value is not None})


def parsed(values: dict[str, Any]) -> Settings:
    """Check settings. Raises `errors.InvalidInput` that says in one line what is wrong."""
    try:
        return Settings.model_validate(values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        name, why = first["loc"][0] if first["loc"] else "input", first["msg"].removeprefix("Value error, ")
        raise errors.InvalidInput(f"The setting {name} does not do: {why}.") from error


def in_force(base: Config, settings: Settings) -> Config:
    """Give what holds: what a person has set, but for what the environment has said (`Config.fixed`)."""
    names = {field.name for field in fields(Config)} - base.fixed
    said = {name: value for name, value in settings.model_dump(exclude_defaults=True).items() if name in names}
    return replace(base, **said)
