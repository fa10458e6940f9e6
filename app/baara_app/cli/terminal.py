"""What is drawn on a terminal. Loaded only where there is one."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from baara_app.cli import output

GAP = 2  # characters between columns
NARROWEST = 12  # characters of the last column, however narrow the screen is


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Draw a table, a line for each row; the last column is shortened to what the screen has left."""
    console = _console(sys.stdout)
    drawn = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    left = console.width
    for position, column in enumerate(columns[:-1]):
        drawn.add_column(column, no_wrap=True)
        left -= GAP + max(cell_len(cell) for cell in (column, *(row[position] for row in rows)))
    drawn.add_column(columns[-1], no_wrap=True, overflow="ellipsis", max_width=max(left, NARROWEST))
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console.print(drawn)


class Moving:
    """One line at the bottom that changes in place, with lines that stay above it."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status

    def change(self, line: str) -> None:
        """Show another line at the bottom."""
        self._status.update(Text(output.clean(line, sys.stderr)))

    def happened(self, line: str) -> None:
        """Show nothing: the line at the bottom tells."""

    def stay(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(Text(output.clean(line, sys.stderr)))


@contextlib.contextmanager
def moving() -> Iterator[Moving]:
    """Open a moving line on stderr."""
    console = _console(sys.stderr)
    with console.status("") as status:
        yield Moving(console, status)


def _console(stream: TextIO) -> Console:
    return Console(file=stream, markup=False, highlight=False, emoji=False)
