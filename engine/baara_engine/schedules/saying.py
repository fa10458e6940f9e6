"""When something is due, in whatever way a person says it: a cron expression, an interval, a moment, or words."""

import re

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.schedules import parsing, phrases, rules

EXAMPLES = "every weekday at 7 · every 2h · 0 7 * * 1-5 · +30m · 2027-01-31 07:00"
CRON = re.compile(r"@\w+|(?:[\d*/,\-A-Za-z#?L]+\s+){4}[\d*/,\-A-Za-z#?L]+")
INTERVAL = re.compile(r"(?:every\s+)?((?:\d+\s*[smhdw]\s*)+|\d+)", re.IGNORECASE)
MOMENT = re.compile(r"\+\s*\d|\d{4}-\d\d-\d\d")


def parse(text: str, zone: str | None, now: Millis) -> rules.Rule:
    """Read when something is due. Raises `errors.InvalidInput`, with examples."""
    said = text.strip()
    if not said:
        raise errors.InvalidInput(f"Say when it is due. For example: {EXAMPLES}.")
    if CRON.fullmatch(said):
        return parsing.parse_cron(said, zone or parsing.local_zone())
    interval = INTERVAL.fullmatch(said)
    if interval is not None:
        return parsing.parse_every(interval[1], now)
    if MOMENT.match(said):
        return parsing.parse_at(said, now, zone)
    return phrases.parse_phrase(said, zone or parsing.local_zone(), now)
