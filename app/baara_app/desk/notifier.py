"""Notifications: a process of its own that shows them on the desktop, and says which were clicked.

One of each key is there at a time: a new one takes the place of the old. What is shown is text, never markup.
"""

import asyncio
import html
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import baara_ui
from baara_app.desk import children, talking

APP = "Baara"
ICON = Path(baara_ui.__file__).parent / "static" / "baara.svg"
NO_BUS = ("InvalidAddressError", "DBusError", "AuthError")  # what the library raises where nobody shows notifications
BODY = 300  # characters: more is cut off by every desktop


class Notifier:
    """Shows what it is told, one after the other."""

    def __init__(self, line: talking.Line) -> None:
        """Load the library. Raises ImportError."""
        library: Any = importlib.import_module("desktop_notifier")
        self._line = line
        self._known: dict[str, str] = {}  #: what the desktop calls the notification of a key
        self._dispatched: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._shows = library.DesktopNotifier(app_name=APP, app_icon=library.Icon(path=ICON))
        self._shows.on_dispatched = self._dispatched.add
        self._queue: asyncio.Queue[talking.Message] = asyncio.Queue()
        line.listen(self._told, self._end)

    def run(self) -> int:
        """Serve until the engine's process ends. Gives the exit status."""
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:
            if type(error).__name__ not in NO_BUS and not isinstance(error, OSError):
                raise
            self._line.say(
                "lacks", why=f"Nothing on this desktop shows notifications ({error or type(error).__name__})."
            )
            return children.LACKING
        return 0

    async def _serve(self) -> None:
        while True:
            message = await self._queue.get()
            if message["do"] == "notify":
                await self._show(message)
            elif message["do"] == "withdraw":
                await self._clear(message["key"])

    async def _show(self, message: talking.Message) -> None:
        key = str(message["key"])
        await self._clear(key)
        # A body is markup to those who show it; a title is not (Desktop Notifications Specification).
        body = html.escape(str(message["body"])[:BODY], quote=False) if sys.platform == "linux" else message["body"]
        made = await self._shows.send(
            title=str(message["title"]), message=body, on_clicked=lambda: self._line.say("clicked", key=key)
        )
        if made not in self._dispatched:  # the library logs why, and raises nothing
            raise OSError("it was not taken")
        self._known[key] = made
        self._line.say("shown", key=key)

    async def _clear(self, key: str) -> None:
        identifier = self._known.pop(key, None)
        if identifier in await self._shows.get_current_notifications():  # else a person has put it away
            await self._shows.clear(identifier)

    def _told(self, message: talking.Message) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, message)

    def _end(self) -> None:
        """Leave: what is shown stays, as those who show it like."""
        os._exit(0)


if __name__ == "__main__":
    sys.exit(Notifier(talking.Line()).run())
