"""Rules as people and programs write them: cron expressions, intervals, points in time. `phrases` reads plain words."""

import re
from datetime import UTC, datetime, timedelta

import tzlocal

from baara_engine import errors
from baara_engine.clock import MS_PER_S, Millis
from baara_engine.schedules import cron, rules, zones

UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
INTERVAL = re.compile(r"([0-9]{1,9})|" + "".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in "wdhms"))
FROM_NOW = re.compile(r"\+([0-9]{1,15}(?:\.[0-9]{1,9})?)([smhdw]?)")
EVERY_USAGE = "type an interval as in 90 (seconds), 15m, 2h30m, 1d or 2w"
AT_USAGE = "type a time as in 2027-01-31T07:00, 2027-01-31T07:00+01:00 or 2027-01-31T06:00Z, or +90, +10m, +2h, +1d"
SHOWN = 60  # characters of what was typed that an error repeats


def parse_cron(text: str, zone: str) -> rules.Cron:
    """Read a cron expression that holds in an IANA zone. Raises `errors.InvalidInput`."""
    return rules.Cron(cron.checked(text), zones.named(zone).key)


def parse_every(text: str, anchor: Millis) -> rules.Every:
    """Read an interval, such as `2h30m`; `anchor` is one of its times. Raises `errors.InvalidInput`."""
    found = INTERVAL.fullmatch("".join(text.lower().split()) or "-")
    if found is None:
        raise errors.InvalidInput(f"“{text[:SHOWN]}” is no interval; {EVERY_USAGE}.")
    sizes = zip(found.groups(default="0"), (1, *(UNITS_S[unit] for unit in "wdhms")), strict=True)
    return every(sum(int(number) * size for number, size in sizes), anchor)


def every(seconds: int, anchor: Millis) -> rules.Every:
    """Give the rule for an interval that is neither too short nor too long. Raises `errors.InvalidInput`."""
    if not rules.SHORTEST_S <= seconds <= rules.LONGEST_S:
        days = rules.LONGEST_S // UNITS_S["d"]
        raise errors.InvalidInput(f"An interval is a second at least and {days} days at most; {EVERY_USAGE}.")
    return rules.Every(seconds, anchor)


def parse_at(text: str, now: Millis, zone: str | None = None) -> rules.Once:
    """Read a point in time: ISO 8601, or `+` and a duration from `now`.

    A time that names no offset is by the clocks of `zone`, an IANA name, or by the computer's own if there is none.
    Raises `errors.InvalidInput`.
    """
    tzinfo = None if zone is None else zones.named(zone)
    try:
        at = _point(text.strip(), now, tzinfo)
    except (ValueError, OverflowError, OSError):
        at = -1
    if not 0 <= at <= rules.LATEST:
        raise errors.InvalidInput(f"“{text[:SHOWN]}” is no time; {AT_USAGE}.")
    return rules.Once(at)


def local_zone() -> str:
    """Give the IANA name of this computer's zone. Raises `errors.InvalidInput` if its zone has none."""
    try:
        name = tzlocal.get_localzone_name()
    except (LookupError, ValueError, OSError):
        name = None
    if not name:
        raise errors.InvalidInput(f"This computer does not say in which zone it is. Name it, as in {zones.EXAMPLES}.")
    return name


def _point(text: str, now: Millis, zone: zones.Zone | None) -> Millis:
    relative = FROM_NOW.fullmatch(text)
    if relative is None:
        read = datetime.fromisoformat(text)
        at = (read.replace(tzinfo=zone) if read.tzinfo is None and zone is not None else read).astimezone(UTC)
    else:
        number, unit = relative.groups()
        at = datetime.fromtimestamp(now / MS_PER_S, UTC) + timedelta(seconds=float(number) * UNITS_S[unit])
    return round(at.timestamp() * MS_PER_S)
