"""Checking the input of a tool call against the tool's schema, before anything runs."""

import jsonschema
import referencing

from baara_engine import tools
from baara_engine.records import Json

_validators: dict[str, jsonschema.Draft202012Validator] = {}


def problem(tool: tools.Tool, value: Json) -> str | None:
    """Say what is wrong with an input, or None if it fits the schema."""
    return _told(_validator(tool), value)


def misfit(schema: Json, value: Json) -> str | None:
    """Say what is wrong with an input by a schema that is at hand without its tool."""
    return _told(_compiled(schema), value)


def _told(validator: jsonschema.Draft202012Validator, value: Json) -> str | None:
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error is None:
        return None
    where = "/".join(str(part) for part in error.absolute_path)
    return f"{where}: {error.message}" if where else str(error.message)


def _validator(tool: tools.Tool) -> jsonschema.Draft202012Validator:
    """Compile a schema once; a tool that replaced another of its name brings its own."""
    known = _validators.get(tool.name)
    if known is None or known.schema is not tool.schema:
        known = _validators[tool.name] = _compiled(tool.schema)
    return known


def _compiled(schema: Json) -> jsonschema.Draft202012Validator:
    """Compile a schema; its references lead nowhere outside of it."""
    return jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
