"""When something is due, found the slow way: every local date and every quarter of an hour is looked at.

Nothing of the engine's own arithmetic is used, so that both would have to be wrong alike.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from baara_engine.clock import Millis

Span = tuple[Millis, Millis]

MINUTE_MS = 60_000
QUARTER = timedelta(minutes=15)  # offsets of these zones and minutes of these expressions are multiples of it
FIRST_YEAR, LAST_YEAR = 2015, 2042  # in which sparse times are known throughout: ten years around those that are played
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@dataclass(frozen=True)
class Named:
    """A cron expression in a zone."""

    text: str
    zone: str

    @property
    def is_fixed(self) -> bool:
        minute, hour = self.text.split()[:2]
        return not minute.startswith("*") and not hour.startswith("*")


@functools.cache
def fixed(named: Named) -> list[Millis]:
    """Give all due times of the years that are known: each reading once, and those that are skipped once together."""
    minutes, hours, *days = _fields(named.text)
    zone = ZoneInfo(named.zone)
    found = set()
    for day in _dates(datetime(FIRST_YEAR, 1, 1).date(), datetime(LAST_YEAR, 1, 1).date()):  # noqa: DTZ001
        if _is_on(day, *days):
            found |= {_moment(day, hour, minute, zone) for hour in hours for minute in minutes}
    return sorted(found)


def shown(named: Named, spans: tuple[Span, ...]) -> list[Millis]:
    """Give the moments of these spans at which a local clock reads so."""
    return sorted(at for span in spans for at in _shown(named, span))


def _shown(named: Named, span: Span) -> Iterator[Millis]:
    minutes, hours, *days = _fields(named.text)
    at, end = (datetime.fromtimestamp(one // 1000, UTC) for one in span)
    at = at.replace(minute=0, second=0)
    zone = ZoneInfo(named.zone)
    while at < end:
        local = at.astimezone(zone)
        if local.minute in minutes and local.hour in hours and _is_on(local.date(), *days):
            yield _millis(at)
        at += QUARTER


def _moment(day: date, hour: int, minute: int, zone: ZoneInfo) -> Millis:
    """Give when clocks read so for the first time, or when they were set past it."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    at = local.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        after = at.astimezone(zone).utcoffset()
        while (at - timedelta(minutes=1)).astimezone(zone).utcoffset() == after:
            at -= timedelta(minutes=1)
    return _millis(at)


@functools.cache
def _fields(text: str) -> tuple[frozenset[int], ...]:
    return tuple(_field(field, *limits) for field, limits in zip(text.split(), LIMITS, strict=True))


def _field(text: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for term in text.split(","):
        range_, _, step = term.partition("/")
        first, _, last = (f"{low}-{high}" if range_ == "*" else range_).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return frozenset(found)


def _is_on(day: date, days: frozenset[int], months: frozenset[int], weekdays: frozenset[int]) -> bool:
    return day.day in days and day.month in months and day.isoweekday() % 7 in weekdays


def _dates(first: date, end: date) -> Iterator[date]:
    while first < end:
        yield first
        first += timedelta(days=1)


def _millis(at: datetime) -> Millis:
    return int(at.timestamp()) * 1000
