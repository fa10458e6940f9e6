"""Checking the input of a tool call against the tool's schema, before anything runs."""

import jsonschema

from baara_engine import tools
from baara_engine.records import Json

_validators: dict[str, jsonschema.Draft202012Validator] = {}


def problem(tool: tools.Tool, value: Json) -> str | None:
    """Say what is wrong with an input, or None if it fits the schema."""
    error = jsonschema.exceptions.best_match(_validator(tool).iter_errors(value))
    if error is None:
        return None
    where = "/".join(str(part) for part in error.absolute_path)
    return f"{where}: {error.message}" if where else str(error.message)


def _validator(tool: tools.Tool) -> jsonschema.Draft202012Validator:
    """Compile a schema once; a tool that replaced another of its name brings its own."""
    known = _validators.get(tool.name)
    if known is None or known.schema is not tool.schema:
        known = _validators[tool.name] = jsonschema.Draft202012Validator(tool.schema)
    return known
