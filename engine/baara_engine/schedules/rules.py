"""Rules by which something is due, and their due times, in ms since 1970 UTC.

Cron rules go by the clock on the wall of their zone, with Debian's rule for the days on which it is set (`cronsim`):
what has a fixed time of day and falls into the hour that is left out runs at the first moment after it, and what falls
into the hour that comes twice runs once; what recurs within the hour (`*` or a step in the minutes or hours) runs by
the time that goes by. Intervals are lengths of time, whatever the wall says.
"""

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import cronsim

from baara_engine import errors
from baara_engine.clock import Millis, iso
from baara_engine.records import Json

MS_PER_S = 1000
LAST: Millis = 253_000_000_000_000  # in the year 9987: the last that calendars here know of, less some years


@dataclass(frozen=True, slots=True)
class Cron:
    """By a cron expression of five fields, on the clock of an IANA zone."""

    expression: str
    zone: str


@dataclass(frozen=True, slots=True)
class Every:
    """Each so many seconds, counted from `anchor`, which is itself due."""

    seconds: float
    anchor: Millis


@dataclass(frozen=True, slots=True)
class Once:
    """At one moment."""

    at: Millis


Rule = Cron | Every | Once
KINDS: dict[str, type[Any]] = {"cron": Cron, "every": Every, "once": Once}


def next_after(rule: Rule, after: Millis) -> Millis | None:
    """Give the first due time later than `after`, None if there is none."""
    return next(_later(rule, after), None)


def upcoming(rule: Rule, after: Millis, count: int) -> list[Millis]:
    """Give the first `count` due times later than `after`; fewer, if there are fewer."""
    return list(itertools.islice(_later(rule, after), count))


def between(rule: Rule, after: Millis, until: Millis) -> Iterator[Millis]:
    """Give the due times in (after, until], oldest first."""
    return itertools.takewhile(lambda due: due <= until, _later(rule, after))


def describe(rule: Rule) -> str:
    """Say when it is due."""
    match rule:
        case Cron(expression, zone):
            return f"by “{expression}” ({zone})"
        case Every(seconds):
            return f"every {seconds:g} s"
        case Once(at):
            return f"once, at {iso(at)}"


def encode(rule: Rule) -> Json:
    """Give a rule as JSON."""
    return {"kind": type(rule).__name__.lower(), **asdict(rule)}


def decode(data: Json) -> Rule:
    """Read a rule that was stored. Raises `errors.StoreError` if it is none."""
    values = dict(data)
    try:
        rule: Rule = KINDS[values.pop("kind")](**values)
        next_after(rule, 0)
    except (KeyError, TypeError, ValueError, cronsim.CronSimError) as error:
        raise errors.StoreError(f"A stored schedule is not what was written: {str(data)[:200]}.") from error
    return rule


def _later(rule: Rule, after: Millis) -> Iterator[Millis]:
    match rule:
        case Once(at):
            yield from [at] if at > after else []
        case Every(seconds, anchor):
            step = round(seconds * MS_PER_S)
            yield from range(anchor + ((after - anchor) // step + 1) * step, LAST, step)
        case Cron(expression, zone):
            yield from _by_cron(expression, zone, after)


def _by_cron(expression: str, zone: str, after: Millis) -> Iterator[Millis]:
    """Give due times later than `after`: the library counts whole seconds, so it begins at the second before."""
    begin = datetime.fromtimestamp(min(max(after // MS_PER_S, 0), LAST // MS_PER_S), UTC).astimezone(ZoneInfo(zone))
    for found in cronsim.CronSim(expression, begin):
        due = round(found.timestamp()) * MS_PER_S
        if due > after:
            yield due
