"""The window: a process of its own that shows the pages, and nothing but the pages.

It is told the data folder, and gets its way in by itself: it has the server prove that it is the engine of that folder
before it sends anything (`reaching`). No function of this computer is offered to the pages.
"""

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from baara_app import browsing, reaching
from baara_app.desk import children, talking
from baara_engine import errors

TITLE = "Baara"
SIZE, SMALLEST = (1280, 800), (420, 480)  # pixels
BACKGROUND = "#f6f5f2"  # what is seen until the page is: its own in light
LEAVE_S = 4.0  # seconds for the toolkit to close; a little less than the engine waits

# What a module of pywebview's toolkits is called → the module that locks it
LOCKS = {"webview.platforms.qt": "baara_app.desk.locked_qt"}


class Window:
    """The one window of this process."""

    def __init__(self, line: talking.Line) -> None:
        """Wait to be told what to show."""
        self._line = line
        self._first, self._is_closing = threading.Event(), threading.Event()
        self._home: Path | None = None
        self._page = "/"
        self._window: Any = None
        line.listen(self._told, self._end)

    def run(self) -> int:
        """Show the window until it is closed, in the main thread, as all toolkits want it. Gives the exit status."""
        self._first.wait()
        try:
            link = self._link()
            webview = _prepared(link, lambda path: self._line.say("saved", path=path))
        except (ImportError, errors.BaaraError) as error:
            self._line.say("lacks", why=str(error))
            return children.LACKING
        self._window = webview.create_window(
            TITLE, link, width=SIZE[0], height=SIZE[1], min_size=SMALLEST, background_color=BACKGROUND, text_select=True
        )
        self._window.events.shown += lambda: self._line.say("shown")
        self._window.events.closing += self._is_closing.set
        self._window.events.closed += lambda: self._line.say("closed")
        try:
            webview.start(private_mode=True, debug=False)
        except webview.WebViewException as error:
            self._line.say("lacks", why=str(error))
            return children.LACKING
        return 0

    def _told(self, message: talking.Message) -> None:
        if message["do"] != "show":
            return
        self._home, self._page = Path(message["home"]), str(message["page"])
        if message.get("token"):
            os.environ[browsing.TOKEN] = message["token"]  # the toolkit takes it from there when it next shows itself
        if not self._first.is_set():
            self._first.set()
            return
        if self._is_closing.is_set():
            return  # the next process shows it: what is asked of one that closes is lost on it
        if message["go"]:
            with contextlib.suppress(errors.BaaraError):
                self._window.load_url(self._link())
        self._window.show()
        self._window.restore()
        self._line.say("shown")

    def _link(self) -> str:
        if self._home is None:
            raise errors.Unavailable("The window was told to show nothing.")
        return reaching.link(self._home, self._page)

    def _end(self) -> None:
        """Close with the engine's process; a toolkit that does not come to its end is left."""
        threading.Timer(LEAVE_S, os._exit, (0,)).start()
        if self._window is None:
            os._exit(0)
        with contextlib.suppress(Exception):  # whatever a window that is half closed says to that
            self._window.destroy()


def _prepared(link: str, saved: Callable[[str], None]) -> Any:
    """Load the toolkit and lock it to our origin. Raises ImportError where there is none."""
    if sys.platform == "linux" and os.geteuid() == 0:
        os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # Chromium refuses root in its own sandbox
    os.environ["PYWEBVIEW_LOG"] = "critical"  # it complains of each toolkit that it tries
    webview: Any = importlib.import_module("webview")
    for name, value in {
        "ALLOW_FILE_URLS": False, "ALLOW_DOWNLOADS": False, "OPEN_DEVTOOLS_IN_DEBUG": False,
        "OPEN_EXTERNAL_LINKS_IN_BROWSER": True, "SHOW_DEFAULT_MENUS": False,
    }.items():  # fmt: skip
        webview.settings[name] = value
    try:
        importlib.import_module("webview.guilib").initialize()
    except webview.WebViewException as error:
        raise ImportError(str(error)) from error
    for module, lock in LOCKS.items():
        if module in sys.modules:
            importlib.import_module(lock).lock(sys.modules[module], _origin(link), saved)
    return webview


def _origin(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}"


if __name__ == "__main__":
    sys.exit(Window(talking.Line()).run())
