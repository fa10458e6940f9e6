"""Points in time as people type them."""

import re
from datetime import UTC, datetime, timedelta

from baara_engine import errors
from baara_engine.clock import Millis

MS_PER_S = 1000
UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
FROM_NOW = re.compile(r"\+([0-9]+(?:\.[0-9]+)?)([smhd]?)")
USAGE = "type a time as in 2027-01-31T07:00, 2027-01-31T07:00+01:00 or 2027-01-31T06:00Z, or +90, +10m, +2h, +1d"


def parse(text: str, now: Millis) -> Millis:
    """Read a point in time: ISO 8601, local unless it names a zone, or `+` and a duration from `now`.

    Raises `errors.InvalidInput`.
    """
    try:
        return _parse(text.strip(), now)
    except (ValueError, OverflowError, OSError):
        raise errors.InvalidInput(f"--at: “{text[:60]}” is no time; {USAGE}.") from None


def _parse(text: str, now: Millis) -> Millis:
    relative = FROM_NOW.fullmatch(text)
    if relative is None:
        at = datetime.fromisoformat(text).astimezone(UTC)
    else:
        number, unit = relative.groups()
        at = datetime.fromtimestamp(now / MS_PER_S, UTC) + timedelta(seconds=float(number) * UNITS_S[unit])
    return round(at.timestamp() * MS_PER_S)
