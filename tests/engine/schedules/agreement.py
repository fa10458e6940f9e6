"""Due times against two libraries: the same expressions, zones and starting times, and each difference explained.

    python -m tests.engine.schedules.agreement --count 10000 --seed 1

cronsim is asked as its manual says, which is another way than ours: it is given the zone, and walks by itself.
croniter is another's work from end to end. Where they differ from ours, what is due is counted out minute by minute
from the rule as `cron` states it, with nothing but the zone and what croniter reads in the fields: there ours must be
right, and the other's difference must be of a class that is named below. Anything else ends the run.
"""

import argparse
import functools
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, zip_longest
from zoneinfo import ZoneInfo, available_timezones

import croniter
from cronsim import CronSim

from baara_engine import errors
from baara_engine.schedules import parsing, rules, zones

COUNT, STEPS = 10_000, 6
TICKS_MAX = 200_000  # six due times take some hundreds
MINUTE = timedelta(minutes=1)
WINDOW = timedelta(
    hours=49
)  # after a clock is set a library may be off: so much from there a difference is put down to it
FAVOURITES = (
    "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "America/St_Johns", "Pacific/Apia",
    "Africa/Casablanca", "Asia/Tehran", "America/Havana", "Asia/Beirut", "America/Nuuk", "Asia/Kathmandu", "UTC",
    "Antarctica/Troll",
)  # fmt: skip
CLASSES = {
    "cronsim: not later": "in or after a repeated hour it gives a time that is over when it is asked",
    "cronsim: lost or moved": (
        "with a star it walks by whole hours from the full hour, and loses or moves what stands near a shift of no "
        "whole number of hours, or that is not at a full hour"
    ),
    "cronsim: no midnight": (
        "with a star it begins a day at 0:00, and gives that or loses what is next where clocks go from 0:00 to 1:00"
    ),
    "cronsim: endless": "where clocks go back over midnight at a minute past, it goes round in circles for ever",
    "croniter: clock set forward": "it moves skipped readings by the length of the gap, or leaves them out",
    "croniter: clock set back": "it has another rule for readings that are shown twice",
}


@dataclass(frozen=True)
class Case:
    """One expression, in one zone, asked at one time."""

    expression: str
    zone: str
    after: int  #: seconds since 1970 UTC


class _EndlessError(Exception):
    """The library went round in circles."""


class _Bounded(CronSim):
    """The library, stopped after more steps than any expression takes."""

    ticks = 0

    def tick(self, seconds: int = 1) -> None:
        self.ticks += 1
        if self.ticks > TICKS_MAX:
            raise _EndlessError
        super().tick(seconds)


class Unexplained(AssertionError):
    """A difference that no class explains, or in which ours is wrong."""


def drawn(randomness: random.Random, count: int) -> Iterator[Case]:
    """Draw cases: half of them begin within two days of a clock being set, if there is one in that year."""
    every_zone = sorted(available_timezones() & set(zones._names()))
    while count:
        zone = randomness.choice(FAVOURITES if randomness.random() < 0.6 else every_zone)
        year = randomness.randrange(1975, 2090)
        hours = randomness.choice(((0, 23), (0, 4)))  # clocks are set in the small hours
        expression = " ".join(_field(randomness, *bounds) for bounds in ((0, 59), hours, (1, 31), (1, 12), (0, 7)))
        try:
            parsing.parse_cron(expression, zone)
        except errors.InvalidInput:
            continue  # impossible dates, which the tests of parsing know
        yield Case(expression, zone, _start(randomness, zone, year))
        count -= 1


def compare(case: Case) -> list[str]:
    """Name the classes of the differences that this case shows, or raise `Unexplained`."""
    rule = parsing.parse_cron(case.expression, case.zone)
    ours = [at // 1000 for at in rules.upcoming(rule, case.after * 1000, STEPS)]
    start = local(case)
    croniters = _by_croniter(case, start)
    names = [] if croniters == ours else [_explained("croniter", case, ours, croniters)]
    try:
        cronsims = _by_cronsim(case, start)
    except _EndlessError:
        return [*names, _explained_endless(case, ours)]
    return names if cronsims == ours else [*names, _explained("cronsim", case, ours, cronsims)]


def local(case: Case) -> datetime:
    """Give what clocks there show when it is asked."""
    return datetime.fromtimestamp(case.after, ZoneInfo(case.zone))


def main(arguments: list[str]) -> int:
    """Draw, compare and print the figures; give the exit status."""
    parser = argparse.ArgumentParser(prog="agreement")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options = parser.parse_args(arguments)
    classes: Counter[str] = Counter()
    different = 0
    for case in drawn(random.Random(options.seed), options.count):
        found = compare(case)
        classes.update(found)
        different += bool(found)
    print(
        f"seed {options.seed}: {options.count} cases of {STEPS} due times, {options.count - different} agree three ways"
    )
    for name, number in classes.most_common():
        print(f"{number:6} {name}: {CLASSES[name]}")
    return 0


def _field(randomness: random.Random, low: int, high: int) -> str:
    kind = randomness.random()
    if kind < (0.6 if low or high == 7 else 0.3):
        return "*"
    if kind < 0.75:
        return f"*/{randomness.randint(1, (high - low) // 2)}"
    begin, end = sorted(randomness.sample(range(low, high + 1), 2))
    step = randomness.randint(1, high - low)
    return randomness.choice([f"{begin}-{end}", f"{begin}-{end}/{step}", str(begin), str(begin), f"{begin},{end}"])


def _start(randomness: random.Random, zone: str, year: int) -> int:
    marks = [stretch.begin for stretch in zones.stretches(zone, year) if stretch.offset != stretch.before]
    if marks and randomness.random() < 0.5:
        return randomness.choice(marks) + randomness.randint(-2 * 86_400, 86_400)
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) + randomness.randrange(365 * 86_400)


