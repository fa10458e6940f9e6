"""Cron expressions: what may stand in one, and the seconds at which it is due in a zone.

The library reads the fields and finds matching readings of a local clock that nobody sets. What happens when clocks are
set is decided here, stretch by stretch, since the library's own walk goes wrong where they are set by half an hour.

* A *fixed* expression (neither minute nor hour begins with a star: `30 2 * * *`) is due once for each reading it names.
  If the clock is set forward over readings, all that it skips are due together, once, when it is set. If it is set back
  and shows a reading twice, the first time counts.
* Any other expression (`*/15 * * * *`, `30 * * * *`) goes by what local clocks show: it is due at every moment that
  reads so, twice if it reads so twice, and not at all if it is skipped.
"""

import copy
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import cronsim

from baara_engine import errors
from baara_engine.schedules import zones

LAST_YEAR = 9900  # the calendar ends with 9999, and the library looks fifty years ahead
TEXT_MAX = 200  # characters of an expression; `0 9 * * 1-5` has eleven
ALIASES = {
    "@HOURLY": "0 * * * *",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@WEEKLY": "0 0 * * 0",
    "@MONTHLY": "0 0 1 * *",
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
EXAMPLE = "As in “30 7 * * 1-5”: at 7:30 on weekdays; the fields are minute, hour, day, month, day of the week"
TERM = re.compile(r"(\*|[0-9A-Z]+)(?:-([0-9A-Z]+))?(?:/([0-9]{1,3}))?")
NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Field:
    """One of the five, with what may stand in it."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    special: re.Pattern[str] = NOTHING


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31, special=re.compile(r"LW?")),
    Field("month", 1, 12, MONTHS),
    Field("day of the week", 0, 7, DAYS, special=re.compile(r"([0-9A-Z]+?)(?:L|#[1-5])")),
)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # readings of a local clock have no zone
SECOND = timedelta(seconds=1)
ANY_TIME = datetime(2000, 1, 1)  # noqa: DTZ001  # likewise


def due(expression: str, zone: str, after: int) -> Iterator[int]:
    """Give every due second strictly later than `after`, in order (both since 1970 UTC), while there are any.

    Raises `errors.InvalidInput` for an expression or zone that is none.
    """
    fixed, last, bare = _is_fixed(expression), after, (0, 0)  # no reading is due after the one and before the other
    for stretch in _stretches_from(zone, after):
        begin = stretch.begin + (stretch.before if fixed else stretch.offset)
        start = begin - 1 if last < stretch.begin else max(begin - 1, last + stretch.offset)
        end = stretch.end + stretch.offset
        if bare[0] <= start and end <= bare[1]:
            continue
        for reading in _readings(expression, start):
            if reading >= end:
                bare = (start, reading)
                break
            at = max(reading - stretch.offset, stretch.begin)
            if at > last:
                last = at
                yield at


def checked(text: str) -> str:
    """Give an expression as it is kept: five fields in capitals. Raises `errors.InvalidInput`, saying what is wrong."""
    if len(text) > TEXT_MAX:
        raise errors.InvalidInput(f"That is too long for a cron expression. {EXAMPLE}.")
    fields = _fields(text)
    for field, value in zip(FIELDS, fields, strict=True):
        for term in value.split(","):
            _check_term(field, term)
    expression = " ".join(fields)
    _parsed(expression)
    return expression


def _stretches_from(zone: str, after: int) -> Iterator[zones.Stretch]:
    first = datetime.fromtimestamp(max(after, 0), UTC).year
    for year in range(first, LAST_YEAR + 1):
        yield from (stretch for stretch in zones.stretches(zone, year) if stretch.end > after)


def _fields(text: str) -> list[str]:
    upper = text.strip().upper()
    fields = ALIASES.get(upper, upper).split()
    if upper.startswith("@") and upper not in ALIASES:
        known = ", ".join(alias.lower() for alias in ALIASES)
        raise errors.InvalidInput(f"“{text.strip()[:40]}” is no time. Those with an @ are {known}.")
    if len(fields) != len(FIELDS):
        raise errors.InvalidInput(f"A cron expression has five fields, not {len(fields)}. {EXAMPLE}.")
    return fields


def _check_term(field: Field, term: str) -> None:
    special, plain = field.special.fullmatch(term), TERM.fullmatch(term)
    if special is not None:
        _check_values(field, term, special.groups())
    elif plain is None:
        raise _wrong(field, term, "is not understood")
    else:
        _check_values(field, term, plain.group(1, 2))
        _check_step(field, term, *plain.groups())


def _check_values(field: Field, term: str, values: tuple[str | None, ...]) -> None:
    numbers = [_number(field, term, value) for value in values if value not in {None, "*"}]
    if len(values) > 1 and values[0] == "*" and values[1] is not None:
        raise _wrong(field, term, "is not understood")
    if numbers != sorted(numbers):
        raise _wrong(field, term, "runs backwards; write it as two with a comma between")


def _number(field: Field, term: str, value: str | None) -> int:
    if value in field.names:
        return field.names.index(value) + field.low
    if value is None or not value.isdecimal():
        raise _wrong(field, term, "is not understood")
    if not field.low <= int(value) <= field.high:
        raise _wrong(field, term, f"is outside {field.low} to {field.high}")
    return int(value)


def _check_step(field: Field, term: str, first: str, last: str | None, step: str | None) -> None:
    """Refuse steps that the library and people read differently."""
    if step is None:
        return
    if first != "*" and last is None:
        raise _wrong(field, term, f"has a step and no range; write “{first}-{field.high}/{step}”")
    if not 0 < int(step) <= field.high - field.low:
        more = "; for longer intervals there is “every”, as in “90m”" if field.name == "minute" else ""
        raise _wrong(field, term, f"has a step that does not fit into the field{more}")


def _wrong(field: Field, term: str, what: str) -> errors.InvalidInput:
    return errors.InvalidInput(f"“{term[:40]}” {what} (the field {field.name}). {EXAMPLE}.")


def _is_fixed(expression: str) -> bool:
    minute, hour = expression.split()[:2]
    return not minute.startswith("*") and not hour.startswith("*")


def _readings(expression: str, after: int) -> Iterator[int]:
    """Give what local clocks show when it is due, as seconds since they showed 1970, strictly later than `after`."""
    walk = copy.copy(_parsed(expression))
    walk.dt = EPOCH + after * SECOND
    for reading in walk:
        yield (reading - EPOCH) // SECOND


@functools.lru_cache(maxsize=1024)
def _parsed(expression: str) -> cronsim.CronSim:
    """Parse once. Any 28 years hold every date on every day of the week: what is not in fifty never comes."""
    try:
        next(cronsim.CronSim(expression, ANY_TIME))
        return cronsim.CronSim(expression, ANY_TIME)
    except (cronsim.CronSimError, StopIteration):
        raise errors.InvalidInput(f"“{expression}” is never due: no such date exists. {EXAMPLE}.") from None
