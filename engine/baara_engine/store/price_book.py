"""Prices that a person has written down: for models that are not in the table, or cost something else there."""

import orjson

from baara_engine import events
from baara_engine.store.transaction import Tx, View

KEY = "prices"  #: of the setting


Row = tuple[int, int]  # of a token that is read, and of one that is written (see `agent.prices.Price`)


def get(view: View) -> dict[str, Row]:
    """Give the prices by model."""
    rows = view.sql("SELECT value FROM setting WHERE key = ?", (KEY,))
    stored = orjson.loads(rows[0][0]) if rows else {}
    return {model: (reading, writing) for model, (reading, writing) in stored.items()}


def put(tx: Tx, model: str, price: Row | None) -> None:
    """Write a price down, or take one away."""
    book = get(tx)
    book.pop(model, None)
    if price is not None:
        book[model] = price
    stored = orjson.dumps(book, option=orjson.OPT_SORT_KEYS).decode()
    tx.sql("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (KEY, stored))
    tx.emit(events.Kind.PRICE, data={"model": model})
