"""Limits of what may be spent: with a model that has a price, in a real worker."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baara_engine import errors, money, requests
from baara_engine.agent import prices
from baara_engine.agent.model import Answer, Request, Usage
from baara_engine.engine import Engine
from baara_engine.money import Scope
from baara_engine.records import Execution
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.store import spending
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, says

MODEL = "claude-sonnet-5-5"
USAGE = Usage(input_tokens=20_000, output_tokens=6_000)  # ten cents
CENT = money.MICRO // 100
LONG = 60.0  # seconds that no wait here takes unless something is wrong


def answer(request: Request) -> Answer:
    """Answer with a text, as long as the request lets it be."""
    usage = replace(USAGE, output_tokens=min(USAGE.output_tokens, request.max_tokens))
    return replace(says("done"), usage=usage, model=MODEL, cost_microusd=prices.cost(MODEL, usage))


@pytest.fixture
def working(engine: Engine) -> Iterator[Callable[..., ScriptedModel]]:
    """Give a function that lets the engine work."""

    def begin(line: object = answer) -> ScriptedModel:
        model = ScriptedModel([line] * 20)  # type: ignore[list-item]
        engine.start(ScriptedModels(model))
        return model

    yield begin
    engine.stop()


def submitted(engine: Engine, **options: object) -> Execution:
    return engine.submit(Submission.model_validate({"prompt": "work", "model": MODEL, **options}))


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, "it does not become true"
        time.sleep(0.05)


def spent(engine: Engine) -> int:
    return sum(one.microusd for one in engine.usage())


def ended(engine: Engine, *executions: Execution) -> int:
    return sum(engine.execution(one.id).status is Status.COMPLETED for one in executions)


def test_fifty_at_once_stay_below_the_limit_of_the_day(engine: Engine, working: Callable[..., ScriptedModel]) -> None:
    """Never more than the dollar is spent; the rest waits with one question, and goes on once that is raised."""
    engine.set_limit(Scope.DAY, "", money.MICRO, by="a test")
    executions = [submitted(engine) for _ in range(50)]
    working()
    until(engine.questions)
    until(lambda: not any(engine.execution(one.id).status in {Status.RUNNING, Status.QUEUED} for one in executions))
    before = spent(engine)
    assert 50 * CENT < before <= money.MICRO
    [question] = engine.questions()
    done = ended(engine, *executions)
    assert done < 12
    engine.answer(question.id, "+$1", by="a test")
    until(lambda: ended(engine, *executions) >= done + 5)
    until(engine.questions)
    assert before < spent(engine) <= 2 * money.MICRO
    assert {engine.execution(one.id).attempt for one in executions} <= {0, 1}


def test_an_execution_asks_at_its_own_limit_and_keeps_everything(
    engine: Engine, working: Callable[..., ScriptedModel]
) -> None:
    """Its budget stops it before the question that might go beyond; stopped by a person, it is cancelled."""
    poor = submitted(engine, budget_microusd=CENT)
    working()
    until(engine.questions)
    assert engine.execution(poor.id).waiting_reason == "budget"
    assert spent(engine) == 0
    with pytest.raises(errors.InvalidInput, match="no amount"):
        engine.answer(engine.questions()[0].id, "plenty", by="a test")
    engine.answer(engine.questions()[0].id, "$0.50", by="a test")
    until(lambda: ended(engine, poor))
    assert engine.execution(poor.id).budget_microusd == 51 * CENT


def test_stop_calls_off_whatever_waits_for_the_limit(engine: Engine, working: Callable[..., ScriptedModel]) -> None:
    """All that one limit holds up are cancelled by one answer."""
    engine.set_limit(Scope.DAY, "", CENT, by="a test")
    executions = [submitted(engine) for _ in range(3)]
    working()
    until(lambda: all(engine.execution(one.id).waiting_reason == "budget" for one in executions))
    engine.answer(engine.questions()[0].id, "stop", by="a test")
    assert {engine.execution(one.id).status for one in executions} == {Status.CANCELLED}


@pytest.mark.parametrize(
    "broken",
    [
        errors.ModelFailure(errors.FailureKind.BROKEN_ANSWER, "Cut."),
        errors.ModelFailure(errors.FailureKind.REQUEST, "Who knows?", is_lost=True),
    ],
)
def test_what_was_refused_costs_nothing_and_what_broke_off_counts_in_full(
    engine: Engine, working: Callable[..., ScriptedModel], broken: errors.ModelFailure
) -> None:
    """Money set aside is given back only where the service cannot have charged."""
    engine.set_limit(Scope.DAY, "", money.MICRO, by="a test")
    refused = errors.ModelFailure(errors.FailureKind.REQUEST, "No.")
    model = working(refused)
    first = submitted(engine)
    until(lambda: engine.execution(first.id).status is Status.DEAD_LETTERED)
    assert (spent(engine), len(model.requests)) == (0, 1)
    engine.stop()
    engine.start(ScriptedModels(ScriptedModel([broken])))
    second = submitted(engine, max_retries=0)
    until(lambda: engine.execution(second.id).status is Status.DEAD_LETTERED)
    [day] = engine.usage()
    assert day.microusd == day.unknown > 0


def test_a_model_without_a_price_is_not_asked_under_a_limit(
    engine: Engine, working: Callable[..., ScriptedModel]
) -> None:
    """Nobody could keep that limit; without one it may be asked."""
    free = submitted(engine, model="some-local-model")
    held = submitted(engine, model="some-local-model", budget_microusd=money.MICRO)
    working(says("done"))
    until(lambda: ended(engine, free))
    until(lambda: engine.execution(held.id).status is Status.DEAD_LETTERED)
    assert "no known price" in str(engine.execution(held.id).error_message)


def test_when_whoever_asked_is_called_off_another_asks(engine: Engine, working: Callable[..., ScriptedModel]) -> None:
    """The question is everybody's: it does not go with the one that put it."""
    engine.set_limit(Scope.DAY, "", CENT, by="a test")
    executions = [submitted(engine) for _ in range(3)]
    working()
    until(lambda: all(engine.execution(one.id).waiting_reason == "budget" for one in executions))
    [first] = engine.questions()
    engine.cancel(first.execution_id)
    until(lambda: [one for one in engine.questions() if one.id != first.id])
    engine.set_limit(Scope.DAY, "", money.MICRO, by="a test")
    until(lambda: ended(engine, *executions) == 2)
    assert engine.questions() == []


