"""`baara limits` and `baara usage`: what may be spent, and what was."""

from dataclasses import asdict
from typing import Annotated

import typer

from baara_app import documents
from baara_app.cli import common, options, output
from baara_app.cli.common import Shell
from baara_engine import money
from baara_engine.engine import Engine
from baara_engine.money import Limit, Scope

app = typer.Typer(help="What may be spent: on a day, by a task, by a project.")

MOST_DAYS = 3660  # ten years
What = Annotated[Scope, typer.Argument(metavar="SCOPE", help="day, task, project, or execution.")]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Which task, project or execution.")]


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List the limits. Those of single executions are set by --budget and shown with them."""
    with shell.engine() as engine:
        found = engine.limits()
        names = {limit.key: _name(engine, limit) for limit in found}
    if shell.json:
        output.document([documents.limit(limit) for limit in found])
        return
    rows = [(limit.scope, names[limit.key], f"${money.shown(limit.microusd)} a day") for limit in found]
    output.table(("FOR", "NAME", "LIMIT"), rows)


@app.command("set")
@common.command
def set_(
    shell: Shell,
    scope: What,
    amount: Annotated[str, typer.Argument(metavar="USD", help="How much, as in 0.50.")],
    name: Name = "",
) -> None:
    """Set a limit. What waits for money goes on if it is enough."""
    microusd = money.parse(amount)
    with shell.engine() as engine:
        limit = engine.set_limit(scope, name, microusd, by=options.SOURCE)
    if shell.json:
        output.document(documents.limit(limit))
    else:
        output.text(f"The limit is ${money.shown(limit.microusd)} now.")


@app.command("delete")
@common.command
def delete(shell: Shell, scope: What, name: Name = "") -> None:
    """Take a limit away."""
    with shell.engine() as engine:
        engine.remove_limit(scope, name)
    if shell.json:
        output.document({"deleted": True})
    else:
        output.text("There is no such limit any more.")


@common.command
def usage(
    shell: Shell,
    by: Annotated[str, typer.Option(help="day, task, project or model.")] = "day",
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="Of how many days.")] = 30,
) -> None:
    """Tell what was spent, by day, task, project or model."""
    with shell.engine() as engine:
        found = engine.usage(by, days)
    if shell.json:
        output.document([asdict(one) | {"usd": one.microusd / money.MICRO} for one in found])
        return
    rows = [
        (one.what or "–", str(one.questions), f"${money.shown(one.microusd)}", _unknown(one.unknown)) for one in found
    ]
    output.table((by.upper(), "QUESTIONS", "COST", "OF IT AT MOST"), rows)


def _unknown(microusd: int) -> str:
    return f"${money.shown(microusd)}" if microusd else ""


def _name(engine: Engine, limit: Limit) -> str:
    match limit.scope:
        case Scope.TASK:
            named = {task.id: task.name for task in engine.tasks()}
        case Scope.PROJECT:
            named = {project.id: project.name for project in engine.projects()}
        case _:
            return "everything"
    return named.get(limit.key, f"{limit.key} (deleted)")
