"""A new task: say what is wanted, and how it is to be run."""

import asyncio
from typing import Any

from nicegui import ui

from baara_engine import clock, errors, requests
from baara_engine.config import OFFLINE
from baara_engine.schedules import rules, saying
from baara_engine.scheduling import definitions
from baara_ui import dues, forms
from baara_ui.house import House
from baara_ui.page import BY, Fields, Page

HINT = "now, or: " + saying.EXAMPLES


class Compose(Page):
    """The form for something new."""

    title = "New task"
    here = "compose"

    def __init__(self, house: House) -> None:
        """Begin with an empty form."""
        self.how: dict[str, str] = forms.shown(None)
        self.error = ""
        self.due = dues.Due()
        self.has_key = house.keys.state().source is not None or house.engine.config.default_model == OFFLINE
        super().__init__(house)

    def build(self) -> None:
        """Show the form."""
        self.part("compose.html", self._values)
        self.on("submit", self._submit)
        self.on("when", self._when)

    def touches(self, _event: object) -> bool:
        """Nothing that happens changes what somebody is just writing."""
        return False

    async def _when(self, fields: Fields) -> None:
        self.how = dict(fields)
        self.due = dues.of(fields.get("when", ""), self.now())

    async def _submit(self, fields: Fields) -> None:
        self.how, self.error = dict(fields), ""
        self.due = dues.of(fields.get("when", ""), self.now())
        try:
            if self.due.error:
                raise errors.InvalidInput(self.due.error)  # noqa: TRY301 - told like any other
            await self._take(fields)
        except errors.InvalidInput as error:
            self.error = error.message

    async def _take(self, fields: Fields) -> None:
        said = forms.options(fields) | {"prompt": fields.get("prompt", "").strip()}
        rule = self.due.rule
        if fields.get("then") == "task" or (rule is not None and not isinstance(rule, rules.Once)):
            await self._save(said, fields.get("name", "").strip())
            return
        said |= {"name": fields.get("name", "").strip() or None, "source": BY}
        if isinstance(rule, rules.Once):
            said["not_before"] = rule.at
        execution = await asyncio.to_thread(self.engine.submit, requests.parse(requests.Submission, said))
        ui.navigate.to(f"/thread/{execution.thread_id}")

    async def _save(self, said: dict[str, Any], name: str) -> None:
        """Keep it as a task, with its schedule if it has one."""
        title = name or next(iter(said["prompt"].splitlines()), "")[:60]
        draft = requests.parse(requests.TaskDraft, said | {"name": title})
        if self.due.rule is None:
            task = await asyncio.to_thread(self.engine.create_task, draft)
        else:
            definitions.require_due(self.due.rule, clock.SystemClock().now())
            task, _ = await asyncio.to_thread(self.engine.create_scheduled_task, draft, self.due.rule)
        ui.navigate.to(f"/tasks/{task.id}")

    def _values(self) -> dict[str, Any]:
        return {
            "how": self.how, "choices": forms.choices(self.engine), "error": self.error, "has_key": self.has_key,
            "when_hint": self.due.told or HINT, "when_error": self.due.error, "templates": self.engine.templates(),
        }  # fmt: skip
