"""The question that is asked where the sandbox of an execution cannot be had: it is never run in another unasked."""

from collections.abc import Sequence

from baara_engine import sandboxes
from baara_engine.checks import specs
from baara_engine.records import Kind, QuestionDraft

KIND = "sandbox"  #: of the question
TRY_AGAIN = "Try again"
STOP = "Stop"
USE = "Use "  #: stands before the name of another sandbox


async def lacking(
    wanted: sandboxes.Sandbox, limits: sandboxes.Limits, *, needs_shell: bool = False
) -> QuestionDraft | None:
    """Ask what is to be done if this computer lacks something for a sandbox; None if it lacks nothing.

    Only what the work can run in is offered instead.
    """
    problem = await wanted.missing(limits)
    if problem is None:
        return None
    fit = [name for name in sandboxes.TABLE if not (needs_shell and name in sandboxes.WITHOUT_SHELL)]
    others = [f"{USE}{name}" for name in fit if name != wanted.name]
    text = f"The sandbox “{wanted.name}” cannot be had: {problem} Until you answer, nothing runs, also in no other."
    return QuestionDraft(text, (TRY_AGAIN, *others, STOP), KIND, detail={"sandbox": wanted.name})


def needs_shell(kind: Kind, gate: str | None, checks: Sequence[str]) -> str | None:
    """Say what about some work needs a sandbox with a shell; None if nothing does."""
    if kind is Kind.COMMAND:
        return "a command"
    if gate is not None:
        return "a gate"
    is_run = any(specs.parse(spec).kind is specs.Kind.COMMAND for spec in checks)
    return "a check “command:”" if is_run else None


def chosen(answer: str) -> str | None:
    """Give the sandbox that an answer names, None if it names none."""
    return answer.removeprefix(USE) if answer.startswith(USE) else None
