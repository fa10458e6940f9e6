"""The system's browser, and whether there is anything to show it on."""

import ctypes
import os
import sys
import webbrowser

NO_DISPLAY = "There is no display here, so Baara only serves. From a computer with one: baara open --print"
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
# By it a Wayland desktop knows that a person's click was meant for a window, which may then come to the front; without
# one it only says that the window is ready (protocol xdg-activation-v1). Whoever starts a program sets it.
TOKEN = "XDG_ACTIVATION_TOKEN"  # noqa: S105 - its name
MAX_TOKEN = 256  # characters: desktops give some dozens


def show(link: str) -> None:
    """Show a page, or say why it cannot be shown."""
    if not has_browser() or not webbrowser.open(link):
        print(NO_DISPLAY, file=sys.stderr)  # noqa: T201 - what `baara` says where nothing can be shown


def take_activation() -> str:
    """Give the word by which this process may bring a window to the front, once; empty where there is none."""
    if sys.platform != "linux":
        return ""
    getenv = ctypes.CDLL(None).getenv  # a toolkit sets it without Python's knowledge, when its icon is clicked
    getenv.restype = ctypes.c_char_p
    given = (getenv(TOKEN.encode()) or b"").decode("utf-8", "replace")
    os.environ.pop(TOKEN, None)
    os.unsetenv(TOKEN)
    return given if is_activation(given) else ""


def is_activation(given: str) -> bool:
    """Say whether something can be such a word."""
    return len(given) <= MAX_TOKEN and given.isascii() and given.isprintable()


def has_browser() -> bool:
    """Say whether a browser has somewhere to show itself; a person may name one that needs no screen."""
    return has_screen() or bool(os.environ.get("BROWSER"))


def has_screen() -> bool:
    """Say whether a window has somewhere to show itself."""
    return sys.platform in {"darwin", "win32"} or any(os.environ.get(name) for name in SCREENS)
