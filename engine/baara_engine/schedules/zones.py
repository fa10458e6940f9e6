"""Zones of the world: their names, and the stretches of time over which a zone's offset stays the same."""

import difflib
import functools
import itertools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from baara_engine import errors

Zone = zoneinfo.ZoneInfo
DAY_S = 86_400
NAME_MAX = 80  # characters; the longest name there is has 32
EXAMPLES = "“Europe/Vienna”, “America/New_York” or “UTC”"


@dataclass(frozen=True)
class Stretch:
    """A time over which local clocks are never set: all in seconds, times since 1970 UTC, offsets east of UTC."""

    begin: int
    end: int  #: the first second that does not belong to it
    offset: int
    before: int  #: the offset until `begin`: what differs from `offset` is by how much clocks are set at `begin`


@functools.lru_cache(maxsize=4096)  # of a hundred bytes or two; forty years in a hundred zones
def stretches(name: str, year: int) -> tuple[Stretch, ...]:
    """Give the stretches of a year (UTC) in a zone, in order and without gaps. Raises `errors.InvalidInput`."""
    zone = named(name)
    begin, end = _new_year(year), _new_year(year + 1)
    marks = [begin, *_changes(zone, begin, end), end]
    return tuple(
        Stretch(mark, until, _offset(zone, mark), _offset(zone, mark - 1)) for mark, until in itertools.pairwise(marks)
    )


def named(name: str) -> zoneinfo.ZoneInfo:
    """Give a zone by its IANA name, exactly as it is spelt there. Raises `errors.InvalidInput`."""
    if name not in _names():
        raise errors.InvalidInput(f"There is no time zone “{name[:NAME_MAX]}”. {_hint(name)}")
    return zoneinfo.ZoneInfo(name)


def _changes(zone: zoneinfo.ZoneInfo, begin: int, end: int) -> Iterator[int]:
    """Find each second in (begin, end) at which the offset is another than just before.

    It looks once a day: no zone since 1970 has set its clocks and set them back within one.
    """
    for day in range(begin, end, DAY_S):
        last = min(day + DAY_S, end) - 1
        if _offset(zone, day) != _offset(zone, last):
            yield _first_change(zone, day, last)
        if last + 1 < end and _offset(zone, last) != _offset(zone, last + 1):
            yield last + 1


def _first_change(zone: zoneinfo.ZoneInfo, low: int, high: int) -> int:
    """Halve (low, high] until one second is left."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == _offset(zone, low):
            low = middle
        else:
            high = middle
    return high


def _offset(zone: zoneinfo.ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _new_year(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


@functools.cache
def _names() -> frozenset[str]:
    """Zones as they are named for people. Left out: those that count leap seconds, and links to a machine's own."""
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


def _hint(name: str) -> str:
    by_fold = {known.casefold(): known for known in _names()}
    near = difflib.get_close_matches(name[:NAME_MAX].strip().replace(" ", "_").casefold(), by_fold, n=1, cutoff=0.75)
    return f"Did you mean “{by_fold[near[0]]}”?" if near else f"Name one as in {EXAMPLES}."
