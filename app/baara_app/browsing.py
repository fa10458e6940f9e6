"""The system's browser, and whether there is anything to show it on."""

import os
import sys
import webbrowser

NO_DISPLAY = "There is no display here, so Baara only serves. From a computer with one: baara open --print"
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def show(link: str) -> None:
    """Show a page, or say why it cannot be shown."""
    if not has_browser() or not webbrowser.open(link):
        print(NO_DISPLAY, file=sys.stderr)  # noqa: T201 - what `baara` says where nothing can be shown


def has_browser() -> bool:
    """Say whether a browser has somewhere to show itself; a person may name one that needs no screen."""
    return has_screen() or bool(os.environ.get("BROWSER"))


def has_screen() -> bool:
    """Say whether a window has somewhere to show itself."""
    return sys.platform in {"darwin", "win32"} or any(os.environ.get(name) for name in SCREENS)
