"""`note_progress`: note what must be held to, what is done and what comes next.

The notes outlive each compaction of the conversation word for word, and people can read them while the work goes on.
They are kept together with the receipt, so a call that is repeated adds nothing twice.
"""

from baara_engine import errors, tools
from baara_engine.records import Effect, Json

TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 1000}


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Keep the notes. Raises `errors.InvalidInput` if there are none."""
    given = call.input
    if not given.keys() & {"constraints", "done", "next"}:
        raise errors.InvalidInput("There is nothing to note: give `done`, `next` or `constraints`.")
    note = tools.Note(
        tuple(given.get("constraints", ())), tuple(given.get("done", ())), given.get("next"),
        bool(given.get("replace", False)),
    )  # fmt: skip
    return tools.Done("Noted.", note=note)


TOOL = tools.Tool(
    name="note_progress",
    description=(
        "Note how the work stands. Long conversations are shortened: these notes and the person's request are what is "
        "kept of them word for word. `done` and `constraints` are added to what you have noted before (what they must "
        "hold to from the request, from files or found out on the way); `next` takes the place of the next step before."
    ),
    schema={
        "type": "object",
        "properties": {
            "done": {"type": "array", "items": TEXT, "description": "What is finished, with where its result lies."},
            "next": TEXT | {"description": "The next step."},
            "constraints": {"type": "array", "items": TEXT, "description": "What must be held to."},
            "replace": {"type": "boolean", "description": "Put these lists in the place of the earlier ones."},
        },
        "additionalProperties": False,
    },
    effect=Effect.IDEMPOTENT,
    run=run,
)
