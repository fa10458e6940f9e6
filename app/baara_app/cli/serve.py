"""`baara serve`: the engine without a window, until it is stopped."""

from typing import Annotated

import typer

from baara_app import lifecycle
from baara_app.cli import common
from baara_app.cli.common import Shell

MAX_PORT = 65535


@common.command
def serve(
    shell: Shell,
    port: Annotated[int, typer.Option(min=0, max=MAX_PORT, help="Port on 127.0.0.1; any free one unless given.")] = 0,
) -> int | None:
    """Work on the queues until stopped. Prints one line with the address when ready; SIGTERM stops it in order."""
    return lifecycle.serve(shell.home, port)
