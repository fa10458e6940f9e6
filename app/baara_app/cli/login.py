"""`baara login`: whether Baara starts when you log in."""

import typer

from baara_app import autostart
from baara_app.cli import common, output
from baara_app.cli.common import Shell

app = typer.Typer(help="Start Baara when you log in; only if you say so.")


@app.command("on")
@common.command
def on(shell: Shell) -> None:
    """Start Baara on this home at each login from now on."""
    _tell(shell, autostart.turn_on(autostart.keeper_here(), shell.home))


@app.command("off")
@common.command
def off(shell: Shell) -> None:
    """Start it at login no more, and see that nothing is left of it."""
    _tell(shell, autostart.turn_off(autostart.keeper_here()))


@app.command("status")
@common.command
def status(shell: Shell) -> None:
    """Say whether it starts at login."""
    _tell(shell, autostart.entry(autostart.keeper_here()))


def _tell(shell: Shell, found: autostart.Entry) -> None:
    if shell.json:
        output.document({"on": found.command is not None, "command": found.command, "place": found.place})
    elif found.command is None:
        output.text("Baara does not start when you log in.")
    else:
        output.text(f"Baara starts when you log in, by {found.place}. To end that: baara login off.")