def _by_cronsim(case: Case, start: datetime) -> list[int]:
    return [int(at.timestamp()) for at in islice(_Bounded(case.expression, start), STEPS)]


def _by_croniter(case: Case, start: datetime) -> list[int]:
    walk = croniter.croniter(case.expression, start, ret_type=datetime, implement_cron_bug=True)
    return [int(walk.get_next(datetime).timestamp()) for _ in range(STEPS)]


def _explained(library: str, case: Case, ours: list[int], theirs: list[int]) -> str:
    """Name the class of the first difference."""
    index = next(i for i, (a, b) in enumerate(zip_longest(ours, theirs)) if a != b)
    our, their = ours[index], theirs[index]
    previous = theirs[index - 1] if index else case.after
    if their <= previous and library == "cronsim":
        _check_counted(case, ours, index)
        return "cronsim: not later"
    change = _change_before(case.zone, min(our, their), max(our, their))
    if change is None:
        raise Unexplained(f"{case}: ours {our}, {library}'s {their}, and no clock is set")
    _check_counted(case, ours, index)
    if library == "croniter":
        return f"croniter: clock set {'forward' if change > 0 else 'back'}"
    changes = [] if _is_fixed(case) else _changes(case.zone, min(our, their), max(our, their))
    if any((s.offset - s.before) % 3600 or (s.begin + s.before) % 3600 for s in changes):
        return "cronsim: lost or moved"
    if any(s.offset > s.before and (s.begin + s.before) % 86_400 == 0 for s in changes):
        return "cronsim: no midnight"
    raise Unexplained(f"{case}: ours {our}, {library}'s {their}")


def _explained_endless(case: Case, ours: list[int]) -> str:
    for index in range(len(ours)):
        _check_counted(case, ours, index)
    changes = _changes(case.zone, case.after, ours[-1])
    if _is_fixed(case) or not any(s.offset < s.before and (s.begin + s.before) % 3600 == 60 for s in changes):
        raise Unexplained(f"{case}: cronsim does not come back")
    return "cronsim: endless"


def _check_counted(case: Case, ours: list[int], index: int) -> None:
    """Count out, minute by minute, that ours comes next after the one before it."""
    previous = ours[index - 1] if index else case.after
    since = max(previous, ours[index] - int(WINDOW.total_seconds()))
    first = next(minute for minute in _counted(case, since) if minute > since)
    if first != ours[index]:
        raise Unexplained(f"{case}: ours {ours[index]}, counted {first}")


def _counted(case: Case, after: int) -> Iterator[int]:
    """Give what is due from `after` on, by the rule as it is stated, looking at every minute."""
    zone, minute = ZoneInfo(case.zone), after // 60 * 60
    fixed, before = _is_fixed(case), datetime.fromtimestamp(after // 60 * 60 - 60, zone)
    while True:
        local = datetime.fromtimestamp(minute, zone)
        skipped = _between(before.replace(tzinfo=None) + MINUTE, local.replace(tzinfo=None)) if fixed else []
        shown = not (fixed and local.fold) and _matches(case.expression, local.replace(tzinfo=None))
        if shown or any(_matches(case.expression, reading) for reading in skipped):
            yield minute
        minute, before = minute + 60, local


def _between(first: datetime, end: datetime) -> list[datetime]:
    return [first + MINUTE * number for number in range(max((end - first) // MINUTE, 0))]


def _matches(expression: str, reading: datetime) -> bool:
    minutes, hours, days, months, weekdays = _expanded(expression)
    if not (_has(minutes, reading.minute) and _has(hours, reading.hour) and _has(months, reading.month)):
        return False
    day, weekday = _has(days, reading.day), _has(weekdays, reading.isoweekday() % 7)
    either = not any(field.startswith("*") for field in (expression.split()[2], expression.split()[4]))
    return (day or weekday) if either else (day and weekday)


@functools.lru_cache(maxsize=1000)
def _expanded(expression: str) -> list[list[int | str]]:
    return [list(field) for field in croniter.croniter.expand(expression)[0]]


def _has(field: list[int | str], value: int) -> bool:
    return field == ["*"] or value in field


def _is_fixed(case: Case) -> bool:
    return not any(field.startswith("*") for field in case.expression.split()[:2])


def _change_before(zone: str, low: int, high: int) -> int | None:
    """Give by how many seconds clocks were set last before `high`, if that was not long before `low`."""
    found = [stretch for stretch in _changes(zone, low, high) if low - WINDOW.total_seconds() <= stretch.begin <= high]
    return found[-1].offset - found[-1].before if found else None


def _changes(zone: str, low: int, high: int) -> list[zones.Stretch]:
    years = range(datetime.fromtimestamp(low, UTC).year - 1, datetime.fromtimestamp(high, UTC).year + 2)
    near = [stretch for year in years for stretch in zones.stretches(zone, year) if stretch.offset != stretch.before]
    return [stretch for stretch in near if low - WINDOW.total_seconds() <= stretch.begin <= high]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
