"""Rules as people type them. Whatever is wrong is said together with an example of what is right."""

import re
import zoneinfo
from datetime import UTC, datetime, timedelta

import cronsim
import tzlocal

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.schedules import rules

MS_PER_S = 1000
FIELDS = 5
SHORT = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
CRON_EXAMPLE = "for example “0 7 * * 1-5”: at 7:00 from Monday to Friday"
EVERY_EXAMPLE = "for example 90 (seconds), 15m, 2h30m or 1d"
AT_EXAMPLE = "for example 2027-01-31T07:00, 2027-01-31T06:00Z, +10m or +1d"

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LENGTH = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s?)?")
SHORTEST_S = 1  # what is due more often is not a schedule
LONGEST_S = 366 * 86400 * 10  # ten years


def parse_cron(text: str, zone: str) -> rules.Cron:
    """Read a cron expression. Raises `errors.InvalidInput`."""
    expression = SHORT.get(text.strip().lower(), " ".join(text.split()))
    if len(expression.split()) != FIELDS:
        names = ", ".join(SHORT)
        raise errors.InvalidInput(
            f"“{text[:60]}” is no cron expression: it has five fields (minute, hour, day of month, month, day of week) "
            f"or is one of {names}; {CRON_EXAMPLE}."
        )
    _require_zone(zone)
    try:
        rule = rules.Cron(expression, zone)
        if rules.next_after(rule, 0) is None:
            raise errors.InvalidInput(f"“{expression}” is never due: there is no such day; {CRON_EXAMPLE}.")
    except cronsim.CronSimError as error:
        raise errors.InvalidInput(f"“{text[:60]}” is no cron expression: {error}; {CRON_EXAMPLE}.") from error
    return rule


def parse_every(text: str, anchor: Millis) -> rules.Every:
    """Read an interval, counted from `anchor`. Raises `errors.InvalidInput`."""
    found = LENGTH.fullmatch(text.strip().lower())
    parts = [int(number or 0) for number in found.groups()] if found else [0]
    seconds = sum(number * UNITS_S[unit] for number, unit in zip(parts, "dhms", strict=False))
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise errors.InvalidInput(f"“{text[:60]}” is no interval of a second to ten years; {EVERY_EXAMPLE}.")
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


def _require_zone(zone: str) -> None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise errors.InvalidInput(f"There is no time zone “{zone[:60]}”; for example Europe/Paris or UTC.") from None
