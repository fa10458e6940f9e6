"""Points in time, as people say and read them."""

from datetime import UTC, datetime, timedelta

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.schedules import parsing

MORNING = 8  # o'clock, when what was put off comes back
MS_PER_S = 1000


def until(said: str, now: Millis) -> Millis:
    """Give the moment that is meant: “tomorrow”, “monday”, “+3h” or a time. Raises `errors.InvalidInput`."""
    local = _local(now)
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    if said == "tomorrow":
        return _millis(morning + timedelta(days=1))
    if said == "monday":
        return _millis(morning + timedelta(days=7 - local.weekday()))
    if not said:
        raise errors.InvalidInput("Say when: +3h, tomorrow, monday, or a date and a time.")
    return parsing.parse_at(said, now).at


def told(moment: Millis) -> str:
    """Write a moment in this computer's zone."""
    return _local(moment).strftime("%A, %d %B, %H:%M")


def _local(moment: Millis) -> datetime:
    return datetime.fromtimestamp(moment / MS_PER_S, UTC).astimezone()


def _millis(moment: datetime) -> Millis:
    return int(moment.timestamp() * MS_PER_S)