def test_limits_of_tasks_are_kept_apart(engine: Engine, working: Callable[..., ScriptedModel]) -> None:
    """What one task may not spend, another may; usage is told by task and by model."""
    for name in ("cheap", "dear"):
        engine.create_task(requests.parse(requests.TaskDraft, {"name": name, "prompt": "work", "model": MODEL}))
    engine.set_limit(Scope.TASK, "cheap", CENT, by="a test")
    cheap, dear = (engine.submit_task(name, source="a test") for name in ("cheap", "dear"))
    working()
    until(lambda: ended(engine, dear))
    until(lambda: engine.execution(cheap.id).waiting_reason == "budget")
    assert [one.what for one in engine.usage("task")] == [engine.task("dear").id]
    assert [(one.what, one.microusd) for one in engine.usage("model")] == [(MODEL, 10 * CENT)]
    engine.remove_limit(Scope.TASK, "cheap")
    until(lambda: ended(engine, cheap))
    with pytest.raises(errors.NotFound):
        engine.remove_limit(Scope.TASK, "cheap")


@given(st.text())
def test_amounts_are_read_or_refused(text: str) -> None:
    """Whatever is typed, it is an amount within bounds or a sentence."""
    amount = money.LEAST
    with contextlib.suppress(errors.InvalidInput):
        amount = money.parse(text)
    assert money.LEAST <= amount <= money.MOST


