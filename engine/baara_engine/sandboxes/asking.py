"""The question that is asked where the sandbox of an execution cannot be had: it is never run in another unasked."""

from baara_engine import sandboxes
from baara_engine.records import QuestionDraft

KIND = "sandbox"  #: of the question
TRY_AGAIN = "Try again"
STOP = "Stop"
USE = "Use "  #: stands before the name of another sandbox


async def lacking(wanted: sandboxes.Sandbox, limits: sandboxes.Limits) -> QuestionDraft | None:
    """Ask what is to be done if this computer lacks something for a sandbox; None if it lacks nothing."""
    problem = await wanted.missing(limits)
    if problem is None:
        return None
    others = [f"{USE}{name}" for name in sandboxes.TABLE if name != wanted.name]
    text = f"The sandbox “{wanted.name}” cannot be had: {problem} Until you answer, nothing runs, also in no other."
    return QuestionDraft(text, (TRY_AGAIN, *others, STOP), KIND, detail={"sandbox": wanted.name})


def chosen(answer: str) -> str | None:
    """Give the sandbox that an answer names, None if it names none."""
    return answer.removeprefix(USE) if answer.startswith(USE) else None
