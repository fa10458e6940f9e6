"""What happens after an attempt has failed: a pure decision, made nowhere else."""

import random
from dataclasses import dataclass

from baara_engine.clock import Millis
from baara_engine.errors import FailureKind

MS_PER_S = 1000

FIRST_DELAY_S = 2.0  # most passing faults are over by then
LONGEST_DELAY_S = 600.0  # ten minutes: a fault that outlasts this is not helped by asking more often
JITTER = 0.25  # of the delay: keeps what failed together from coming back together

# What is nobody's fault waits without using up an attempt; seconds until it is looked at again, unless the service
# itself named a time. What is missing (a key, credit) is looked at again the moment it comes.
PARK_S: dict[FailureKind, float] = {
    FailureKind.RATE_LIMIT: 60.0,
    FailureKind.OVERLOADED: 30.0,
    FailureKind.OFFLINE: 15.0,
    FailureKind.KEY: 300.0,
    FailureKind.BILLING: 300.0,
    FailureKind.OUTAGE: 30.0,
    FailureKind.BUDGET: 600.0,
}

# What of these ends by something else than time: when it is looked at next is nobody's business.
UNTIL_CHANGED = frozenset({FailureKind.KEY, FailureKind.BILLING, FailureKind.OFFLINE})

SHORTEST_PARK_S = 1.0  # a service that says "now" and refuses again must not be asked in a circle

# Trying these again changes nothing.
HOPELESS = frozenset(
    {
        FailureKind.REQUEST,
        FailureKind.MODEL,
        FailureKind.REFUSAL,
        FailureKind.CONTEXT,
        FailureKind.TURNS,
        FailureKind.DAMAGED,
        FailureKind.POISON,
    }
)


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at this time, as a new attempt."""

    at: Millis


@dataclass(frozen=True, slots=True)
class Park:
    """Wait until this time at the latest, as the same attempt."""

    until: Millis
    reason: FailureKind


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It becomes a dead letter."""


Decision = RetryAt | Park | GiveUp


def decide(
    kind: FailureKind,
    *,
    attempt: int,
    max_retries: int,
    now: Millis,
    retry_after_s: float | None,
    randomness: random.Random,
) -> Decision:
    """Decide what follows the failure of attempt number `attempt` (from 1)."""
    if kind in PARK_S:
        return Park(now + _ms(park_s(kind, retry_after_s)), kind)
    if kind in HOPELESS or attempt > max_retries:
        return GiveUp()
    return RetryAt(now + _ms(_delay_s(attempt, randomness)))


def park_s(kind: FailureKind, retry_after_s: float | None) -> float:
    """Give for how many seconds a failure of a kind in `PARK_S` parks: the service's own time, if it gave one."""
    return PARK_S[kind] if retry_after_s is None else max(retry_after_s, SHORTEST_PARK_S)


def _delay_s(attempt: int, randomness: random.Random) -> float:
    delay = min(FIRST_DELAY_S * 2.0 ** (attempt - 1), LONGEST_DELAY_S)
    return delay * randomness.uniform(1 - JITTER, 1 + JITTER)


def _ms(seconds: float) -> int:
    return round(seconds * MS_PER_S)
