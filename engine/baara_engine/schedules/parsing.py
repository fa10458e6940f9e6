"""Rules as people type them. Whatever is wrong is said together with an example of what is right."""

import re
from datetime import UTC, datetime, timedelta

import tzlocal

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.schedules import cron, rules, zones

MS_PER_S = 1000
EVERY_EXAMPLE = "for example 90 (seconds), 15m, 2h30m or 1d"
AT_EXAMPLE = "for example 2027-01-31T07:00, 2027-01-31T06:00Z, +10m or +1d"

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LENGTH = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s?)?")


def parse_cron(text: str, zone: str) -> rules.Cron:
    """Read a cron expression. Raises `errors.InvalidInput`."""
    rule = rules.Cron(cron.checked(text), zone)
    zones.named(zone)
    return rule


def parse_every(text: str, anchor: Millis) -> rules.Every:
    """Read an interval, counted from `anchor`. Raises `errors.InvalidInput`."""
    found = LENGTH.fullmatch(text.strip().lower())
    parts = [int(number or 0) for number in found.groups()] if found else [0]
    seconds = sum(number * UNITS_S[unit] for number, unit in zip(parts, "dhms", strict=False))
    if not rules.SHORTEST_S <= seconds <= rules.LONGEST_S:
        raise errors.InvalidInput(f"“{text[:60]}” is no interval of a second to a year; {EVERY_EXAMPLE}.")
    return rules.Every(seconds, anchor)


def parse_at(text: str, now: Millis) -> rules.Once:
    """Read a moment: ISO 8601, local unless it names a zone, or `+` and a length. Raises `errors.InvalidInput`."""
    typed = text.strip()
    try:
        if typed.startswith("+"):
            at = datetime.fromtimestamp(now / MS_PER_S, UTC) + timedelta(seconds=parse_every(typed[1:], 0).seconds)
        else:
            at = datetime.fromisoformat(typed).astimezone(UTC)
    except (ValueError, OverflowError, OSError, errors.InvalidInput):
        raise errors.InvalidInput(f"“{text[:60]}” is no time; {AT_EXAMPLE}.") from None
    return rules.Once(round(at.timestamp() * MS_PER_S))


def local_zone() -> str:
    """Give the IANA name of this computer's zone."""
    return tzlocal.get_localzone_name()
