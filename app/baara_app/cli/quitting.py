"""`baara quit`: ending the running engine, with a word on what is at work."""

from typing import Annotated

import typer

from baara_app import reaching
from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine import errors


@common.command
def quit_(
    shell: Shell,
    *,
    finish: Annotated[bool, typer.Option("--finish", help="Begin nothing new, and end once all at work has.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Stop work at its next step, until the next start.")] = False,
) -> None:
    """End the engine that runs on this home. Without an option, only if nothing is at work."""
    if finish and pause:
        raise errors.InvalidInput("Choose one: --finish or --pause.")
    answer = reaching.ask_desk(shell.home, "quit", how="finish" if finish else "pause" if pause else "ask")
    if shell.json:
        output.document(answer)
    else:
        output.text(f"Baara quits {answer['quits']}.")
