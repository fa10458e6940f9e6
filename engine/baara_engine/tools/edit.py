"""`edit`: replace text in a file of the workspace.

Replacing is not idempotent by itself, so the digest of the file before the edit is committed with the intent. When the
call is taken up again after a crash, a file that has changed since then and holds the new text in place of the old one
has had its edit.
"""

from baara_engine import errors, tools
from baara_engine.records import Effect, Json


async def prepare(call: tools.Call) -> Json:
    """Note what the file is before the edit."""
    return {"before": await call.session.digest(call.input["file_path"])}


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Replace the text, unless this very call has done so before."""
    path = call.input["file_path"]
    if await call.session.digest(path) != call.notes["before"]:
        return await _changed_meanwhile(call)
    times = await call.session.edit(
        path, call.input["old_string"], call.input["new_string"], replace_all=call.input.get("replace_all", False)
    )
    return tools.Done(f"Edited {path}: {times} {'place' if times == 1 else 'places'}.")


async def _changed_meanwhile(call: tools.Call) -> tools.ToolOutcome:
    path, new = call.input["file_path"], call.input["new_string"]
    try:
        now = (await call.session.read(path)).text
    except errors.InvalidInput:
        now = ""
    if new and new in now:
        return tools.Done(f"Edited {path}: the new text is in place.")
    return tools.Done(f"{path} changed since this edit was asked for. Read it again before you edit it.", is_error=True)


TOOL = tools.Tool(
    name="edit",
    description=(
        "Replace text in a file of the workspace. old_string must be in the file exactly once, unless replace_all is "
        "true."
    ),
    schema={
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "minLength": 1, "description": "Path in the workspace."},
            "old_string": {"type": "string", "minLength": 1, "description": "The text to replace."},
            "new_string": {"type": "string", "description": "The text to put in its place."},
            "replace_all": {"type": "boolean", "description": "Replace every occurrence."},
        },
        "required": ["file_path", "old_string", "new_string"],
        "additionalProperties": False,
    },
    effect=Effect.IDEMPOTENT,
    run=run,
    prepare=prepare,
)
