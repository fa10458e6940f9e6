"""`glob`: find files of the workspace by name."""

from baara_engine import sandboxes, tools
from baara_engine.records import Effect


async def run(call: tools.Call) -> tools.ToolOutcome:
    """List the paths that fit."""
    found = await call.session.glob(call.input["pattern"], call.input.get("path", "."))
    return tools.Done(tell(found, "[no file fits]"))


def tell(found: sandboxes.Found, nothing: str) -> str:
    """Put the results of a search into the words that the model gets."""
    lines = list(found.lines) or [nothing]
    if found.cut:
        lines.append("[there is more: narrow the search]")
    if found.skipped:
        lines.append(f"[{found.skipped} files or folders could not be read]")
    return "\n".join(lines)


TOOL = tools.Tool(
    name="glob",
    description="List files of the workspace whose path fits a pattern: * ? […] within a name, ** across folders.",
    schema={
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "minLength": 1, "description": "For example **/*.py"},
            "path": {"type": "string", "minLength": 1, "description": "Folder to look in; the workspace unless given."},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    },
    effect=Effect.READ,
    run=run,
)
