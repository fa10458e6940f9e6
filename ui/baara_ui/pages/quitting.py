"""Quitting: what is at work, and the two ways of ending the program over it."""

import asyncio
from typing import Any

from baara_engine.records import Event, Lane
from baara_ui.page import Fields, Page

SHOWN = 20  # threads at work


class Quit(Page):
    """What quitting means now."""

    title = "Quit"
    here = "quit"

    def build(self) -> None:
        """Show the ways."""
        self.gone = False
        self.part("quit.html", self._values)
        self.on("finish", self._finish)
        self.on("quit", self._quit)
        self.on("stay", self._stay)

    def touches(self, event: Event) -> bool:
        """Look at what moves executions."""
        return event.kind == "status"

    async def _finish(self, _fields: Fields) -> None:
        self.gone = not self.house.desk.at_work
        await asyncio.to_thread(self.house.desk.quit, finish=True)

    async def _quit(self, _fields: Fields) -> None:
        self.gone = True
        await self.refresh()
        await asyncio.to_thread(self.house.desk.quit, finish=False)

    async def _stay(self, _fields: Fields) -> None:
        await asyncio.to_thread(self.house.desk.stay)

    def _values(self) -> dict[str, Any]:
        running = self.engine.lane(Lane.RUNNING, limit=SHOWN)
        waiting = sum(queue.queued for queue in self.engine.queues())
        desk = self.house.desk
        return {
            "running": running, "at_work": desk.at_work, "finishing": desk.finishing, "gone": self.gone,
            "waiting": waiting,
        }  # fmt: skip