@pytest.mark.parametrize(("text", "amount"), [("1", 1_000_000), ("$2.50", 2_500_000), (" 0.001 ", 1_000)])
def test_amounts_are_exact(text: str, amount: int) -> None:
    """Cents are whole numbers, never nearly one."""
    assert money.parse(text) == amount


@pytest.mark.parametrize(
    "text", ["1_000", "1e3", "+1", "-1", "1,5", ".5", "1.", "NaN", "Infinity", "٣", "$$1", "1 000", ""]
)
def test_what_may_mean_something_else_is_no_amount(text: str) -> None:
    """Nobody guesses about money."""
    with pytest.raises(errors.InvalidInput):
        money.parse(text)


def test_a_day_ends_at_midnight_where_the_person_is() -> None:
    """A day on which the clock is set has 23 or 25 hours."""
    zone = ZoneInfo("Europe/Berlin")
    spring = 1_774_742_400_000  # 2026-03-29 00:00 UTC, the day of the change
    began, ends = money.midnights(spring, zone)
    assert ends - began == 23 * 3600 * 1000
    assert began <= spring < ends


def test_a_family_stays_below_the_budget_of_its_origin(engine: Engine, working: Callable[..., ScriptedModel]) -> None:
    """What sub-tasks spend counts against the budget of what submitted them; one question asks for all that wait."""
    origin = submitted(engine, budget_microusd=35 * CENT)
    family = [origin, *(submitted(engine, parent_id=origin.id) for _ in range(5))]
    grandchild = submitted(engine, parent_id=family[1].id, budget_microusd=100 * CENT)
    working()
    until(lambda: engine.questions() and not any(is_at_work(engine, one) for one in (*family, grandchild)))
    assert 20 * CENT < spent(engine) <= 35 * CENT
    [question] = engine.questions()
    assert (question.detail["scope"], question.detail["key"]) == ("execution", origin.id)
    engine.answer(question.id, "+$1", by="a test")
    until(lambda: ended(engine, *family, grandchild) == 7)
    assert spent(engine) <= 135 * CENT
    assert engine.questions() == []


def is_at_work(engine: Engine, execution: Execution) -> bool:
    return engine.execution(execution.id).status in {Status.RUNNING, Status.QUEUED, Status.ASSIGNED}


def test_a_budget_holds_as_it_is_now(engine: Engine) -> None:
    """Whoever works on an execution reads its limits from the store: what a lease knows of them may be old."""
    leased = submitted(engine, budget_microusd=100 * CENT)
    engine.store.write(lambda tx: spending.set_limit(tx, money.Limit(Scope.EXECUTION, leased.id, CENT), "a test"))
    [limit] = engine.store.read(lambda view: spending.limits_of(view, leased))
    assert limit.microusd == CENT


def test_a_price_that_a_person_writes_down_counts(engine: Engine, working: Callable[..., ScriptedModel]) -> None:
    """A model without a price can be limited once it has one, and is counted by it; a price of the table gives way."""
    engine.set_limit(Scope.DAY, "", money.MICRO, by="a test")
    engine.set_price("my-model", 1, 5)
    used = Usage(input_tokens=20_000, output_tokens=2_000)
    working(replace(says("done"), usage=used, model="my-model"))
    done = submitted(engine, model="my-model")
    until(lambda: ended(engine, done))
    assert engine.execution(done.id).cost_microusd == 20_000 + 5 * 2_000 == spent(engine)
    engine.set_price(MODEL, 0.5, 1)
    assert engine.prices()[MODEL] == (prices.Price(500, 1000), True)
    engine.remove_price(MODEL)
    assert engine.prices()[MODEL] == (prices.TABLE[MODEL], False)
    with pytest.raises(errors.NotFound):
        engine.remove_price(MODEL)
    for bad in (("", 1, 1), ("x", -1, 1), ("x", 1, 1e9), ("x", float("nan"), 1)):
        with pytest.raises(errors.InvalidInput):
            engine.set_price(*bad)
