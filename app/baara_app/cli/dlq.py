"""`baara dlq`: the dead letters, and what becomes of them."""

from collections.abc import Callable
from typing import Annotated

import typer

from baara_app import documents
from baara_app.cli import common, executions, options, output
from baara_app.cli.common import Shell
from baara_engine import clock, errors, words
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import DeadLetter, Execution

app = typer.Typer(help="Dead letters: what has failed for good, until somebody decides.")

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="The beginnings of their ids.")]
Cause = Annotated[FailureKind | None, typer.Option(help="All of this cause.")]
COLUMNS = ("ID", "CAUSE", "TURN", "COST", "NAME", "WHAT TO TRY")


@app.command("list")
@common.command
def list_(shell: Shell, cause: Cause = None) -> None:
    """List the dead letters, newest first."""
    with shell.engine() as engine:
        found = engine.dead_letters(cause)
    if shell.json:
        output.document([documents.dead_letter(letter, clock.SystemClock().now()) for letter in found])
        return
    ids = output.ids([letter.execution.id for letter in found])
    output.table(COLUMNS, [(id_, *_row(letter)) for id_, letter in zip(ids, found, strict=True)])


@app.command("show")
@common.command
def show(shell: Shell, execution: executions.Id) -> None:
    """Show one with its attempts, and what to try."""
    with shell.engine() as engine:
        letter = engine.dead_letter(execution)
    if shell.json:
        output.document(documents.dead_letter(letter, clock.SystemClock().now()))
        return
    dead = letter.execution
    tried = [f"{one.attempt}: {one.ended_by or 'running'}  {one.error or ''}".rstrip() for one in letter.attempts]
    output.fields(
        [
            ("Execution", dead.id),
            ("Name", dead.name),
            ("Cause", dead.error_cause),
            ("Message", dead.error_message),
            ("Last turn", str(dead.turn)),
            ("Attempts", "\n".join(tried)),
            ("Cost", words.cost(dead)),
            ("Workspace", dead.workspace),
            ("What to try", letter.advice),
        ]
    )


@app.command("retry")
@common.command
def retry(shell: Shell, ids: Ids = None, cause: Cause = None) -> None:
    """Go on at the last turn with a fresh allowance (as resume does)."""
    _each(shell, ids, cause, lambda engine, one: engine.resume(one))


@app.command("resume")
@common.command
def resume(shell: Shell, ids: Ids = None, cause: Cause = None, *, edits: options.Edits) -> None:
    """Go on at the last turn with a fresh allowance, changed and after a word to the agent if that is wanted."""
    _each(shell, ids, cause, edits.verb())


@app.command("restart")
@common.command
def restart(shell: Shell, ids: Ids = None, cause: Cause = None) -> None:
    """Begin anew, as another execution in the same thread."""
    _each(shell, ids, cause, lambda engine, one: engine.restart(one))


@app.command("dismiss")
@common.command
def dismiss(shell: Shell, ids: Ids = None, cause: Cause = None) -> None:
    """Put aside what needs nothing more; it stays in the store."""
    _each(shell, ids, cause, lambda engine, one: engine.dismiss(one))


def _each(shell: Shell, ids: list[str] | None, cause: Cause, act: Callable[[Engine, str], Execution]) -> None:
    """Do something with each that was named, or with all of a cause."""
    if bool(ids) == (cause is not None):
        raise errors.InvalidInput("Name the dead letters by their ids, or all of one cause by --cause.")
    with shell.engine() as engine, options.as_typed():
        named = ids or [letter.execution.id for letter in engine.dead_letters(cause)]
        done = [act(engine, one) for one in named]
    if shell.json:
        now = clock.SystemClock().now()
        output.document([documents.execution(execution, now) for execution in done])
        return
    for execution in done:
        output.text(f"{execution.id}  {words.state(execution)}")
    if not done:
        output.text("There are none of this cause.")


def _row(letter: DeadLetter) -> tuple[str, ...]:
    dead = letter.execution
    return (dead.error_cause or "", str(dead.turn), words.cost(dead), dead.name, letter.advice)
