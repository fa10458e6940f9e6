"""The tray: a process of its own that shows an icon with a menu, as it is told, and says what was clicked.

A menu is a list of items: `{"id", "text"}`, with `"items"` for a menu below, `"on"` for a mark, `"off"` for what cannot
be clicked, and `{}` for a line. What draws it depends on the system (`TABLE`).
"""

import importlib
import os
import sys
import threading
from typing import Any

from baara_app import browsing
from baara_app.desk import children, talking

# system → the module that draws; Linux has none in Python's own packages that can show a menu and knows whether there
# is a tray, so it takes Qt's
TABLE = {"linux": "baara_app.desk.tray_qt"}
ELSEWHERE = "baara_app.desk.tray_pystray"
LEAVE_S = 4.0  # seconds for the toolkit to end


class Tray:
    """The one tray of this process."""

    def __init__(self, line: talking.Line) -> None:
        """Wait to be told what to show."""
        self._line = line
        self._last: talking.Message | None = None
        self._first = threading.Event()
        self._shown: Any = None
        line.listen(self._told, self._end)

    def run(self) -> int:
        """Show it until the engine's process ends, in the main thread. Gives the exit status."""
        self._first.wait()
        try:
            drawing = importlib.import_module(TABLE.get(sys.platform, ELSEWHERE))
            self._shown = drawing.Drawn(self._clicked)
        except (ImportError, OSError) as error:
            self._line.say("lacks", why=str(error))
            return children.LACKING
        self._shown.show(self._last)
        self._line.say("shown")
        self._shown.run()
        return 0

    def _clicked(self, what: str) -> None:
        self._line.say("clicked", id=what, token=browsing.take_activation())

    def _told(self, message: talking.Message) -> None:
        self._last = message
        self._first.set()
        if self._shown is not None:
            self._shown.show(message)

    def _end(self) -> None:
        threading.Timer(LEAVE_S, os._exit, (0,)).start()
        if self._shown is None:
            os._exit(0)
        self._shown.end()


if __name__ == "__main__":
    sys.exit(Tray(talking.Line()).run())
