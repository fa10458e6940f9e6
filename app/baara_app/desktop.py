"""Opening the app: what happens when somebody types `baara` and nothing else.

Whoever is first becomes the engine, with a window and a tray; whoever comes later has the first one's window shown.
Where there is no toolkit for a window, the pages are shown in the system's browser, by a link that works once; where
there is no display, Baara serves and says so.
"""

import time
from pathlib import Path

from baara_app import browsing, handshake, lifecycle, reaching
from baara_engine import errors

START_S = 20.0  # seconds that another one, which is just starting, is given to be there
LOOK_S = 0.2


def open_app(home: Path, port: int = 0) -> int:
    """Show the pages of the engine that runs on this home, or become it. Gives the exit status.

    Raises `errors.BaaraError`.
    """
    try:
        _show_other(home)
    except errors.Unavailable:
        return _become(home, port)
    return 0


def _become(home: Path, port: int) -> int:
    try:
        return lifecycle.serve(home, port, on_screen=True)
    except errors.Refused:
        _wait_for_another(home)
        return 0


def _show_other(home: Path) -> None:
    """Have the one that runs show itself; it may have no screen where this one has. Raises `errors.Unavailable`."""
    if reaching.ask_desk(home, "show", token=browsing.take_activation()).get("by") == handshake.NOBODY:
        browsing.show(reaching.link(home))


def _wait_for_another(home: Path) -> None:
    """Have the one that was faster show itself. Raises `errors.Unavailable` if it does not come up."""
    until = time.monotonic() + START_S
    while not _is_shown(home, is_last=time.monotonic() >= until):
        time.sleep(LOOK_S)


def _is_shown(home: Path, *, is_last: bool) -> bool:
    try:
        _show_other(home)
    except errors.Unavailable:
        if is_last:
            raise
        return False
    return True
