"""Tools of MCP servers as tools of the agent: names, schemas, effects and results."""

import asyncio
import hashlib
import importlib
import re
from collections.abc import Callable
from typing import Any

import orjson

from baara_engine import errors, tools
from baara_engine.mcp_client import connection
from baara_engine.records import Effect, Json
from baara_engine.tools import annotations, keeping

MAX_NAME = 64  # characters: fits all services; what is longer ends in a hash
MAX_SCHEMA = 32 * 1024  # bytes: it is sent with every question
MAX_DEPTH = 24  # levels of a schema
MAX_DESCRIPTION = 4_000  # characters
AGAIN_S = (0.0, 5.0)  # seconds: ours is started again at once; one that is reached by HTTP, by whoever keeps it
HASH = 8  # characters of a hash in a name


def tool(server: str, theirs: Any, line: connection.Connection) -> tools.Tool:
    """Make a tool of what a server offers. Raises `errors.InvalidInput`, which says why it cannot be one."""
    schema = _schema(theirs.input_schema)
    hints = theirs.annotations.model_dump(by_alias=True) if theirs.annotations else None
    effect = annotations.effect(hints)

    async def run(call: tools.Call) -> tools.ToolOutcome:
        return await _run(line, theirs.name, effect, call)

    return tools.Tool(name(server, theirs.name), (theirs.description or "")[:MAX_DESCRIPTION], schema, effect, run)


def name(server: str, theirs: str) -> str:
    """Give a name that every service takes, and that no other tool of this server gets."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", theirs)
    whole = f"mcp__{server}__{plain}"
    if plain == theirs and len(whole) <= MAX_NAME:
        return whole
    return f"{whole[: MAX_NAME - HASH - 1]}_{hashlib.sha256(theirs.encode()).hexdigest()[:HASH]}"


def fingerprint(made: tools.Tool) -> str:
    """Name what a tool says of itself, so that a change of it is noticed."""
    said = orjson.dumps([made.description, made.schema, made.effect], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said).hexdigest()


async def _run(line: connection.Connection, theirs: str, effect: Effect, call: tools.Call) -> tools.ToolOutcome:
    """Call it; what does no harm twice is called again if the server dies, at once and when it may be back."""
    try:
        return await _done(call, await line.call(theirs, call.input, call.on_output))
    except connection.Died as error:
        if effect is Effect.UNSAFE:
            raise tools.OutcomeHidden from error
        return await _again(line, theirs, call)
    except errors.Unavailable as error:
        raise errors.Refused(str(error)) from error


async def _again(line: connection.Connection, theirs: str, call: tools.Call) -> tools.ToolOutcome:
    last: Exception | None = None
    for wait_s in AGAIN_S:
        await asyncio.sleep(wait_s)
        try:
            return await _done(call, await line.call(theirs, call.input, call.on_output))
        except (connection.Died, errors.Unavailable) as error:
            last = error
    raise errors.Refused(str(last)) from last


async def _done(call: tools.Call, result: Any) -> tools.Done:
    parts = [_told(block) for block in result.content]
    if not parts and result.structured_content is not None:
        parts = [orjson.dumps(result.structured_content).decode()]
    text = "\n".join(parts) or "(nothing)"
    return tools.Done(await keeping.told(call, text), is_error=bool(result.is_error))


def _told(block: Any) -> str:
    """Give a part of a result as text; what is none is named."""
    match block.type:
        case "text":
            return str(block.text)
        case "resource" if hasattr(block.resource, "text"):
            return f"[{block.resource.uri}]\n{block.resource.text}"
        case "resource_link":
            return f"[resource {block.name}: {block.uri}]"
        case kind:
            return f"[{kind}, {getattr(block, 'mime_type', None) or 'of unknown type'}: not shown]"


def _schema(schema: Json) -> Json:
    if _depth(schema) > MAX_DEPTH or len(orjson.dumps(schema)) > MAX_SCHEMA:
        raise errors.InvalidInput("its schema is too large")
    if schema.get("type") != "object":
        raise errors.InvalidInput("its schema is not one of an object")
    load: Callable[[str], Any] = importlib.import_module
    jsonschema = load("jsonschema")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise errors.InvalidInput(f"its schema is none: {error.message[:200]}") from error
    if _points_out(schema):
        raise errors.InvalidInput("its schema has references, which are not followed")
    return schema


def _depth(value: Any, level: int = 0) -> int:
    if level > MAX_DEPTH or not isinstance(value, (dict, list)):
        return level
    inner = value.values() if isinstance(value, dict) else value
    return max((_depth(one, level + 1) for one in inner), default=level)


def _points_out(value: Any) -> bool:
    """Say whether a schema refers to another one, or to itself without a definition: either may have no end."""
    if isinstance(value, list):
        return any(_points_out(one) for one in value)
    if not isinstance(value, dict):
        return False
    reference = value.get("$ref", "#/")
    outside = isinstance(reference, str) and not reference.startswith("#/")
    return outside or "$dynamicRef" in value or any(_points_out(one) for one in value.values())
