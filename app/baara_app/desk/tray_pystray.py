"""The tray by pystray, on macOS and Windows. Written by its documentation; it has not been run there."""

import importlib
import io
from collections.abc import Callable
from typing import Any

from PIL import Image

from baara_app.desk import icons


class Drawn:
    """An icon and its menu. Made and run in the main thread, as macOS wants it; told from any."""

    def __init__(self, clicked: Callable[[str], None]) -> None:
        """Make it. Raises ImportError without pystray."""
        self._pystray: Any = importlib.import_module("pystray")
        self._clicked = clicked
        self._icon = self._pystray.Icon("baara", _image(icons.IDLE), "Baara")

    def show(self, message: dict[str, Any]) -> None:
        """Show this icon and menu from now on."""
        self._icon.icon = _image(message["state"])
        self._icon.title = message["tip"]
        self._icon.menu = self._pystray.Menu(*map(self._item, message["menu"]))

    def run(self) -> None:
        """Serve it until `end`."""
        self._icon.run()

    def end(self) -> None:
        """Take it away, and let `run` return."""
        self._icon.stop()

    def _item(self, item: dict[str, Any]) -> Any:
        if not item:
            return self._pystray.Menu.SEPARATOR
        if "items" in item:
            return self._pystray.MenuItem(item["text"], self._pystray.Menu(*map(self._item, item["items"])))
        checked = (lambda _item: bool(item["on"])) if "on" in item else None
        return self._pystray.MenuItem(
            item["text"], lambda: self._clicked(item["id"]), checked=checked, enabled=not item.get("off"),
            default=item["id"] == "open",
        )  # fmt: skip


def _image(state: str) -> Image.Image:
    return Image.open(io.BytesIO(icons.picture(state)))
