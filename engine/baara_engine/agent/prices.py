"""What a model's tokens cost: dated data, and the sum for one answer.

One US dollar for a million tokens is one microdollar (a millionth of a dollar) for one token. Prices are kept in
thousandths of a microdollar, so that every sum is of whole numbers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from baara_engine.agent.model import Usage
from baara_engine.config import OFFLINE

AS_OF = "2026-11"  #: year and month when these prices were read

PER_MICRO = 1000  # thousandths in one microdollar
CACHE_WRITE = (5, 4)  # times the input price: writing to the five-minute cache
CACHE_READ = (1, 10)  # times the input price: reading from it

DATED = re.compile(r"-20\d{6}$")  # as in claude-haiku-4-5-20251001: the same model, by the day of its release


@dataclass(frozen=True, slots=True)
class Price:
    """Price of one token, in thousandths of a microdollar (that is: US dollars for a thousand million tokens)."""

    input: int
    output: int


TABLE: dict[str, Price] = {
    "claude-fable-5-1": Price(10_000, 50_000),
    "claude-opus-5-5": Price(4_000, 20_000),
    "claude-opus-5": Price(5_000, 25_000),
    "claude-opus-4-8": Price(5_000, 25_000),
    "claude-opus-4-7": Price(5_000, 25_000),
    "claude-opus-4-6": Price(5_000, 25_000),
    "claude-opus-4-5": Price(5_000, 25_000),
    "claude-sonnet-5-5": Price(2_000, 10_000),
    "claude-sonnet-5": Price(2_000, 10_000),
    "claude-sonnet-4-6": Price(3_000, 15_000),
    "claude-sonnet-4-5": Price(3_000, 15_000),
    "claude-haiku-5-5": Price(100, 500),
    "claude-haiku-4-5": Price(1_000, 5_000),
    OFFLINE: Price(0, 0),
}


Book = dict[str, Price]  # prices that a person has written down, by model; they come before those of the table
NOTHING: Book = {}


def book(written: Mapping[str, tuple[int, int]]) -> Book:
    """Give the prices that stand in the store."""
    return {model: Price(*units) for model, units in written.items()}


def price(model: str, own: Book = NOTHING) -> Price | None:
    """Give the price of a model by its id, with or without the date of its release; None if it is not known."""
    bare = DATED.sub("", model)
    return own.get(model) or own.get(bare) or TABLE.get(bare)


def cost(model: str, usage: Usage, own: Book = NOTHING) -> int | None:
    """Give what an answer costs, in microdollars, rounded up; None where the model has no known price."""
    known = price(model, own)
    if known is None:
        return None
    written = usage.cache_write_tokens * known.input * CACHE_WRITE[0] // CACHE_WRITE[1]
    read = usage.cache_read_tokens * known.input * CACHE_READ[0] // CACHE_READ[1]
    total = usage.input_tokens * known.input + usage.output_tokens * known.output + written + read
    return -(-total // PER_MICRO)
