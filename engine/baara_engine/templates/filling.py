"""Templates as they come from outside, and putting values into them."""

import math
import re
import shlex
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

import orjson
import pydantic

from baara_engine import errors, requests
from baara_engine.patterns_of_work import Template
from baara_engine.records import Json, Kind
from baara_engine.templates import Type

PLACE = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")
MAX_PARAMETERS = 50
MAX_CHOICES = 100
MAX_VALUE = 100_000  # characters of one value: longer texts belong into files
NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,39}$"

Value = Annotated[requests.Text, pydantic.Field(max_length=MAX_VALUE)]


class Parameter(pydantic.BaseModel):
    """One parameter of a template."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, pydantic.Field(pattern=NAME)]
    type: Type = Type.TEXT
    description: Value = ""
    required: bool = True  #: false: nothing is put in where nothing is said
    default: Value | None = None
    choices: Annotated[tuple[Value, ...], pydantic.Field(max_length=MAX_CHOICES)] = ()
    minimum: float | None = None
    maximum: float | None = None

    @pydantic.model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.type is Type.CHOICE) != bool(self.choices):
            raise ValueError(f"the parameter “{self.name}”: choices belong to the type choice, and to no other")
        if self.type is not Type.NUMBER and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"the parameter “{self.name}”: only a number has a minimum or maximum")
        if self.default and self.type not in {Type.FOLDER, Type.FILE}:  # those are looked at when they are used
            try:
                text_of(self, self.default)
            except errors.InvalidInput as error:
                raise ValueError(error.message) from error
        return self


class TemplateDraft(pydantic.BaseModel):
    """A template as somebody writes it."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    name: requests.Name
    description: requests.Text = ""
    prompt: requests.Prompt
    parameters: Annotated[tuple[Parameter, ...], pydantic.Field(max_length=MAX_PARAMETERS)] = ()
    options: Json = pydantic.Field(default_factory=dict)  #: fields of `requests.Options`

    @pydantic.model_validator(mode="after")
    def _fits(self) -> Self:
        known = [parameter.name for parameter in self.parameters]
        if len(set(known)) != len(known):
            raise ValueError("two parameters have one name")
        strange = sorted({name for name in PLACE.findall(self.prompt) if name not in known})
        if strange:
            raise ValueError(f"the prompt has {{{{{strange[0]}}}}}, and there is no parameter of that name")
        options(self.options)
        return self


def options(values: Json) -> Json:
    """Check options that come as JSON, and give those that were said, as fields of `requests.Options`.

    Raises ValueError, which pydantic tells on, for a field or a value that there is not.
    """
    checked = requests.Options.model_validate_json(orjson.dumps(values))
    return {name: getattr(checked, name) for name in checked.model_fields_set}


def fill(template: Template, values: Mapping[str, Any]) -> str:
    """Put values into a template's prompt. Raises `errors.InvalidInput` for what is missing, unknown or does not fit.

    A value is put in once: what it holds is never looked at again.
    """
    parameters = [Parameter.model_validate(one) for one in template.parameters]
    known = [parameter.name for parameter in parameters]
    strange = [name for name in values if name not in known]
    if strange:
        raise errors.InvalidInput(
            f"The template “{template.name}” has no parameter “{strange[0]}”. It has: {', '.join(known) or 'none'}."
        )
    texts = {parameter.name: _value(template, parameter, values.get(parameter.name)) for parameter in parameters}
    if template.options.get("kind") == Kind.COMMAND:
        texts = {name: shlex.quote(text) for name, text in texts.items()}
    return PLACE.sub(lambda found: texts[found[1]], template.prompt)


def text_of(parameter: Parameter, value: object) -> str:
    """Give a value as the text that is put in. Raises `errors.InvalidInput` if it does not fit the type."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _misfit(parameter, "it must be text or a number")
    text = str(value)
    if len(text) > MAX_VALUE:
        raise _misfit(parameter, f"it has more than {MAX_VALUE:,} characters; put long texts into files")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _misfit(parameter, "it is not valid UTF-8") from None
    return _fitting(parameter, text)


def _fitting(parameter: Parameter, text: str) -> str:
    if "\0" in text:
        raise _misfit(parameter, "it holds a NUL character")
    match parameter.type:
        case Type.NUMBER:
            return _number(parameter, text)
        case Type.CHOICE if text not in parameter.choices:
            raise _misfit(parameter, f"“{text[:60]}” is none of: {', '.join(parameter.choices)}")
        case Type.DATE:
            return _date(parameter, text)
        case Type.FOLDER | Type.FILE:
            return _path(parameter, text)
        case _:
            return text


def _value(template: Template, parameter: Parameter, value: object) -> str:
    given = parameter.default if value is None else value
    if given is None or given == "":
        if parameter.required and given is None:
            what = f": {parameter.description}" if parameter.description else "."
            raise errors.InvalidInput(
                f"The template “{template.name}” needs a value for “{parameter.name}” ({parameter.type}){what}"
            )
        return ""
    return text_of(parameter, given)


def _number(parameter: Parameter, text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        raise _misfit(parameter, f"“{text[:60]}” is no number") from None
    if not math.isfinite(number):
        raise _misfit(parameter, "it must be finite")
    if parameter.minimum is not None and number < parameter.minimum:
        raise _misfit(parameter, f"it must be at least {parameter.minimum:g}")
    if parameter.maximum is not None and number > parameter.maximum:
        raise _misfit(parameter, f"it must be at most {parameter.maximum:g}")
    return text.strip()


def _date(parameter: Parameter, text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise _misfit(parameter, f"“{text[:60]}” is no date; write it like 2026-03-31") from None


def _path(parameter: Parameter, text: str) -> str:
    path = Path(text).expanduser().absolute()
    try:
        there = path.is_dir() if parameter.type is Type.FOLDER else path.is_file()
    except OSError as error:
        raise _misfit(parameter, f"the path cannot be used: {error.strerror}") from error
    if not there:
        raise _misfit(parameter, f"{path} is no {parameter.type} that exists")
    return str(path)


def _misfit(parameter: Parameter, why: str) -> errors.InvalidInput:
    return errors.InvalidInput(f"The value of “{parameter.name}” does not do: {why}.")
