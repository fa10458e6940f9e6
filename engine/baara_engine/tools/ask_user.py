"""`ask_user`: ask the person, and wait for as long as it takes without holding a worker."""

from baara_engine import records, tools
from baara_engine.records import Effect


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Turn the call into a question; its answer will be the result."""
    return tools.Ask(records.QuestionDraft(call.input["question"], tuple(call.input.get("options", ()))))


TOOL = tools.Tool(
    name="ask_user",
    description="Ask the person something only they can answer. The work waits for the answer, for days if need be.",
    schema={
        "type": "object",
        "properties": {
            "question": {"type": "string", "minLength": 1},
            "options": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "description": "Choices to offer.",
            },
        },
        "required": ["question"],
        "additionalProperties": False,
    },
    effect=Effect.KEYED,
    run=run,
)
