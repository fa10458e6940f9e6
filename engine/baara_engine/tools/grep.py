"""`grep`: search the text files of the workspace."""

from baara_engine import tools
from baara_engine.records import Effect
from baara_engine.tools.glob import tell


async def run(call: tools.Call) -> tools.ToolOutcome:
    """List the lines that match, as path:number:text."""
    found = await call.session.grep(call.input["pattern"], call.input.get("path", "."))
    return tools.Done(tell(found, "[no line matches]"))


TOOL = tools.Tool(
    name="grep",
    description="Search the text files of the workspace for a regular expression. Gives lines as path:number:text.",
    schema={
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "minLength": 1, "description": "A regular expression, as in Python."},
            "path": {"type": "string", "minLength": 1, "description": "File or folder; the workspace unless given."},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    },
    effect=Effect.READ,
    run=run,
)
