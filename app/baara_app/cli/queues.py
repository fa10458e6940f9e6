"""`baara queues`: what is in them, and how many may run at once."""

from typing import Annotated

import typer

from baara_app import documents
from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine import clock, words
from baara_engine.records import Pause, Queue
from baara_engine.schedules import parsing

app = typer.Typer(help="The four queues.")

Name = Annotated[str, typer.Argument(metavar="NAME")]
COLUMNS = ("NAME", "QUEUED", "RUNNING", "AT ONCE", "FOR")


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List the queues with what is in them now."""
    with shell.engine() as engine:
        found = engine.queues()
    if shell.json:
        output.document([documents.queue(queue) for queue in found])
    else:
        output.table(COLUMNS, [row(queue) for queue in found])


@app.command("show")
@common.command
def show(shell: Shell, name: Name) -> None:
    """Show one queue."""
    with shell.engine() as engine:
        _show(shell, engine.queue(name))


@app.command("set")
@common.command
def set_(
    shell: Shell, name: Name, concurrency: Annotated[int, typer.Option(metavar="N", help="How many run at once.")]
) -> None:
    """Say how many of a queue may run at once; it holds from the next that begins."""
    with shell.engine() as engine:
        _show(shell, engine.set_concurrency(name, concurrency))


@app.command("pause")
@common.command
def pause(
    shell: Shell,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601, or +1h.")] = None,
) -> None:
    """Pause all work, until you resume it unless you say when: what runs keeps its last step, and nothing begins."""
    moment = None if until is None else parsing.parse_at(until, clock.SystemClock().now()).at
    with shell.engine() as engine:
        _show_pause(shell, engine.pause(moment, by="the command line"))


@app.command("resume")
@common.command
def resume(shell: Shell) -> None:
    """Let work go on that is paused."""
    with shell.engine() as engine:
        was_paused = engine.unpause(by="the command line")
    if shell.json:
        output.document({"paused": None, "was_paused": was_paused})
    else:
        output.text("Work goes on." if was_paused else "Work was not paused.")


def row(queue: Queue) -> tuple[str, ...]:
    """Give a queue as a row of a table."""
    return (queue.name, str(queue.queued), str(queue.running), str(queue.concurrency), queue.purpose)


def _show_pause(shell: Shell, found: Pause) -> None:
    if shell.json:
        output.document({"paused": documents.pause(found)})
    else:
        output.text(f"{words.pause(found)} To go on: baara queues resume.")


def _show(shell: Shell, queue: Queue) -> None:
    if shell.json:
        output.document(documents.queue(queue))
    else:
        output.table(COLUMNS, [row(queue)])
