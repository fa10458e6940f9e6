"""`baara log`: the last lines of the program's own log."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from baara_app import crashes as reports
from baara_app import logs
from baara_app.cli import common, output
from baara_app.cli.common import Shell

MOST = 10_000  # lines


class Level(StrEnum):
    """From where on a line is shown."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@common.command
def log(
    shell: Shell,
    lines: Annotated[int, typer.Option(min=0, max=MOST, help="How many, from the end.")] = 50,
    level: Annotated[Level, typer.Option(help="This level and above.")] = Level.INFO,
    *,
    crashes: Annotated[bool, typer.Option("--crashes", help="Show the crash reports instead, newest first.")] = False,
) -> None:
    """Show the last lines of the log of this home, or what fell over. Neither holds secrets."""
    if crashes:
        _reports(shell, lines)
        return
    found = logs.tail(shell.home, lines, level)
    if shell.json:
        output.document([asdict(line) for line in found])
        return
    for line in found:
        output.text(f"{line.at}  {line.level:8}  {line.logger}  {line.message}")
        if line.trace:
            output.text(line.trace)
    if not found:
        output.text(f"The log is empty: {shell.home / logs.FOLDER / logs.FILE}")


def _reports(shell: Shell, most: int) -> None:
    found = reports.listing(shell.home)[:most]
    if shell.json:
        output.document([asdict(report) for report in found])
        return
    for report in found:
        output.text(f"{report.at}  {report.what}\nBaara {report.version}, Python {report.python}, {report.system}")
        output.text(report.trace)
    if not found:
        output.text("Nothing has fallen over.")
