"""Points in time, as people say and read them."""

from datetime import UTC, datetime, timedelta

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.schedules import parsing

MORNING = 8  # o'clock, when what was put off comes back
MS_PER_S = 1000


def until(said: str, now: Millis) -> Millis:
    """Give the moment that is meant: “tomorrow”, “monday”, “+3h” or a time. Raises `errors.InvalidInput`."""
    here = local(now)
    morning = here.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    if said == "tomorrow":
        return millis(morning + timedelta(days=1))
    if said == "monday":
        return millis(morning + timedelta(days=7 - here.weekday()))
    if not said:
        raise errors.InvalidInput("Say when: +3h, tomorrow, monday, or a date and a time.")
    return parsing.parse_at(said, now).at


def read(text: str) -> Millis | None:
    """Give the moment that was written as ISO 8601; None if it is none."""
    try:
        return millis(datetime.fromisoformat(text))
    except ValueError:
        return None


def told(moment: Millis) -> str:
    """Write a moment in this computer's zone."""
    return local(moment).strftime("%A, %d %B, %H:%M")


def local(moment: Millis) -> datetime:
    """Give a moment by the clocks of this computer's zone."""
    return datetime.fromtimestamp(moment / MS_PER_S, UTC).astimezone()


def millis(moment: datetime) -> Millis:
    """Give the moment that a date and a time stand for."""
    return int(moment.timestamp() * MS_PER_S)
