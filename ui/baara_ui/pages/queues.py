"""The queues: how deep they are, how much runs at once, and the pause of all work."""

import asyncio
from typing import Any

from baara_engine import errors, queues
from baara_engine.records import Event
from baara_engine.states import Status
from baara_ui import moments
from baara_ui.page import BY, Fields, Page

SHOWN = 100  # executions of each state
OPEN = (Status.RUNNING, Status.ASSIGNED, Status.QUEUED, Status.RETRY_SCHEDULED, Status.WAITING_FOR_INPUT)


class Queues(Page):
    """The four queues."""

    title = "Queues"
    here = "queues"

    def build(self) -> None:
        """Show them."""
        self.part("queues.html", self._values)
        self.on("concurrency", self._set)
        self.on("pause", self._pause)

    def touches(self, event: Event) -> bool:
        """Look at what moves executions, or sets queues."""
        return event.kind in {"status", "queue", "paused", "unpaused"}

    async def _set(self, fields: Fields) -> None:
        said = fields.get("concurrency", "")
        if not said.isdecimal():
            raise errors.InvalidInput("How many may run at once is a number.")
        queue = await asyncio.to_thread(self.engine.set_concurrency, fields["id"], int(said))
        self.say(f"{queue.concurrency} of “{queue.name}” may run at once now.")

    async def _pause(self, fields: Fields) -> None:
        said = fields.get("until", "")
        until = moments.until(said, self.now()) if said else None
        await asyncio.to_thread(self.engine.pause, until, by=BY)

    def _values(self) -> dict[str, Any]:
        running = [one for status in OPEN for one in self.engine.executions(status=status, limit=SHOWN)]
        return {
            "queues": self.engine.queues(), "working": queues.WORKING, "most": queues.MAX_CONCURRENCY,
            "pause": self.engine.paused(), "running": running,
        }  # fmt: skip
