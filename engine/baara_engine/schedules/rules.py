"""Rules of when something is due: by cron in a zone, every so often, or once.

Due times are milliseconds since 1970 UTC; they end with the year 9900. `cron` says what happens
on days on which clocks are set.
"""

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import explain

from baara_engine import errors
from baara_engine.clock import MS_PER_S, Millis
from baara_engine.records import Json
from baara_engine.schedules import cron, zones

LATEST: Millis = int(datetime(cron.LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp() * MS_PER_S) - 1
SHORTEST_S = 1
LONGEST_S = 366 * 86_400  # a leap year; what is rarer is a date, which is what cron is for
ORDINAL = re.compile(r"(?<=[2-5])([123])th\b")
REMEMBERED = 2048  # answers: after a wake all schedules are asked from the same moment, and many have the same rule
UNITS_S = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True)
class Cron:
    """By what clocks show in a zone."""

    expression: str  #: as `cron.checked` gives it
    zone: str  #: an IANA name


@dataclass(frozen=True)
class Every:
    """At even intervals, whatever clocks show."""

    seconds: int
    anchor: Millis  #: one of its times. It gives the phase only: times before it are due as well


@dataclass(frozen=True)
class Once:
    """At one time, and then never again."""

    at: Millis


Rule = Cron | Every | Once


@functools.lru_cache(maxsize=REMEMBERED)
def next_after(rule: Rule, after: Millis) -> Millis | None:
    """Give the first due time strictly later than `after`, or None if there is none."""
    return next(_due(rule, after), None)


def upcoming(rule: Rule, after: Millis, count: int) -> list[Millis]:
    """Give the first `count` due times strictly later than `after`, or as many as there are."""
    return list(itertools.islice(_due(rule, after), count))


def between(rule: Rule, after: Millis, until: Millis) -> Iterator[Millis]:
    """Give the due times later than `after` and not later than `until`, in order, as they are asked for."""
    return itertools.takewhile(lambda at: at <= until, _due(rule, after))


def describe(rule: Rule, zone: str = "UTC") -> str:
    """Say in plain words when it is due. A single time is told by the clocks of `zone`."""
    match rule:
        case Cron():
            words = explain.Expression(rule.expression.split()).explain()
            return f"{ORDINAL.sub(_ordinal, words)} ({rule.zone})"
        case Every():
            return f"Every {_duration(rule.seconds)}"
        case Once():
            local = datetime.fromtimestamp(rule.at / MS_PER_S, zones.named(zone))
            return f"Once, on {local:%A, %Y-%m-%d at %H:%M:%S} ({zone})"


def encode(rule: Rule) -> Json:
    """Give the rule in the form in which it is kept."""
    match rule:
        case Cron():
            return {"kind": "cron", "expression": rule.expression, "zone": rule.zone}
        case Every():
            return {"kind": "every", "seconds": rule.seconds, "anchor": rule.anchor}
        case Once():
            return {"kind": "once", "at": rule.at}


def decode(kept: Json) -> Rule:
    """Read a rule in the form in which it is kept. Raises `errors.InvalidInput` for anything else."""
    match kept:
        case {"kind": "cron", "expression": str(expression), "zone": str(zone), **rest} if not rest:
            zones.named(zone)
            return Cron(cron.checked(expression), zone)
        case {"kind": "every", "seconds": int(seconds), "anchor": int(anchor), **rest} if not rest:
            return Every(_within(seconds, SHORTEST_S, LONGEST_S), _within(anchor, 0, LATEST))
        case {"kind": "once", "at": int(at), **rest} if not rest:
            return Once(_within(at, 0, LATEST))
    raise errors.InvalidInput(f"This is no rule of when something is due: {str(kept)[:200]}.")


def _due(rule: Rule, after: Millis) -> Iterator[Millis]:
    """Give all due times later than `after`."""
    start = max(after, -1)
    match rule:
        case Cron() if start <= LATEST:
            for second in cron.due(rule.expression, rule.zone, start // MS_PER_S):
                yield second * MS_PER_S
        case Every():
            step = rule.seconds * MS_PER_S
            yield from range(start + step - (start - rule.anchor) % step, LATEST + 1, step)
        case Once() if rule.at > after:
            yield rule.at


def _ordinal(found: re.Match[str]) -> str:
    """Put right what the library calls “31th”."""
    return found[1] + {"1": "st", "2": "nd", "3": "rd"}[found[1]]


def _duration(seconds: int) -> str:
    """Give a length of time in the units that divide it."""
    if seconds == 1:
        return "second"
    words = []
    for unit, size in UNITS_S:
        number, seconds = divmod(seconds, size)
        if number:
            words.append(f"{number} {unit}{'s' if number > 1 else ''}")
    return " ".join(words) if len(words) > 1 else words[0].removeprefix("1 ")


def _within(value: int, low: int, high: int) -> int:
    if isinstance(value, bool) or not low <= value <= high:
        raise errors.InvalidInput(f"In a rule of when something is due, {value} is not within {low} and {high}.")
    return value
