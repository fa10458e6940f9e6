"""Which calls need a person's word, and what makes two calls the same."""

import hashlib
import re

import orjson

from baara_engine import tools
from baara_engine.records import Effect, Execution, Grant, Json, Permission
from baara_engine.tools import Tool

SHELL = "bash"
# Tools that do whatever they are told, and the argument that tells them: allowed is only just that, never the tool.
RUNS = {SHELL: "command", "python": "code", "javascript": "code"}
#: tools that only speak to the person, or note what the agent itself remembers: they change nothing else
TELLING = frozenset({"ask_user", "report", "note_progress"})
LOCKED = "Not run: this work may only look, by a person's choice (permission: locked). “{name}” may change something."

# A command of which a prefix says what it does: plain words, and nothing by which a shell begins another command.
WORD = r"[A-Za-z0-9_./:=@%+,-]+"
PLAIN = re.compile(f"{WORD}( {WORD})*")


TOLD = {
    Permission.AUTO: "",
    Permission.ASK: (
        "\n\nCalls that may change something wait for a person's approval first. Put those that belong together into "
        "one answer, so that they are asked about together.\n"
    ),
    Permission.LOCKED: (
        "\n\nYou may only look: calls that may change something are refused. Report what should be done.\n"
    ),
}


def is_free(tool: Tool) -> bool:
    """Say whether a tool needs nobody's word in any mode."""
    return tool.effect is Effect.READ or (tool.name in TELLING and tool is tools.load(tool.name))


def must_ask(execution: Execution, tool: Tool) -> bool:
    """Say whether calls of this tool wait for a person's word."""
    return execution.permission is Permission.ASK and not is_free(tool)


def is_locked(execution: Execution, tool: Tool) -> bool:
    """Say whether calls of this tool are refused."""
    return execution.permission is Permission.LOCKED and not is_free(tool)


def fingerprint(tool: str, value: Json) -> str:
    """Name a call by its tool and its exact arguments: SHA-256 in hex."""
    return hashlib.sha256(orjson.dumps([tool, value], option=orjson.OPT_SORT_KEYS)).hexdigest()


def definition(tool: Tool) -> str:
    """Name what a tool is, as it describes itself: SHA-256 in hex. What a server's tool does may change overnight."""
    told = [tool.name, tool.description, tool.schema, tool.effect]
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def covers(grant: Grant, tool: str, definition_: str, value: Json) -> bool:
    """Say whether a grant for several calls holds for this one: of what runs anything, only for the very same."""
    if (grant.tool, grant.definition) != (tool, definition_):
        return False
    if tool not in RUNS:
        return True
    text = value.get(RUNS[tool])
    if text is None or grant.command is None:
        return False
    return begins_with(text, grant.command) if grant.is_prefix else bool(text == grant.command)


def begins_with(command: str, prefix: str) -> bool:
    """Say whether a command is nothing but plain words, of which the first are these."""
    if not (PLAIN.fullmatch(command) and PLAIN.fullmatch(prefix)):
        return False
    words = prefix.split(" ")
    return command.split(" ")[: len(words)] == words
