"""A part of a page: a template that is rendered anew when something has changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nicegui import ui

from baara_ui import rendering

Values = Callable[[], dict[str, Any]]


class Morphed(ui.element, component=Path(__file__).parent / "static" / "part.js"):
    """An element whose HTML the browser changes only where it differs."""

    def __init__(self, html: str) -> None:
        """Show some HTML, which must be safe: only templates give it."""
        super().__init__()
        self.props["html"] = html

    def show(self, html: str) -> None:
        """Show other HTML."""
        self.props["html"] = html
        self.update()


class Part:
    """One part. What it shows is read from the engine each time, so that it cannot be out of date."""

    def __init__(self, template: str, values: Values, classes: str = "") -> None:
        """Render it for the first time, in the place where this is called."""
        self._template = template
        self._values = values
        self._shown = self._render()
        self._element = Morphed(self._shown)
        self._element.classes(classes)
        self._lock = asyncio.Lock()

    @property
    def html(self) -> str:
        """Give what it shows."""
        return self._shown

    async def refresh(self) -> bool:
        """Render it anew, beside the loop, and send it if it has changed; say whether it has."""
        async with self._lock:  # what was rendered first is shown first
            html = await asyncio.to_thread(self._render)
            if html == self._shown:
                return False
            self._shown = html
            self._element.show(html)
            return True

    def _render(self) -> str:
        return rendering.render(self._template, **self._values())
