"""`baara open`: the pages of the running engine, in the system's browser."""

import webbrowser
from typing import Annotated

import typer

from baara_app import reaching
from baara_app.cli import common, output
from baara_app.cli.common import Shell


@common.command
def open_(
    shell: Shell,
    *,
    only_print: Annotated[bool, typer.Option("--print", help="Print the link instead; it works once.")] = False,
) -> None:
    """Open the inbox of the running engine in your browser, by a link that works once within two minutes."""
    link = reaching.link(shell.home)
    if shell.json:
        output.document({"url": link})
    elif only_print or not webbrowser.open(link):
        output.text(link)
