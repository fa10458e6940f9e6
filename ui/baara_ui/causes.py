"""Why something failed, in the words of a heading."""

from baara_engine.errors import FailureKind

K = FailureKind
TOLD: dict[str, str] = {
    K.COMMAND: "The command failed",
    K.TIMED_OUT: "It used all its time",
    K.TURNS: "It used all its turns",
    K.REQUEST: "The service refused the request",
    K.REFUSAL: "The model declined",
    K.CONTEXT: "The conversation is too long",
    K.MODEL: "The model is not there",
    K.SERVER: "The service kept failing",
    K.BROKEN_ANSWER: "The answers kept breaking off",
    K.SANDBOX: "The sandbox failed",
    K.DAMAGED: "Its journal is damaged",
    K.POISON: "It kept killing the engine",
    K.INTERNAL: "A defect of Baara",
}


def told(cause: str | None) -> str:
    """Give the heading for a cause."""
    return TOLD.get(cause or "", "It failed")
