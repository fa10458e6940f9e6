"""`baara demo`: the main job shown with no key and no screen."""

from pathlib import Path
from typing import Annotated

import typer

from baara_app import demo as showing
from baara_app.cli import common, output
from baara_app.cli.common import Shell


@common.command
def demo(
    shell: Shell,
    folder: Annotated[Path | None, typer.Argument(help="A folder to look over; it is only read.")] = None,
) -> int | None:
    """Show a task that survives the kill of its engine, on a real folder, with the offline model."""
    if shell.json:
        said: list[str] = []
        status = showing.run(shell.home, folder, said.append)
        output.document({"held": status == 0, "timeline": said})
        return status
    return showing.run(shell.home, folder, output.text)
