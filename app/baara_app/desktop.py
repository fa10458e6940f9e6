"""Opening the app: what happens when somebody types `baara` and nothing else.

Whoever is first becomes the engine and shows its pages; whoever comes later shows the pages of the one that runs. They
are shown in the system's browser, by a link that works once.
"""

import os
import sys
import time
import webbrowser
from pathlib import Path

from baara_app import lifecycle, reaching
from baara_engine import errors

START_S = 20.0  # seconds that another one, which is just starting, is given to be there
LOOK_S = 0.2
NO_DISPLAY = "There is no display here, so Baara only serves. From a computer with one: baara open --print"


def open_app(home: Path, port: int = 0) -> int:
    """Show the pages of the engine that runs on this home, or become it. Gives the exit status.

    Raises `errors.BaaraError`.
    """
    try:
        show(reaching.link(home))
    except errors.Unavailable:
        return _become(home, port)
    return 0


def show(link: str) -> None:
    """Show a page, or say why it cannot be shown."""
    if not has_display() or not webbrowser.open(link):
        print(NO_DISPLAY, file=sys.stderr)  # noqa: T201 - what `baara` says where nothing can be shown


def has_display() -> bool:
    """Say whether a browser has somewhere to show itself; a person may name one that needs no screen."""
    if sys.platform in {"darwin", "win32"}:
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _become(home: Path, port: int) -> int:
    try:
        return lifecycle.serve(home, port, on_ready=lambda: show(reaching.link(home)))
    except errors.Refused:
        show(_link_of_another(home))
        return 0


def _link_of_another(home: Path) -> str:
    """Give a link into the one that was faster. Raises `errors.Unavailable` if it does not come up."""
    until = time.monotonic() + START_S
    while True:
        try:
            return reaching.link(home)
        except errors.Unavailable:
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_S)
