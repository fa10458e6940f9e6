"""The schedule: two weeks of due times as a calendar, the schedules, and the ledger."""

import asyncio
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from baara_engine.clock import Millis
from baara_engine.records import Event
from baara_engine.schedules import rules
from baara_engine.schedules.records import Schedule as Rule
from baara_engine.schedules.records import Slot, SlotState
from baara_ui import moments
from baara_ui.house import House
from baara_ui.page import Fields, Page

DAYS = 14
MOST_SLOTS = 2_000  # of the ledger that are looked at
LEDGER = 60  # lines of it that are shown
MOST_COMING = 60  # due times of one schedule within the calendar: one that is due each second would fill it
MOST_WEEKS = 520  # ten years either way


class Schedule(Page):
    """The calendar."""

    title = "Schedule"
    here = "schedule"

    def __init__(self, house: House) -> None:
        """Begin with this week."""
        self.weeks = 0
        super().__init__(house)

    def build(self) -> None:
        """Show it."""
        self.part("schedule.html", self._values)
        self.on("week", self._week)
        self.on("pause-schedule", self._pause)
        self.on("resume-schedule", self._resume)

    def touches(self, event: Event) -> bool:
        """Look at what changes schedules and slots."""
        return event.kind in {"task", "schedule", "slot"}

    async def _week(self, fields: Fields) -> None:
        by = {"-1": -1, "1": 1}.get(fields.get("by", ""), 0)
        self.weeks = max(-MOST_WEEKS, min(MOST_WEEKS, self.weeks + by)) if by else 0

    async def _pause(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.pause_schedule, fields["id"])

    async def _resume(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.resume_schedule, fields["id"])

    def _values(self) -> dict[str, Any]:
        now = self.now()
        schedules = self.engine.schedules()
        names = {task.id: task.name for task in self.engine.tasks()}
        task_of = {one.id: names.get(one.task_id, "") for one in schedules}
        slots = self.engine.slots(limit=MOST_SLOTS)
        first = _monday(now) + timedelta(weeks=self.weeks)
        shown = [_shown(slot, task_of) for slot in slots] + self._coming(schedules, task_of, first)
        return {
            "schedules": schedules, "names": names,
            "days": [_day(first + timedelta(days=at), shown, now) for at in range(DAYS)],
            "describe": lambda one: rules.describe(rules.decode(one.rule)),
            "ledger": [_line(slot, task_of, self._link(slot)) for slot in slots[:LEDGER]],
        }  # fmt: skip

    def _coming(self, schedules: list[Rule], task_of: dict[str, str], first: datetime) -> list[dict[str, Any]]:
        end = moments.millis(first + timedelta(days=DAYS))
        coming: list[dict[str, Any]] = []
        for one in schedules:
            if one.enabled and one.next_due is not None:
                begin = max(one.next_due - 1, moments.millis(first) - 1)
                due = rules.upcoming(rules.decode(one.rule), begin, MOST_COMING)
                coming += [
                    _told(moment, task_of[one.id], "due", "", f"/tasks/{one.task_id}")
                    for moment in takewhile(lambda moment: moment < end, due)
                ]
        return coming

    def _link(self, slot: Slot) -> str:
        return "" if slot.execution_id is None else f"/executions/{slot.execution_id}"


def _shown(slot: Slot, task_of: dict[str, str]) -> dict[str, Any]:
    word = "" if slot.state is SlotState.RAN else slot.state.replace("_", " ")
    link = "#" if slot.execution_id is None else f"/executions/{slot.execution_id}"
    return _told(slot.due, task_of.get(slot.schedule_id, ""), slot.state.replace("_", "-"), word, link)


def _told(moment: Millis, task: str, look: str, word: str, link: str) -> dict[str, Any]:
    local = moments.local(moment)
    return {
        "at": moment, "day": local.date(), "time": local.strftime("%H:%M"), "task": task, "look": look, "word": word,
        "link": link, "title": f"{local:%A, %d %B, %H:%M:%S}: {task}, {word or look}",
    }  # fmt: skip


def _day(day: datetime, shown: list[dict[str, Any]], now: Millis) -> dict[str, Any]:
    mine = sorted((one for one in shown if one["day"] == day.date()), key=lambda one: one["at"])
    return {"name": day.strftime("%a %d %b"), "slots": mine, "today": day.date() == moments.local(now).date()}


def _line(slot: Slot, task_of: dict[str, str], link: str) -> dict[str, Any]:
    return {
        "due": slot.due, "count": slot.count, "task": task_of.get(slot.schedule_id, ""),
        "state": slot.state.replace("_", " "), "why": slot.why, "link": link,
    }  # fmt: skip


def _monday(now: Millis) -> datetime:
    today = moments.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday())
