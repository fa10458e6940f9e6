"""Rules in plain words: `every weekday at 7`, `on the 1st of each month at 8`, `every 2 hours`, `tomorrow at 9`.

A small grammar that reads the whole text or refuses it. Libraries for such phrases pick out what they recognise and
pass over the rest, which is how “not on Fridays” comes to run on Fridays; or they bring rules and a calendar of their
own, beside cron.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from baara_engine import errors
from baara_engine.clock import MS_PER_S, Millis
from baara_engine.schedules import cron, parsing, rules, zones

TEXT_MAX = 200  # characters
EXAMPLES = "“every weekday at 7”, “mondays and thursdays at 9:30”, “every 2 hours” or “tomorrow at 9am”"
DAYS = {"sun": "SUN", "mon": "MON", "tue": "TUE", "wed": "WED", "thu": "THU", "fri": "FRI", "sat": "SAT"}
DAY = (
    r"(?:sun(?:days?)?|mon(?:days?)?|tue(?:s(?:days?)?)?|wed(?:nesdays?)?|"
    r"thu(?:rs?(?:days?)?)?|fri(?:days?)?|sat(?:urdays?)?)"
)
ONE_DAY = r"(?:sun(?:day)?|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?)"
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905  # a list of words reads best so
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
NTH = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
ORDINAL = r"(?:[0-9]{1,2}(?:st|nd|rd|th))"
AND = r"(?:\s*,\s*and\s+|\s*,\s*|\s+and\s+|\s*&\s*)"
TIME = r"(?:noon|midnight|[0-9]{1,2}(?::[0-9]{2})?\s?(?:am|pm)?)"
SEVERAL = rf"(?P<times>{TIME}(?:{AND}{TIME})*)"
TIMES = (
    re.compile(rf"(?P<when>.*?)(?:^|\s+|,\s*)(?:at\s+|(?=[0-9]{{1,2}}(?::[0-9]{{2}}|\s?[ap]m))){SEVERAL}"),
    re.compile(rf"at\s+{SEVERAL},?\s+(?P<when>.+)"),
)
CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?\s?(am|pm)?")
EVERY = r"(?:(?:on|every|each) )?"
IN_MONTH = r"(?:of (?:each|every|the) month|monthly|(?:each|every) month)"
UNIT = r"(seconds?|secs?|minutes?|mins?|hours?|days?|weeks?)"


def parse_phrase(text: str, zone: str, now: Millis) -> rules.Rule:
    """Read a rule in plain English, by the clocks of an IANA zone. Raises `errors.InvalidInput` with examples.

    A number after “at” is an hour of 24 unless am or pm follows. Intervals count from `now`.
    """
    words = " ".join(text.lower().split())
    if len(words) > TEXT_MAX:
        raise errors.InvalidInput(f"That is too long. Say when as in {EXAMPLES}.")
    said = _Said(words, zones.named(zone), now)
    for pattern, read in _GRAMMAR:
        found = pattern.fullmatch(said.when)
        if found is not None:
            return read(said, *(group for group in found.groups() if group is not None))
    raise errors.InvalidInput(f"{_unknown(said)} Say when as in {EXAMPLES}.")


class _Said:
    """What was said: the days, and the times of day as (hour, minute)."""

    def __init__(self, words: str, zone: zones.Zone, now: Millis) -> None:
        found = next(filter(None, (pattern.fullmatch(words) for pattern in TIMES)), None)
        self.words, self.zone, self.now = words, zone, now
        self.when = words if found is None else found["when"].strip(" ,")
        self.times = [] if found is None else [_clock(time) for time in re.split(AND, found["times"])]

    def cron(self, days: str, *, month: str = "*", weekdays: str = "*") -> rules.Cron:
        """Give the rule for these days, at the times that were said."""
        if not self.times:
            raise errors.InvalidInput(f"“{self.words}”: at what time? As in “{self.words} at 7:30”.")
        minutes = {minute for _, minute in self.times}
        if len(minutes) > 1:
            raise errors.InvalidInput(
                f"“{self.words}”: times with different minutes need a schedule each, as in “daily at 7:30”."
            )
        hours = ",".join(str(hour) for hour in sorted({hour for hour, _ in self.times}))
        return parsing.parse_cron(f"{minutes.pop()} {hours} {days} {month} {weekdays}", self.zone.key)

    def once(self, day: date) -> rules.Once:
        """Give the rule for the one time that was said, on this day; it must be still to come."""
        if len(self.times) > 1:
            raise errors.InvalidInput(f"“{self.words}”: one time only. As in “tomorrow at 9:00”.")
        rule = self.cron(str(day.day), month=str(day.month))
        eve = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
        at = rules.next_after(rule, int(eve.timestamp()) * MS_PER_S)
        if at is None or at <= self.now:
            raise errors.InvalidInput(f"“{self.words}” is past. As in “tomorrow at 9:00”.")
        return rules.Once(at)

    def always(self, rule: rules.Rule) -> rules.Rule:
        """Give a rule that has no time of day."""
        if self.times:
            raise errors.InvalidInput(f"“{self.words}”: an interval has no time of day. As in “daily at 18:30”.")
        return rule

    def today(self) -> date:
        """Give the day by the clocks of the zone."""
        return datetime.fromtimestamp(self.now / MS_PER_S, self.zone).date()


def _clock(text: str) -> tuple[int, int]:
    if text in {"noon", "midnight"}:
        return (12 if text == "noon" else 0), 0
    found = CLOCK.fullmatch(text)
    hour, minute, half = (int(found[1]), int(found[2] or 0), found[3]) if found else (24, 0, None)
    if minute > 59 or (hour > 23 if half is None else not 1 <= hour <= 12):  # noqa: PLR2004  # as on any clock
        raise errors.InvalidInput(f"“{text}” is no time of day. As in “7”, “18:30”, “9am”, “noon” or “midnight”.")
    return (hour if half is None else hour % 12 + (12 if half == "pm" else 0)), minute


def _interval(said: _Said, *number_and_unit: str) -> rules.Rule:
    *number, unit = number_and_unit
    seconds = (2 if number == ["other"] else int("".join(number) or 1)) * parsing.UNITS_S[unit[0]]
    return said.always(parsing.every(seconds, said.now))


def _hourly(said: _Said) -> rules.Rule:
    return said.always(parsing.parse_cron("@hourly", said.zone.key))


def _daily(said: _Said) -> rules.Rule:
    return said.cron("*")


def _weekdays(said: _Said) -> rules.Rule:
    return said.cron("*", weekdays="MON-FRI")


def _weekend(said: _Said) -> rules.Rule:
    return said.cron("*", weekdays="SAT,SUN")


def _named_days(said: _Said, days: str) -> rules.Rule:
    return said.cron("*", weekdays=",".join(_day(day) for day in re.split(AND, days)))


def _range_of_days(said: _Said, first: str, last: str) -> rules.Rule:
    names = list(DAYS.values())
    begin, end = names.index(_day(first)), names.index(_day(last))
    end += 7 if end < begin else 0
    return said.cron("*", weekdays=",".join(names[index % 7] for index in range(begin, end + 1)))


def _days_of_month(said: _Said, days: str) -> rules.Rule:
    return said.cron(",".join(re.sub(r"[^0-9]", "", day) for day in re.split(AND, days)))


def _last_of_month(said: _Said) -> rules.Rule:
    return said.cron("L")


def _nth_of_month(said: _Said, nth: str, day: str) -> rules.Rule:
    if nth == "last":
        return said.cron("*", weekdays=f"{list(DAYS.values()).index(_day(day))}L")
    return said.cron("*", weekdays=f"{_day(day)}#{NTH[nth]}")


def _day_first(said: _Said, day: str, month: str) -> rules.Rule:
    return said.cron(re.sub(r"[a-z]+$", "", day), month=str(MONTHS.index(month[:3]) + 1))


def _month_first(said: _Said, month: str, day: str) -> rules.Rule:
    return _day_first(said, day, month)


def _today(said: _Said) -> rules.Rule:
    return said.once(said.today())


def _tomorrow(said: _Said) -> rules.Rule:
    return said.once(said.today() + timedelta(days=1))


def _next_day(said: _Said, day: str) -> rules.Rule:
    wanted, today = list(DAYS.values()).index(_day(day)), said.today()
    ahead = (wanted - today.isoweekday()) % 7 or 7
    return said.once(today + timedelta(days=ahead))


def _in_a_while(said: _Said, number: str, unit: str) -> rules.Rule:
    if number in {"a", "an"}:
        number = "1"
    return said.always(parsing.parse_at(f"+{number}{unit[0]}", said.now))


def _on_date(said: _Said, text: str) -> rules.Rule:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise errors.InvalidInput(f"“{text}” is no date. As in “2027-01-31 at 9:00”.") from None
    if not 1970 <= day.year <= cron.LAST_YEAR:  # noqa: PLR2004  # where due times begin
        raise errors.InvalidInput(f"“{text}” is too far away. As in “2027-01-31 at 9:00”.")
    return said.once(day)


def _one_day(said: _Said, day: str) -> rules.Rule:
    full = next(name for name in FULL_DAYS if name.startswith(day[:3]))
    raise errors.InvalidInput(f"“{said.words}”: every week or once? Say “every {full}” or “next {full}”.")


def _which_day(said: _Said, period: str = "year") -> rules.Rule:
    raise errors.InvalidInput(f"“{said.words}”: on what day? As in “{WHICH_DAY[period[0]]}”.")


def _day(text: str) -> str:
    return DAYS[text[:3]]


def _unknown(said: _Said) -> str:
    """Say what is wrong: the first word that no phrase has, if there is one."""
    for word in re.findall(r"[^\s,&]+", said.words):
        if not KNOWN.fullmatch(word):
            return f"“{said.words}”: the word “{word}” is not known here."
    return f"“{said.words}” is not understood as a whole."


WHICH_DAY = {"w": "every monday at 9", "m": "monthly on the 1st at 9", "y": "every year on 24 december at 9"}
FULL_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
KNOWN = re.compile(
    rf"{DAY}|{MONTH}|{ORDINAL}|{UNIT}|{'|'.join(NTH)}|[0-9:.+-]+(?:am|pm)?|am|pm|noon|midnight|at|on|in|of|the|and|to|"
    r"an?|every|each|last|next|other|day|weekdays?|weekends?|months?|years?|hourly|daily|weekly|monthly|yearly|annually|"
    r"today|tomorrow"
)
ONE_DATE = r"[0-9]{1,2}(?:st|nd|rd|th)?"
ORDINALS = rf"({ORDINAL}(?:{AND}(?:the )?{ORDINAL})*)"
MONTHLY = r"(?:monthly|(?:each|every) month),? on"
YEARLY = r"(?:yearly|annually|(?:each|every) year),? on"
_GRAMMAR: list[tuple[re.Pattern[str], Callable[..., rules.Rule]]] = [
    (re.compile(pattern), read)
    for pattern, read in (
        (r"hourly|(?:every|each) hour", _hourly),
        (r"daily|(?:every|each) day", _daily),
        (r"(week|month|year)ly|annually|(?:each|every) (week|month|year)", _which_day),
        (rf"every (?:([0-9]{{1,9}}|other) ?)?{UNIT}", _interval),
        (rf"{EVERY}weekdays?", _weekdays),
        (rf"{EVERY}weekends?", _weekend),
        (rf"(?:on )?({ONE_DAY})", _one_day),
        (rf"(?:weekly )?{EVERY}({DAY}(?:{AND}{DAY})*)", _named_days),
        (rf"(?:weekly )?{EVERY}({DAY})(?: ?- ?| to )({DAY})", _range_of_days),
        (rf"(?:on )?(?:the )?{ORDINALS} {IN_MONTH}", _days_of_month),
        (rf"{MONTHLY} (?:the )?{ORDINALS}", _days_of_month),
        (rf"(?:on )?the last day {IN_MONTH}|{MONTHLY} the last day", _last_of_month),
        (rf"(?:on )?(?:the )?({'|'.join(NTH)}|last) ({DAY}) {IN_MONTH}", _nth_of_month),
        (rf"{MONTHLY} the ({'|'.join(NTH)}|last) ({DAY})", _nth_of_month),
        (rf"{YEARLY} (?:the )?({ONE_DATE}) (?:of )?({MONTH})", _day_first),
        (rf"{YEARLY} ({MONTH}) (?:the )?({ONE_DATE})", _month_first),
        (r"today", _today),
        (r"tomorrow", _tomorrow),
        (rf"(?:on )?next ({DAY})", _next_day),
        (rf"in ([0-9]{{1,9}}|an?) ?{UNIT}", _in_a_while),
        (r"(?:on )?([0-9]{4}-[0-9]{2}-[0-9]{2})", _on_date),
    )
]
