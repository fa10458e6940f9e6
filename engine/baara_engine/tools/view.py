"""`view`: look at a picture of the workspace."""

from pathlib import PurePosixPath

from baara_engine import pictures, tools
from baara_engine.records import Effect


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Give the picture, made small enough to be sent."""
    path = call.input["file_path"]
    picture = await pictures.fitted(await call.session.read_bytes(path, pictures.FILE_BYTES), path)
    return tools.Done(f"{PurePosixPath(path).name}: {picture.told}", pictures=(picture,))


TOOL = tools.Tool(
    name="view",
    description=(
        "Look at a picture in the workspace: PNG, JPEG, GIF, WebP, BMP or TIFF. Large ones are shown smaller; of "
        "several frames the first is shown."
    ),
    schema={
        "type": "object",
        "properties": {"file_path": {"type": "string", "minLength": 1, "description": "Path in the workspace."}},
        "required": ["file_path"],
        "additionalProperties": False,
    },
    effect=Effect.READ,
    run=run,
)
