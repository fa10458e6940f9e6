import random

import pytest

from baara_engine.errors import FailureKind
from baara_engine.retry import Decision, GiveUp, Park, RetryAt, decide

K = FailureKind
NOW = 1_000_000

VERDICTS: list[tuple[K, type[Decision]]] = [
    (K.RATE_LIMIT, Park),
    (K.OVERLOADED, Park),
    (K.OFFLINE, Park),
    (K.KEY, Park),
    (K.BILLING, Park),
    (K.OUTAGE, Park),
    (K.BUDGET, Park),
    (K.SERVER, RetryAt),
    (K.BROKEN_ANSWER, RetryAt),
    (K.SANDBOX, RetryAt),
    (K.INTERNAL, RetryAt),
    (K.TIMED_OUT, RetryAt),
    (K.COMMAND, RetryAt),
    (K.REQUEST, GiveUp),
    (K.MODEL, GiveUp),
    (K.REFUSAL, GiveUp),
    (K.CONTEXT, GiveUp),
    (K.TURNS, GiveUp),
    (K.DAMAGED, GiveUp),
    (K.POISON, GiveUp),
]


def decided(kind: K, attempt: int = 1, max_retries: int = 3, retry_after_s: float | None = None) -> Decision:
    return decide(
        kind, attempt=attempt, max_retries=max_retries, now=NOW, retry_after_s=retry_after_s,
        randomness=random.Random(7),
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "verdict"), VERDICTS)
def test_every_kind_of_failure_has_its_verdict(kind: K, verdict: type[Decision]) -> None:
    """What is nobody's fault is parked, what may pass is tried again, what cannot is given up."""
    assert isinstance(decided(kind), verdict)


def test_the_table_above_names_every_kind() -> None:
    """No kind of failure is without a decision."""
    assert {kind for kind, _ in VERDICTS} == set(K)


@pytest.mark.parametrize(
    ("attempt", "max_retries", "again"), [(1, 0, False), (1, 1, True), (2, 1, False), (3, 3, True)]
)
def test_attempts_run_out(attempt: int, max_retries: int, again: bool) -> None:  # noqa: FBT001
    """With N retries there are N + 1 attempts."""
    assert isinstance(decided(K.SERVER, attempt, max_retries), RetryAt) == again


def test_parking_never_runs_out() -> None:
    """However often work has been parked, it is not given up."""
    assert isinstance(decided(K.OFFLINE, attempt=1000, max_retries=0), Park)


def test_delays_grow_with_jitter_and_have_a_limit() -> None:
    """2 s, then double each time, within a quarter either way, and ten minutes at most."""
    for attempt, expected in [(1, 2_000), (2, 4_000), (3, 8_000), (50, 600_000)]:
        decision = decided(K.SERVER, attempt, 100)
        assert isinstance(decision, RetryAt)
        assert 0.75 * expected <= decision.at - NOW <= 1.25 * expected


@pytest.mark.parametrize(("said", "waits"), [(3600.0, 3_600_000), (0.0, 1_000), (None, 60_000)])
def test_the_service_is_believed_about_when_to_come_back(said: float | None, waits: int) -> None:
    """A rate limit waits as long as the service says, a second at least, a minute if it says nothing."""
    assert decided(K.RATE_LIMIT, retry_after_s=said) == Park(NOW + waits, K.RATE_LIMIT)
