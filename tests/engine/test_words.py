from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from baara_engine import words
from baara_engine.engine import Engine
from baara_engine.records import Execution
from baara_engine.requests import Submission
from baara_engine.states import Outcome, Status


@pytest.fixture
def execution(engine: Engine) -> Execution:
    """Give one that is queued."""
    return engine.submit(Submission(prompt="x"))


def test_every_state_has_a_word(execution: Execution) -> None:
    """Whatever state an execution is in, a person reads one of the words that are used everywhere."""
    known = {"Queued", "Running", "Needs you", "Failed", "Ran", "Cancelled", "Waiting for its turn"}
    assert {words.state(replace(execution, status=status)) for status in Status} == known


def test_the_outcome_goes_before_the_state(execution: Execution) -> None:
    """What has ended is told by its outcome, what waits by its reason, what is called off by that."""
    ended = replace(execution, status=Status.COMPLETED, outcome=Outcome.NOTHING_TO_DO)
    parked = replace(execution, status=Status.RETRY_SCHEDULED, waiting_reason="key")
    called_off = replace(execution, status=Status.RUNNING, cancel_requested_at=1)
    assert words.state(ended) == "Nothing to do"
    assert words.state(parked) == "Waiting for an API key"
    assert words.state(called_off) == "Running, to be cancelled"


def test_ids_are_shortened_as_far_as_they_stay_apart() -> None:
    """Ten characters, and more where two begin alike; the same id twice does no harm."""
    assert words.short(["01ARZ3NDEKTSV4", "01BX5ZZKBKACTA"]) == ["01ARZ3NDEK", "01BX5ZZKBK"]
    assert words.short(["01ARZ3NDEKTSV4", "01ARZ3NDEKTSX4"]) == ["01ARZ3NDEKTSV", "01ARZ3NDEKTSX"]
    assert words.short(["01ARZ3NDEKTSV4"] * 2) == ["01ARZ3NDEK"] * 2
    assert words.short([]) == []


def test_costs_and_times_are_told_only_where_they_are_known(execution: Execution) -> None:
    """A model without a price makes the cost unknown, and what has not begun has no duration."""
    assert words.cost(execution) == "–"
    assert words.cost(replace(execution, cost_microusd=12_345)) == "$0.0123"
    assert words.cost(replace(execution, cost_known=False)) == "unknown"
    assert words.duration(execution, 5) is None
    assert words.duration(replace(execution, started_at=1000, completed_at=None), 4000) == "3 s"
    assert words.duration_ms(replace(execution, started_at=1000, completed_at=1500), 4000) == 500


def test_a_wait_says_until_when(execution: Execution) -> None:
    """A rate limit is named with the time of day at which it ends, and one that is far away with its day as well."""
    soon, far = (datetime.now().astimezone() + timedelta(hours=hours) for hours in (2, 50))
    parked = replace(execution, status=Status.RETRY_SCHEDULED, waiting_reason="rate_limit")
    at = {moment: round(moment.timestamp() * 1000) for moment in (soon, far)}
    assert words.state(replace(parked, waiting_until=at[soon])) == f"Waiting until {soon:%H:%M} for the rate limit"
    assert (
        words.state(replace(parked, waiting_until=at[far])) == f"Waiting until {far:%Y-%m-%d %H:%M} for the rate limit"
    )
    no_key = replace(parked, waiting_reason="key", waiting_until=at[soon])
    assert words.state(no_key) == "Waiting for an API key"
