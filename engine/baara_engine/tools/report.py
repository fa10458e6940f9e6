"""`report`: put a result into the thread, where the person reads it.

The post is committed together with the receipt, under the call's key, so a report stands in the thread exactly once.
"""

from baara_engine import tools
from baara_engine.records import Effect


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Post the report."""
    post = tools.Post(call.input["title"], call.input["markdown"], tuple(call.input.get("files", ())))
    return tools.Done("Posted to the thread.", post=post)


TOOL = tools.Tool(
    name="report",
    description="Post a result to the person's inbox as Markdown: what they should read, with the files you made.",
    schema={
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 200},
            "markdown": {"type": "string", "minLength": 1},
            "files": {"type": "array", "items": {"type": "string"}, "description": "Paths in the workspace."},
        },
        "required": ["title", "markdown"],
        "additionalProperties": False,
    },
    effect=Effect.KEYED,
    run=run,
)
