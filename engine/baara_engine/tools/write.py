"""`write`: write a whole file in the workspace."""

from baara_engine import tools
from baara_engine.records import Effect


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Write the file; doing it again leaves the same file."""
    path, content = call.input["file_path"], call.input["content"]
    await call.session.write(path, content)
    return tools.Done(f"Wrote {path} ({len(content.encode())} bytes).")


TOOL = tools.Tool(
    name="write",
    description="Write a text file in the workspace, replacing what was there. Folders are made as needed.",
    schema={
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "minLength": 1, "description": "Path in the workspace."},
            "content": {"type": "string", "description": "All of the file's text."},
        },
        "required": ["file_path", "content"],
        "additionalProperties": False,
    },
    effect=Effect.IDEMPOTENT,
    run=run,
)
