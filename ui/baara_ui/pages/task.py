"""One task: its editor, when it is due, and what became of it."""

import asyncio
import contextlib
from typing import Any

from nicegui import ui

from baara_engine import errors, requests
from baara_engine.records import Event, Execution, Task
from baara_engine.schedules import rules, saying
from baara_engine.schedules.records import Missed, Overlap, Schedule
from baara_ui import dues, forms
from baara_ui.house import House
from baara_ui.page import BY, Fields, Page

RUNS = 20  # that are shown
NEXT = 5  # due times that are shown


class TaskEditor(Page):
    """The editor of a task."""

    title = "Task"
    here = "tasks"

    def __init__(self, house: House, task_id: str) -> None:
        """Open it with the task that the address names."""
        self.task_id = task_id
        self.how: dict[str, str] = {}
        self.error = self.hint = self.when = self.changing = ""
        self.missed, self.overlap = "once", "skip"
        self.due = dues.Due()
        self.asked = False
        self._last: Task | None = None
        super().__init__(house)

    def build(self) -> None:
        """Show the editor, or that there is no such task."""
        try:
            self.how = forms.shown(self.task)
        except errors.NotFound:
            self.part("gone.html", lambda: {"what": "task", "back": "/tasks"})
            return
        self.part("task.html", self._values)
        for name, do in {
            "save": self._save, "check": self._check, "run": self._run, "toggle": self._toggle, "when": self._when,
            "add-schedule": self._add, "pause-schedule": self._pause, "resume-schedule": self._resume,
            "delete-schedule": self._delete_schedule, "change-schedule": self._change, "no-change": self._no_change,
            "delete": self._delete,
        }.items():  # fmt: skip
            self.on(name, do)

    @property
    def task(self) -> Task:
        """Give the task as it is now. Raises `errors.NotFound`."""
        return self.engine.task(self.task_id)

    def touches(self, event: Event) -> bool:
        """Look at what changes tasks and schedules, or how runs end."""
        return event.kind in {"task", "schedule", "slot", "status"}

    async def _check(self, fields: Fields) -> None:
        """Say while somebody types whether it could be saved."""
        self.how = dict(fields)
        try:
            requests.parse(requests.TaskDraft, _draft(fields))
            self.error, self.hint = "", "It can be saved."
        except errors.InvalidInput as error:
            self.error, self.hint = error.message, ""

    async def _save(self, fields: Fields) -> None:
        self.how = dict(fields)
        try:
            draft = requests.parse(requests.TaskDraft, _draft(fields) | self._kept(fields))
            changes = draft.model_dump(exclude={"enabled", "thread_id", "queue"})
            await asyncio.to_thread(self.engine.update_task, self.task_id, changes)
        except errors.InvalidInput as error:
            self.error = error.message
            return
        self.error, self.hint = "", ""
        self.say("Saved. It holds from the next run on.")

    async def _run(self, _fields: Fields) -> None:
        execution = await asyncio.to_thread(self.engine.submit_task, self.task_id, source=BY)
        ui.navigate.to(f"/thread/{execution.thread_id}")

    async def _toggle(self, _fields: Fields) -> None:
        await asyncio.to_thread(self.engine.update_task, self.task_id, {"enabled": not self.task.enabled})

    async def _when(self, fields: Fields) -> None:
        self.when, self.missed, self.overlap = (fields.get(name, "") for name in ("when", "missed", "overlap"))
        self.due = dues.of(self.when, self.now())

    async def _add(self, fields: Fields) -> None:
        await self._when(fields)
        timing = requests.parse(requests.Timing, _policies(fields))
        if self.changing:
            rule = saying.parse(self.when, None, self.now()) if self.when else None
            await asyncio.to_thread(self.engine.update_schedule, self.changing, rule, timing)
        else:
            rule = saying.parse(self.when, None, self.now())
            await asyncio.to_thread(self.engine.create_schedule, self.task_id, rule, timing)
        await self._no_change({})
        self.say("It is in force.")

    async def _change(self, fields: Fields) -> None:
        """Put a schedule into the form; a rule that is not said anew stays."""
        found = self.engine.schedule(fields["id"])
        self.changing, self.missed, self.overlap = found.id, found.missed, found.overlap
        self.when, self.due = (
            "",
            dues.Due(told=rules.describe(rules.decode(found.rule)) + ", unless you say otherwise."),
        )

    async def _no_change(self, _fields: Fields) -> None:
        self.changing, self.when, self.due = "", "", dues.Due()

    async def _pause(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.pause_schedule, fields["id"])

    async def _resume(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.resume_schedule, fields["id"])

    async def _delete_schedule(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.delete_schedule, fields["id"])
        self.say("That schedule is gone.")

    async def _delete(self, _fields: Fields) -> None:
        if not self.asked:
            self.asked = True
            return
        await asyncio.to_thread(self.engine.delete_task, self.task_id)
        ui.navigate.to("/tasks")

    def _values(self) -> dict[str, Any]:
        with contextlib.suppress(errors.NotFound):  # deleted elsewhere meanwhile: what is shown stays
            self._last = self.task
        return {
            "task": self._last,
            "how": self.how, "choices": forms.choices(self.engine), "error": self.error,
            "hint": self.hint, "estimate": self._estimate(), "schedules": self._schedules(), "when": self.when,
            "changing": self.changing, "missed": self.missed, "overlap": self.overlap,
            "due": self.due, "examples": saying.EXAMPLES,
            "describe": lambda one: rules.describe(rules.decode(one.rule)), "next_of": _next, "asked": self.asked,
            "runs": self._runs(),
        }  # fmt: skip

    def _runs(self) -> list[Execution]:
        try:
            return self.engine.executions(task=self.task_id, limit=RUNS)
        except errors.NotFound:
            return []

    def _kept(self, fields: Fields) -> dict[str, Any]:
        """Give the limits of the sandbox that this form does not show, with the one that it does."""
        limits = {
            name: value for name, value in (self.task.sandbox_limits or {}).items() if name not in {"network", "hosts"}
        }
        if fields.get("network"):
            limits |= forms.limits(fields)
        return {"sandbox_limits": limits} if limits else {}

    def _estimate(self) -> object:
        try:
            return self.engine.estimate(self.task_id)
        except errors.NotFound:
            return None

    def _schedules(self) -> list[Schedule]:
        return [one for one in self.engine.schedules() if one.task_id == self.task_id]


def _draft(fields: Fields) -> dict[str, Any]:
    told = {name: fields.get(name, "").strip() for name in ("name", "prompt", "description")}
    return forms.options(fields) | told


def _policies(fields: Fields) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, kind in (("missed", Missed), ("overlap", Overlap)):
        try:
            said[name] = kind(fields.get(name, ""))
        except ValueError as error:
            raise errors.InvalidInput(f"Choose what happens: {name}.") from error
    return said


def _next(schedule: Schedule) -> list[int]:
    """Give the next due times."""
    return rules.upcoming(rules.decode(schedule.rule), (schedule.next_due or 1) - 1, NEXT)
