"""`submit_task`: give a part of the work to an execution of its own.

The sub-task is submitted under the call's key, so a call that a crash has hidden submits nothing twice. Unless the
agent says otherwise, the sub-task's result becomes the result of the call, however long that takes (see `families`).
"""

from baara_engine import tools
from baara_engine.records import Effect, Permission


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Submit it, or find it again, and say what has come of it so far."""
    return await call.house.submit(call.key, call.input)


TOOL = tools.Tool(
    name="submit_task",
    description=(
        "Give a part of the job to another agent, which knows only what you write here: say the whole of what it is to "
        "do and what it is to give back. It works in your workspace and within your limits. You get its last answer as "
        "the result of this call; several calls in one answer work side by side. With wait: false you go on at once "
        "and its result goes to the person's inbox instead."
    ),
    schema={
        "type": "object",
        "properties": {
            "prompt": {"type": "string", "minLength": 1, "description": "All that it needs to know."},
            "name": {"type": "string", "minLength": 1, "maxLength": 200, "description": "What lists call it."},
            "wait": {"type": "boolean", "description": "False: go on, and let the result go to the inbox."},
            "thread": {
                "enum": ["new", "this"],
                "description": "Where it reports: in a thread of its own (usual), or in that of this job.",
            },
            "workspace": {
                "enum": ["shared", "own"],
                "description": "Your workspace (usual), or an empty one of its own, which you cannot see.",
            },
            "budget_usd": {
                "type": "number",
                "minimum": 0.000001,
                "maximum": 1_000_000,
                "description": "The most it may spend, of what you have left.",
            },
            "permission": {"enum": [mode.value for mode in Permission], "description": "As yours, or stricter."},
            "tools": {"type": "array", "items": {"type": "string"}, "description": "Only these tools, of yours."},
            "checks": {
                "type": "array",
                "items": {"type": "string"},
                "maxItems": 50,
                "description": "What must hold at its end, such as file:PATH or command:CMD.",
            },
        },
        "required": ["prompt"],
        "additionalProperties": False,
    },
    effect=Effect.KEYED,
    run=run,
)
