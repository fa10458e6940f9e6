"""The tray by Qt, on Linux: a StatusNotifierItem where the desktop has those, else an icon of the X11 tray."""

import importlib
import os
import queue
import time
from collections.abc import Callable
from typing import Any

from baara_app import browsing
from baara_app.desk import icons

LATE_S, LOOK_S = 20.0, 0.2  # seconds: at login a desktop's tray may come after us
REFILL_MS = 300  # after a menu has closed: its click comes a moment later


class Drawn:
    """An icon and its menu. Made and run in the main thread; told from any."""

    def __init__(self, clicked: Callable[[str], None]) -> None:
        """Make it. Raises ImportError without Qt, OSError where there is no screen or no tray."""
        if not browsing.has_screen():
            raise OSError("There is no display.")  # Qt would end the process
        core, gui, widgets = (importlib.import_module(f"PySide6.Qt{name}") for name in ("Core", "Gui", "Widgets"))
        self._gui, self._widgets = gui, widgets
        self._clicked = clicked
        self._app = widgets.QApplication(["baara"])
        self._app.setQuitOnLastWindowClosed(False)
        until = time.monotonic() + LATE_S
        while not widgets.QSystemTrayIcon.isSystemTrayAvailable():
            if time.monotonic() > until:
                raise OSError("This desktop has no tray.")
            self._app.processEvents()
            time.sleep(LOOK_S)
        self._icon = widgets.QSystemTrayIcon()
        self._menu = widgets.QMenu()
        self._icon.setContextMenu(self._menu)
        self._wanted: list[dict[str, Any]] = []
        self._filled: list[dict[str, Any]] = []
        self._menu.aboutToHide.connect(lambda: core.QTimer.singleShot(REFILL_MS, self._refill))
        self._icon.activated.connect(self._activated)
        # Whoever lives in another thread leaves what is to be done, and wakes this one's loop.
        self._todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._woken, self._wake = os.pipe()
        self._waking = core.QSocketNotifier(self._woken, core.QSocketNotifier.Type.Read)
        self._waking.activated.connect(self._do)

    def show(self, message: dict[str, Any]) -> None:
        """Show this icon and menu from now on."""
        self._soon(lambda: self._draw(message))

    def run(self) -> None:
        """Serve it until `end`."""
        self._app.exec()

    def end(self) -> None:
        """Take it away, and let `run` return."""
        self._soon(self._app.quit)

    def _soon(self, work: Callable[[], None]) -> None:
        self._todo.put(work)
        os.write(self._wake, b"x")

    def _do(self, *_: Any) -> None:
        os.read(self._woken, 1)
        self._todo.get()()

    def _draw(self, message: dict[str, Any]) -> None:
        pixmap = self._gui.QPixmap()
        pixmap.loadFromData(icons.picture(message["state"]), "PNG")
        self._icon.setIcon(self._gui.QIcon(pixmap))
        self._icon.setToolTip(message["tip"])
        self._wanted = message["menu"]
        if not self._menu.isVisible():  # nothing moves under the pointer
            self._refill()
        self._icon.show()

    def _refill(self) -> None:
        """Make the menu anew, if there is another; one that has just closed has yet to tell what was clicked."""
        if self._wanted != self._filled:
            self._filled = self._wanted
            self._menu.clear()
            self._fill(self._menu, self._wanted)

    def _fill(self, menu: Any, items: list[dict[str, Any]]) -> None:
        for item in items:
            if not item:
                menu.addSeparator()
            elif "items" in item:
                self._fill(menu.addMenu(_plain(item["text"])), item["items"])
            else:
                self._add(menu, item)

    def _add(self, menu: Any, item: dict[str, Any]) -> None:
        action = menu.addAction(_plain(item["text"]))
        action.setEnabled(not item.get("off"))
        if "on" in item:
            action.setCheckable(True)
            action.setChecked(item["on"])
        what = item["id"]
        action.triggered.connect(lambda _checked=False: self._clicked(what))

    def _activated(self, reason: Any) -> None:
        if reason == self._widgets.QSystemTrayIcon.ActivationReason.Trigger:
            self._clicked("open")


def _plain(text: str) -> str:
    """Let an ampersand be itself, which would underline the letter behind it."""
    return text.replace("&", "&&")
