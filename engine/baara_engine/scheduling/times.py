"""The newest due times of a rule, found from the end: years of due times cost what a few cost."""

import functools
import itertools

from baara_engine.clock import Millis
from baara_engine.schedules import rules

FIRST_LOOK_MS = 60_000  # the first stretch that is looked through
LONGER = 8  # times as long is the next, where one held too few: each begins anew, and finds some times enough
COUNTED = 300  # due times of a run that are counted one by one, for some 20 ms; of more the number is left open


@functools.lru_cache(maxsize=rules.REMEMBERED)
def newest(rule: rules.Rule, after: Millis, until: Millis, count: int) -> tuple[Millis, ...]:
    """Give the newest `count` due times in (after, until], oldest first; fewer, if there are fewer."""
    length = FIRST_LOOK_MS
    while True:
        begin = max(after, until - length)
        found = list(rules.between(rule, begin, until))
        if len(found) >= count or begin <= after:
            return tuple(found[-count:])
        length *= LONGER


@functools.lru_cache(maxsize=rules.REMEMBERED)
def count(rule: rules.Rule, after: Millis, until: Millis) -> int | None:
    """Count the due times in (after, until]; None if they are too many."""
    if isinstance(rule, rules.Every):
        step = round(rule.seconds * 1000)
        return (until - rule.anchor) // step - (after - rule.anchor) // step
    found = sum(1 for _ in itertools.islice(rules.between(rule, after, until), COUNTED + 1))
    return found if found <= COUNTED else None
