"""What answers cost."""

import pytest

from baara_engine.agent import prices
from baara_engine.agent.model import Usage
from baara_engine.config import DEFAULT_MODEL

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(input_tokens=MILLION), 2.0),
        (Usage(output_tokens=MILLION), 10.0),
        (Usage(cache_write_tokens=MILLION), 2.5),
        (Usage(cache_read_tokens=MILLION), 0.2),
        (Usage(MILLION, MILLION, MILLION, MILLION), 14.7),
    ],
)
def test_each_kind_of_token_has_its_price(usage: Usage, dollars: float) -> None:
    """A million tokens of Sonnet 5.5 cost what the table says: cache writes 1.25 times the input, reads a tenth."""
    assert prices.cost("claude-sonnet-5-5", usage) == round(dollars * MILLION)


def test_a_dated_model_costs_what_the_model_costs() -> None:
    """The date of a release at the end of a model's id does not change its price."""
    usage = Usage(input_tokens=1000, output_tokens=10)
    assert prices.cost("claude-sonnet-4-5-20250929", usage) == prices.cost("claude-sonnet-4-5", usage) == 3150


def test_costs_are_rounded_up() -> None:
    """A fraction of a microdollar counts as a whole one, so that the sum is never too low."""
    assert prices.cost("claude-haiku-5-5", Usage(input_tokens=1)) == 1
    assert prices.cost("claude-haiku-5-5", Usage(cache_read_tokens=101)) == 2


def test_offline_costs_nothing() -> None:
    """The offline model has a price, and it is zero."""
    assert prices.cost("offline", Usage(MILLION, MILLION)) == 0


@pytest.mark.parametrize("model", ["", "claude", "claude-sonnet-9", "claude-sonnet-5-5-latest", "gpt"])
def test_an_unknown_model_has_no_price(model: str) -> None:
    """For a model that is not in the table the cost is unknown, not zero."""
    assert prices.cost(model, Usage(1, 1)) is None


def test_the_default_model_has_a_price() -> None:
    """What is used unless something else is said can be budgeted."""
    assert prices.price(DEFAULT_MODEL) is not None
