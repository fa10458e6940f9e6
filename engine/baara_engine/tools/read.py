"""`read`: read a text file of the workspace."""

from baara_engine import tools
from baara_engine.records import Effect


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Give the text, and say where it was cut."""
    view_range = call.input.get("view_range")
    file = await call.session.read(call.input["file_path"], None if view_range is None else tuple(view_range))
    if not file.text:
        return tools.Done("[the file is empty]" if not file.cut else "[nothing in this range]")
    note = "\n[cut here: read on with view_range]" if file.cut else ""
    return tools.Done(file.text + note)


TOOL = tools.Tool(
    name="read",
    description="Read a text file of the workspace, or a range of its lines. Long ones are cut: read on by range.",
    schema={
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "minLength": 1, "description": "Path in the workspace."},
            "view_range": {
                "type": "array",
                "items": {"type": "integer"},
                "minItems": 2,
                "maxItems": 2,
                "description": "First and last line, from 1; -1 as the last means the end of the file.",
            },
        },
        "required": ["file_path"],
        "additionalProperties": False,
    },
    effect=Effect.READ,
    run=run,
)
