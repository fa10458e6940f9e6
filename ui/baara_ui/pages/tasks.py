"""The tasks: what can run many times."""

import asyncio
from typing import Any

from baara_engine.records import Event
from baara_engine.schedules import rules
from baara_engine.schedules.records import Schedule
from baara_ui.page import BY, Fields, Page


class Tasks(Page):
    """The list of tasks."""

    title = "Tasks"
    here = "tasks"

    def build(self) -> None:
        """Show the list."""
        self.part("tasks.html", self._values)
        self.on("run", self._run)
        self.on("toggle", self._toggle)

    def touches(self, event: Event) -> bool:
        """Look at what changes a task, its schedule, or what it is likely to cost."""
        return event.kind in {"task", "schedule", "slot", "status"}

    async def _run(self, fields: Fields) -> None:
        execution = await asyncio.to_thread(self.engine.submit_task, fields["id"], source=BY)
        self.say(f"“{execution.name}” is queued. Its result comes to the inbox.")

    async def _toggle(self, fields: Fields) -> None:
        task = self.engine.task(fields["id"])
        await asyncio.to_thread(self.engine.update_task, task.id, {"enabled": not task.enabled})
        self.say(f"“{task.name}” is {'off' if task.enabled else 'on'} now.")

    def _values(self) -> dict[str, Any]:
        by_task: dict[str, list[Schedule]] = {}
        for one in self.engine.schedules():
            by_task.setdefault(one.task_id, []).append(one)
        tasks = [(task, by_task.get(task.id, []), self.engine.estimate(task.id)) for task in self.engine.tasks()]
        return {"tasks": tasks, "describe": lambda one: rules.describe(rules.decode(one.rule))}
