"""What was spent, on what, and what may be."""

import asyncio
from datetime import timedelta
from typing import Any

from baara_engine import errors, money, resuming
from baara_engine.money import Scope
from baara_engine.records import Event
from baara_ui import moments, plots
from baara_ui.house import House
from baara_ui.page import BY, Fields, Page

DAYS = (7, 30, 90)
DAY_MS = 24 * 3600 * 1000


class Usage(Page):
    """Cost by day, task, project and model, with the limits."""

    title = "Usage"
    here = "usage"

    def __init__(self, house: House) -> None:
        """Begin with a month."""
        self.days = 30
        super().__init__(house)

    def build(self) -> None:
        """Show it."""
        self.part("usage.html", self._values)
        self.on("days", self._choose)
        self.on("limit", self._limit)
        self.on("delete-limit", self._delete)

    def touches(self, event: Event) -> bool:
        """Look at what costs something, and what limits it."""
        return event.kind in {"turn", "limit", "status"}

    async def _choose(self, fields: Fields) -> None:
        said = fields.get("days", "")
        self.days = int(said) if said.isdecimal() and int(said) in DAYS else self.days

    async def _limit(self, fields: Fields) -> None:
        scope, _, name = fields.get("scope", "day").partition(":")
        amount = money.parse(fields.get("amount", ""))
        await asyncio.to_thread(self.engine.set_limit, _scope(scope), name, amount, by=BY)
        self.say(f"The limit is ${money.shown(amount)} a day now. What waits for money goes on if it is enough.")

    async def _delete(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.remove_limit, _scope(fields.get("scope", "")), fields.get("name", ""))
        self.say("There is no such limit any more.")

    def _values(self) -> dict[str, Any]:
        by_day = {one.what: one for one in self.engine.usage("day", self.days)}
        today = moments.local(self.now()).date()
        shown = [(today - timedelta(days=back)).isoformat() for back in range(self.days - 1, -1, -1)]
        amounts = [(day, by_day[day].microusd if day in by_day else 0) for day in shown]
        tasks = {task.id: task.name for task in self.engine.tasks()}
        projects = {one.id: one.name for one in self.engine.projects()}
        return {
            "days": self.days, "today": amounts[-1][1], "total": sum(one.microusd for one in by_day.values()),
            "questions": sum(one.questions for one in by_day.values()),
            "plots": self._plots(shown),
            "unknown": sum(one.unknown for one in by_day.values()), "plot": plots.bars(amounts, "Cost per day"),
            "tables": [
                ("By task", self._named("task", tasks | {"": "without a task"})),
                ("By project", self._named("project", projects | {"": "without a project"})),
                ("By model", self._named("model", {})),
            ],
            "limits": [
                {"scope": one.scope, "key": one.key, "microusd": one.microusd,
                 "name": (tasks | projects).get(one.key, "everything" if not one.key else one.key)}
                for one in self.engine.limits()
            ],
            "names": sorted(tasks.values()), "projects": sorted(projects.values()),
        }  # fmt: skip

    def _plots(self, shown: list[str]) -> list[tuple[str, Any]]:
        """Draw what was done on each of these days."""
        days = {one.day: one for one in self.engine.days(self.now() - self.days * DAY_MS)}
        tokens = [(day, days[day].tokens if day in days else 0) for day in shown]
        worked = [(day, days[day].worked_ms if day in days else 0) for day in shown]
        ended = [(day, days[day].executions if day in days else 0) for day in shown]
        return [
            ("Tokens per day", plots.bars(tokens, "Tokens per day", lambda count: f"{count:,}")),
            ("Working time per day", plots.bars(worked, "Working time per day", resuming.duration)),
            ("Executions per day", plots.bars(ended, "Executions per day", str)),
        ]

    def _named(self, by: str, names: dict[str, str]) -> list[dict[str, Any]]:
        found = self.engine.usage(by, self.days)
        rows = [{"what": names.get(one.what or "", one.what or "–"), "microusd": one.microusd} for one in found]
        return sorted((row for row in rows if row["microusd"]), key=lambda row: -int(str(row["microusd"])))


def _scope(said: str) -> Scope:
    try:
        return Scope(said)
    except ValueError as error:
        raise errors.InvalidInput("A limit is for everything, a task or a project.") from error
