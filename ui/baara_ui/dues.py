"""What a person has typed for when something is due, and when that would be."""

from dataclasses import dataclass

from baara_engine import errors, words
from baara_engine.clock import Millis
from baara_engine.schedules import rules, saying
from baara_engine.scheduling import definitions


@dataclass(frozen=True, slots=True)
class Due:
    """What was understood."""

    rule: rules.Rule | None = None
    told: str = ""  #: in words, with the next due times
    error: str = ""


def of(text: str, now: Millis, zone: str | None = None) -> Due:
    """Understand it, or say why not. Nothing that is typed means: now."""
    if not text.strip() or text.strip().lower() == "now":
        return Due()
    try:
        rule = saying.parse(text, zone, now)
        due = definitions.require_due(rule, now)
    except errors.InvalidInput as error:
        return Due(error=error.message)
    return Due(rule, f"{rules.describe(rule)}. Next: {'; '.join((words.local(at) or '')[:16] for at in due)}.")
