"""Health: what is not as it should be, and what the engine is at."""

import asyncio
import json
from typing import Any

from nicegui import background_tasks

import baara_engine
from baara_engine import errors, sandboxes
from baara_engine.records import Event
from baara_ui.house import House
from baara_ui.page import Fields, Page

EVENTS = 30  # that are shown
BRIEF = 160  # characters of an event's data


class Health(Page):
    """Findings, the engine, the sandboxes, and what happened last."""

    title = "Health"
    here = "health"

    def __init__(self, house: House) -> None:
        """Look at the sandboxes once, beside the page: it may take seconds."""
        self.told = dict.fromkeys(sandboxes.TABLE, "being looked at…")
        super().__init__(house)
        background_tasks.create(self._look_at_sandboxes(), name="which sandboxes there are")

    def build(self) -> None:
        """Show it."""
        self.part("health.html", self._values)
        self.on("back-up", self._back_up)

    async def _look_at_sandboxes(self) -> None:
        for name in sandboxes.TABLE:
            self.told[name] = await sandboxes.standing(name)
        await self.refresh()

    async def _back_up(self, _fields: Fields) -> None:
        made = await asyncio.to_thread(self.engine.back_up)
        self.say(f"A verified copy is in {made.path}.")

    def _values(self) -> dict[str, Any]:
        return {
            "findings": [self._finding(one) for one in self.engine.health()], "working": self.engine.is_working(),
            "version": baara_engine.__version__, "home": str(self.engine.home), "next_due": self.engine.next_due(),
            "queues": self.engine.queues(), "sandboxes": list(self.told.items()),
            "events": self.engine.events(max(self.engine.last_event() - EVENTS, 0))[::-1], "brief": _brief,
        }  # fmt: skip

    def _finding(self, one: Any) -> dict[str, Any]:
        thread_id = None
        if one.execution_id is not None:
            try:
                thread_id = self.engine.execution(one.execution_id).thread_id
            except errors.NotFound:
                thread_id = None
        return {"message": one.message, "advice": one.advice, "since": one.since, "thread_id": thread_id}


def _brief(event: Event) -> str:
    return json.dumps(event.data, ensure_ascii=False)[:BRIEF]
