"""Health: what is not as it should be, what the engine is at, and what the program has written down about itself."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from nicegui import background_tasks

import baara_engine
from baara_engine import errors, sandboxes
from baara_engine.clock import Millis
from baara_engine.records import Event
from baara_ui import moments
from baara_ui.house import House, Line, Report
from baara_ui.page import Fields, Page

Dated = TypeVar("Dated", Line, Report)

EVENTS = 30  # that are shown
LINES = 100  # of the log
REPORTS = 5  # crash reports
LEVELS = {"info": "everything", "warning": "warnings and errors", "error": "errors"}  #: of the log, as they are chosen
BRIEF = 160  # characters of an event's data


class Health(Page):
    """Findings, the engine, the sandboxes, and what happened last."""

    title = "Health"
    here = "health"

    def __init__(self, house: House) -> None:
        """Look at the sandboxes once, beside the page: it may take seconds."""
        self.told = dict.fromkeys(sandboxes.TABLE, "being looked at…")
        self.level = "warning"
        super().__init__(house)
        background_tasks.create(self._look_at_sandboxes(), name="which sandboxes there are")

    def build(self) -> None:
        """Show it."""
        self.part("health.html", self._values)
        self.on("back-up", self._back_up)
        self.on("level", self._choose_level)

    async def _look_at_sandboxes(self) -> None:
        for name in sandboxes.TABLE:
            self.told[name] = await sandboxes.standing(name)
        await self.refresh()

    async def _back_up(self, _fields: Fields) -> None:
        made = await asyncio.to_thread(self.engine.back_up)
        self.say(f"A verified copy is in {made.path}.")

    async def _choose_level(self, fields: Fields) -> None:
        if fields.get("level") not in LEVELS:
            raise errors.InvalidInput(f"The log is told from one of these on: {', '.join(LEVELS)}.")
        self.level = fields["level"]

    def _values(self) -> dict[str, Any]:
        return {
            "findings": [self._finding(one) for one in self.engine.health()], "working": self.engine.is_working(),
            "version": baara_engine.__version__, "home": str(self.engine.home), "next_due": self.engine.next_due(),
            "queues": self.engine.queues(), "sandboxes": list(self.told.items()),
            "events": self.engine.events(max(self.engine.last_event() - EVENTS, 0))[::-1], "brief": _brief,
            "lines": _dated(self.house.logbook.lines(LINES, self.level)[::-1]), "level": self.level, "levels": LEVELS,
            "crashes": _dated(self.house.logbook.crashes()[:REPORTS]),
        }  # fmt: skip

    def _finding(self, one: Any) -> dict[str, Any]:
        thread_id = None
        if one.execution_id is not None:
            try:
                thread_id = self.engine.execution(one.execution_id).thread_id
            except errors.NotFound:
                thread_id = None
        return {"message": one.message, "advice": one.advice, "since": one.since, "thread_id": thread_id}


def _dated(told: Sequence[Dated]) -> list[tuple[Dated, Millis | None]]:
    return [(one, moments.read(one.at)) for one in told]


def _brief(event: Event) -> str:
    return json.dumps(event.data, ensure_ascii=False)[:BRIEF]
