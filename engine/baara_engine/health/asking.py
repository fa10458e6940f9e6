"""The questions that the health of the work makes necessary, and what their answers do."""

from baara_engine.health.vitals import CHECK, COMMAND, MODEL, Step
from baara_engine.records import Json, QuestionDraft
from baara_engine.store import questions

# To a step that gives no sign of life. Any other answer ends the call as well, and is told to the agent.
KEEP_WAITING = "Keep waiting"
END_CALL = "End this call and tell the agent"
ASK_AGAIN = "Ask the model again"
END_CHECK = "End this check: it has not passed"
CANCEL = "Cancel the execution"
ENDED = (
    "A person has ended this call, because it gave no sign of life for long. "
    "Find out what it had done before you repeat it."
)

# To work that goes round in circles. Any other answer is told to the agent in place of the call.
GO_ON = "Go on"
STOP = "Stop"
NOT_RUN = "This call was not run, because the work went round in circles. A person says:"


def about(what: str) -> str:
    """Name a step for people."""
    return {MODEL: "the model", COMMAND: "the command", CHECK: "the command of a check"}.get(what, f"“{what}”")


def stuck(step: Step, silence: str, detail: Json) -> QuestionDraft:
    """Ask what is to become of a step that has been silent for so long."""
    text = f"No sign of life from {about(step.what)} for {silence}. It goes on meanwhile. What is to be done?"
    ending = {MODEL: (ASK_AGAIN,), COMMAND: (), CHECK: (END_CHECK,)}.get(step.what, (END_CALL,))
    if ending:
        text += " Any other answer ends the call and is told to the agent."
    return QuestionDraft(text, (KEEP_WAITING, *ending, CANCEL), questions.STUCK, step.tool_use_id, detail)


def repeating(block: Json, times: int) -> QuestionDraft:
    """Ask whether a call may run once more that gave the same so often."""
    return _circling(block, f"“{block['name']}” was called {times} times in a row, with the same input and result.")


def no_progress(block: Json, turns: int) -> QuestionDraft:
    """Ask whether work may go on in which so many turns brought nothing."""
    return _circling(block, f"In the last {turns} turns every call failed.")


def _circling(block: Json, what: str) -> QuestionDraft:
    text = f"{what} Is it to go on? Any other answer is told to the agent instead of running the next call."
    detail = {"tool": block["name"], "input": block["input"]}
    return QuestionDraft(text, (GO_ON, STOP), questions.REPEATING, block["id"], detail)
