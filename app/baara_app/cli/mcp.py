"""`baara mcp`: the tools of this home on standard input and output, for the models of other programs."""

import asyncio
import importlib
import signal

from baara_app import lifecycle
from baara_app.cli import common
from baara_app.cli.common import Shell

SERVING = "baara_app.mcp_server.serving"  # the MCP library takes a while to load, and no other command needs it


@common.command
def mcp(shell: Shell) -> None:
    """Serve the tools of this home to one program, on standard input and output, with or without a running engine."""
    serving = importlib.import_module(SERVING)
    # The library waits for its next line in a thread that hears of no interrupt. What ends here is taken up elsewhere.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with shell.engine() as engine:
        asyncio.run(serving.on_stdio(serving.make(engine, lifecycle.working)))
