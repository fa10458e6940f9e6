"""How states look: a word, a colour and a shape each, so that nothing is told by colour alone."""

from baara_engine.records import Lane
from baara_engine.states import Outcome, Status
from baara_engine.words import Standing

LANES = {
    Lane.NEEDS_YOU: "Needs you",
    Lane.FAILED: "Failed",
    Lane.NEW: "New results",
    Lane.RUNNING: "Running",
    Lane.WAITING: "Waiting",
    Lane.SNOOZED: "Snoozed",
    Lane.DONE: "Done",
    Lane.ARCHIVED: "Archived",
}
# The order of the page: work that stands still comes first.
SHOWN: tuple[Lane, ...] = tuple(lane for lane in LANES if lane is not Lane.ARCHIVED)
BADGE = (Lane.NEEDS_YOU, Lane.FAILED)  #: what the badge counts, and nothing else

OUTCOMES = {
    Outcome.DONE: "done",
    Outcome.RAN: "ran",
    Outcome.NOTHING_TO_DO: "nothing",
    Outcome.INCOMPLETE: "incomplete",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "cancelled",
}
STATES = {
    Status.ASSIGNED: "running",
    Status.RUNNING: "running",
    Status.WAITING_FOR_INPUT: "asks",
    Status.DEAD_LETTERED: "failed",
}


def of(execution: Standing | None) -> str:
    """Name the look of an execution: a class of the style sheet, and the name of its icon."""
    if execution is None:
        return "ran"
    if execution.outcome is not None:
        return OUTCOMES[execution.outcome]
    if execution.waiting_reason == "sub-task":
        return "waiting"
    return STATES.get(execution.status, "waiting")
