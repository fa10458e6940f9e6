"""`skill`: load a skill. Its instructions become the result, and its files lie in the workspace from then on."""

from baara_engine import tools
from baara_engine.records import Effect


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Copy the files and give the instructions."""
    return await call.house.skill(call.input["name"])


TOOL = tools.Tool(
    name="skill",
    description=(
        "Load one of the person's skills: instructions for a certain kind of job. Its files (scripts, templates, "
        "references) are put into the workspace, where you can read and run them. Only skills that are listed exist."
    ),
    schema={
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 200, "description": "As it is listed."}},
        "required": ["name"],
        "additionalProperties": False,
    },
    effect=Effect.IDEMPOTENT,
    run=run,
)
