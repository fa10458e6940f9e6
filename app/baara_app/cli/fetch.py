"""`baara fetch`: the hosts whose pages agents may read."""

from typing import Annotated

import typer

from baara_app.cli import common, output
from baara_app.cli.common import Shell

app = typer.Typer(help="Hosts whose pages agents may read. None at first.")

Host = Annotated[str, typer.Argument(metavar="HOST", help="example.org, *.example.org for all below it, or * for all.")]


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List the hosts."""
    with shell.engine() as engine:
        hosts = engine.fetch_hosts()
    if shell.json:
        output.document(hosts)
    else:
        output.table(("HOST",), [(host,) for host in hosts])


@app.command("allow")
@common.command
def allow(shell: Shell, host: Host) -> None:
    """Let agents read a host's pages. What they ask for, the host's owner sees."""
    with shell.engine() as engine:
        form = engine.allow_fetch(host)
    _tell(shell, form, f"Agents may read pages of {form}.")


@app.command("forbid")
@common.command
def forbid(shell: Shell, host: Host) -> None:
    """Take a host off the list."""
    with shell.engine() as engine:
        form = engine.forbid_fetch(host)
    _tell(shell, form, f"Agents may not read pages of {form} any more.")


def _tell(shell: Shell, host: str, sentence: str) -> None:
    if shell.json:
        output.document({"host": host})
    else:
        output.text(sentence)
