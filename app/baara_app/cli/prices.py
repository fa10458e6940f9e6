"""`baara prices`: what models cost."""

from typing import Annotated

import typer

from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine.agent import prices
from baara_engine.agent.prices import Price
from baara_engine.records import Json

app = typer.Typer(help="What models cost, in dollars for a million tokens.")

MOST = 100_000.0
Model = Annotated[str, typer.Argument(metavar="MODEL")]


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List the prices. Your own come before those that Baara knows, which are of a certain month."""
    with shell.engine() as engine:
        found = engine.prices()
    if shell.json:
        output.document([_document(model, price, own=own) for model, (price, own) in found.items()])
        return
    rows = [
        (model, f"${_usd(price.input):g}", f"${_usd(price.output):g}", "yours" if own else f"of {prices.AS_OF}")
        for model, (price, own) in found.items()
    ]
    output.table(("MODEL", "READING", "WRITING", "FROM"), rows)


@app.command("set")
@common.command
def set_(
    shell: Shell,
    model: Model,
    reading: Annotated[float, typer.Option("--input", metavar="USD", min=0, max=MOST, help="A million tokens sent.")],
    writing: Annotated[float, typer.Option("--output", metavar="USD", min=0, max=MOST, help="A million written.")],
) -> None:
    """Write down what a model costs; it holds from the next question on."""
    with shell.engine() as engine:
        price = engine.set_price(model, reading, writing)
    if shell.json:
        output.document(_document(model, price, own=True))
    else:
        output.text(f"{model}: ${_usd(price.input):g} to read, ${_usd(price.output):g} to write a million tokens.")


@app.command("delete")
@common.command
def delete(shell: Shell, model: Model) -> None:
    """Take a price of yours away."""
    with shell.engine() as engine:
        engine.remove_price(model)
    if shell.json:
        output.document({"deleted": True})
    else:
        output.text(f"Your price of {model} is gone.")


def _document(model: str, price: Price, *, own: bool) -> Json:
    return {"model": model, "input_usd": _usd(price.input), "output_usd": _usd(price.output), "own": own}


def _usd(units: int) -> float:
    return units / prices.PER_MICRO
