"""The four queues, and what each is for."""

from baara_engine import errors

TRANSFER = "transfer"
TIMER = "timer"
VISIBILITY = "visibility"
DLQ = "dlq"

PURPOSE: dict[str, str] = {
    TRANSFER: "standard work",
    TIMER: "whatever waits for a time: delays, retries, quota resets",
    VISIBILITY: "what a person is waiting for now",
    DLQ: "dead letters that are tried again, one at a time, because triage should not race",
}

DEFAULT_CONCURRENCY: dict[str, int] = {TRANSFER: 10, TIMER: 10, VISIBILITY: 10, DLQ: 1}

WORKING = (VISIBILITY, TRANSFER, DLQ)  #: queues that a worker claims from, in the order it looks
FOR_SUBMISSION = (TRANSFER, VISIBILITY)  #: queues that a person may choose

MAX_CONCURRENCY = 100  # more than any desktop runs at once; catches a slip of the finger

MOST_URGENT = 0
USUAL_PRIORITY = 2
LEAST_URGENT = 3


def require(name: str) -> None:
    """Raise `errors.NotFound` unless there is a queue of this name."""
    if name not in PURPOSE:
        raise errors.NotFound(f"There is no queue “{name}”. There are: {', '.join(PURPOSE)}.")


def require_for_submission(name: str) -> None:
    """Raise unless work can be submitted to this queue."""
    require(name)
    if name not in FOR_SUBMISSION:
        raise errors.InvalidInput(f"Work cannot be submitted to “{name}”. Choose: {', '.join(FOR_SUBMISSION)}.")
