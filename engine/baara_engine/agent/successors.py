"""What is asked where a model is not there (any more): which one is to go on instead. None takes over unasked.

Models of one family follow one another, so the newest of the same family is offered first. Dated with `windows`.
"""

import re

from baara_engine.agent import windows
from baara_engine.config import OFFLINE
from baara_engine.records import QuestionDraft

KIND = "model"  #: of the question
TRY_AGAIN = "Try again"
STOP = "Stop"
USE = "Use "  #: stands before the name of another model
FAMILY = re.compile(r"fable|mythos|opus|sonnet|haiku")
MOST = 3  # that are offered; any other can be named in the answer


def of(model: str) -> list[str]:
    """Give models that may go on for this one, the likeliest first."""
    known = [name for name in windows.TABLE if name not in {model, OFFLINE}]
    family = _family(model)
    same = [name for name in known if family is not None and _family(name) == family]
    newest = list({_family(name): name for name in reversed(known)}.values())[::-1]  # of each family, the first listed
    return list(dict.fromkeys([*same[:1], *newest]))[:MOST]


def question(model: str, said: str) -> QuestionDraft:
    """Ask which model is to go on."""
    options = (*(f"{USE}{name}" for name in of(model)), TRY_AGAIN, STOP)
    text = f"{said} Which model is to go on? What was done so far is kept. You can also answer “{USE}” and any model."
    return QuestionDraft(text, options, KIND, detail={"model": model})


def chosen(answer: str) -> str | None:
    """Give the model that an answer names, None if it names none."""
    name = answer.removeprefix(USE).strip() if answer.startswith(USE) else ""
    return name or None


def _family(model: str) -> str | None:
    found = FAMILY.search(model)
    return found[0] if found else None
