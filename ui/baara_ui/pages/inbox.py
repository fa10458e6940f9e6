"""The inbox: a list of threads in lanes, and a reading pane beside it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from nicegui import background_tasks, ui

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.engine_parts.inbox import PAGE, Arranged
from baara_engine.records import Absence, Event, Lane, Row
from baara_engine.states import Outcome
from baara_ui import looks, moments
from baara_ui.house import House
from baara_ui.page import BY, SHOWN, Fields, Page
from baara_ui.pages.reading import Reading

ABSENT_MS = 30 * 60 * 1000  # nobody has looked for half an hour: they were away
PRESENCE_S = 60.0  # how often an open page says that somebody looks
DAY_MS = 24 * 3600 * 1000
MOST_ROWS = 2_000  # of one lane in a page; search finds the rest
ACTIONS = ("settle", "archive", "reopen")


def _is_within(row: Row, days: str, now: Millis) -> bool:
    return not days.isdecimal() or row.thread.created_at >= now - int(days) * DAY_MS


# What a search can be narrowed to: whether a row fits a value.
FILTERS: dict[str, Callable[[Row, str, Millis], bool]] = {
    "project": lambda row, value, _now: row.latest is not None and row.latest.project_id == value,
    "outcome": lambda row, value, _now: row.latest is not None and row.latest.outcome == value,
    "source": lambda row, value, _now: row.thread.source == value,
    "within": _is_within,
}
WITHIN = ((1, "In the last day"), (7, "In the last week"), (31, "In the last month"))


class Inbox(Page):
    """The home page."""

    title = "Inbox"
    here = "inbox"

    def __init__(self, house: House, thread_id: str | None = None) -> None:
        """Open it, with a thread if the address names one."""
        self.selected = thread_id
        self.ticked: set[str] = set()
        self.limits: dict[Lane, int] = dict.fromkeys(looks.SHOWN, PAGE)
        self.text = ""
        self.chosen = dict.fromkeys(FILTERS, "")
        self.found: list[Row] = []
        self.rows: dict[Lane, list[Row]] = {}
        self.counts: dict[Lane, int] = {}
        self.absence = _absence(house)
        super().__init__(house)

    def build(self) -> None:
        """Put the list and the reading pane side by side."""
        self._look()
        with ui.element("div").classes("inbox"):
            with ui.element("div").classes("list-pane"):
                self.part("inbox/tools.html", self._tools)
                self.part("inbox/away.html", lambda: {"absence": self.absence})
                with ui.element("div").classes("list"):
                    for lane in looks.SHOWN:
                        self.part("inbox/lane.html", partial(self._lane, lane))
                    self.part("inbox/lane.html", self._found)
                    self.part("inbox/empty.html", self._empty)
            with ui.element("div").classes("reading-pane").props('tabindex="0" role="region" aria-label="The thread"'):
                self.reading = Reading(self)
        self._name_actions()
        ui.timer(PRESENCE_S, self._be_present, immediate=True)
        if self.selected is not None:
            self._mark_read(self.selected)

    async def refresh(self) -> None:
        """Look at the store once, and render what has changed: what is read first."""
        await asyncio.to_thread(self._look)
        await super().refresh()

    def touches(self, event: Event) -> bool:
        """All that moves a thread, and the steps of the one that is open."""
        return event.kind not in {"tool_begun", "tool_ended", "turn"} or event.thread_id in {None, self.selected}

    def _news(self, events: list[Event]) -> None:
        """Look at the news; what is said in the thread that is open is read as it comes."""
        super()._news(events)
        if self.selected and any(one.kind == "posted" and one.thread_id == self.selected for one in events):
            background_tasks.create(asyncio.to_thread(self._mark_read, self.selected), name="read as it comes")

    def act(self, arranged: Arranged, text: str) -> None:
        """Tell of an action that can be taken back."""
        count = len(arranged.before)
        self.say(f"{text}{f' ({count} threads)' if count > 1 else ''}.", undo=arranged)

    def _look(self) -> None:
        self.counts = self.engine.lanes()
        if self.text:
            self.found = self._fitting(self.engine.search(self.text))
            self.rows = {}
            return
        self.rows = {
            lane: self._fitting(self.engine.lane(lane, limit=self.limits[lane]))
            for lane in looks.SHOWN
            if self.counts.get(lane)
        }

    def _fitting(self, rows: list[Row]) -> list[Row]:
        """Leave those that a person has filtered by; what is not a search is filtered by project alone."""
        wanted = self.chosen if self.text else {"project": self.chosen["project"]}
        tests = [(FILTERS[name], value) for name, value in wanted.items() if value]
        return [row for row in rows if all(fits(row, value, self.now()) for fits, value in tests)]

    def _name_actions(self) -> None:
        for name in ACTIONS:
            self.on(name, partial(self._arrange, name))
        for name, do in {
            "open": self._open, "back": self._back, "search": self._search, "filter": self._filter, "more": self._more,
            "tick": self._tick, "tick-here": self._tick_here, "tick-lane": self._tick_lane, "untick": self._untick,
            "bulk": self._bulk, "pin": self._pin, "read": self._read, "unread": self._unread, "snooze": self._snooze,
            "hide-away": self._hide_away, "look": self._nothing, "unpause": self._unpause,
        }.items():  # fmt: skip
            self.on(name, do)

    async def _nothing(self, _fields: Fields) -> None:
        """Look again, after the connection was lost."""

    async def _unpause(self, _fields: Fields) -> None:
        await asyncio.to_thread(self.engine.unpause, by=BY)
        self.say("Work goes on.")

    # ---- moving about

    async def _open(self, fields: Fields) -> object:
        thread_id = fields.get("id", "")
        if not self.engine.rows([thread_id]):
            raise errors.NotFound("That thread is gone.")
        self.selected = thread_id
        self.reading.begin()
        ui.run_javascript(f"history.replaceState(null, '', '/thread/{thread_id}')")
        await self.reading.refresh()
        background_tasks.create(asyncio.to_thread(self._mark_read, thread_id), name="read")
        return SHOWN

    def _mark_read(self, thread_id: str) -> None:
        found = self.engine.rows([thread_id])
        if found and found[0].thread.unread:
            self.engine.mark_read([thread_id])

    async def _back(self, _fields: Fields) -> None:
        ui.run_javascript("document.body.classList.remove('reading')")
        self.text = ""

    async def _search(self, fields: Fields) -> None:
        self.text = fields.get("text", "").strip()

    async def _filter(self, fields: Fields) -> None:
        self.chosen |= {name: value for name, value in fields.items() if name in FILTERS}

    async def _more(self, fields: Fields) -> None:
        lane = Lane(fields.get("lane", Lane.DONE))
        self.limits[lane] = min(self.limits.get(lane, PAGE) + PAGE, MOST_ROWS)

    def _next_after(self, thread_id: str) -> str | None:
        """Give the thread that stands below this one, or else above it: what is read next."""
        shown = [row.thread.id for lane in looks.SHOWN for row in self.rows.get(lane, [])]
        if thread_id not in shown:
            return None
        at = shown.index(thread_id)
        rest = shown[at + 1 :] + shown[:at][::-1]
        return rest[0] if rest else None

    # ---- acting

    async def _arrange(self, name: str, fields: Fields) -> None:
        ids = [fields["id"]] if fields.get("id") else sorted(self.ticked)
        follow = self._next_after(ids[0]) if name != "reopen" and ids and ids[0] == self.selected else None
        verbs = {"settle": self.engine.settle, "archive": self.engine.archive, "reopen": self.engine.reopen}
        arranged = await asyncio.to_thread(verbs[name], ids)
        self.ticked -= set(ids)
        self.act(arranged, {"settle": "Done", "archive": "Archived", "reopen": "Back in the inbox"}[name])
        if follow is not None:
            await self._open({"id": follow})

    async def _snooze(self, fields: Fields) -> None:
        ids = sorted(self.ticked) or ([self.selected] if self.selected else [])
        until = moments.until(fields.get("until", ""), self.now())
        follow = self._next_after(ids[0]) if ids else None
        arranged = await asyncio.to_thread(self.engine.snooze, ids, until)
        self.ticked.clear()
        self.act(arranged, f"Snoozed until {moments.told(until)}")
        if follow is not None:
            await self._open({"id": follow})

    async def _pin(self, fields: Fields) -> None:
        [row] = self.engine.rows([fields.get("id", "")])
        pinned = row.thread.pinned_at is None
        arranged = await asyncio.to_thread(self.engine.pin, [row.thread.id], pinned=pinned)
        self.act(arranged, "Pinned" if pinned else "Not pinned any more")

    async def _read(self, fields: Fields) -> None:
        self.act(await asyncio.to_thread(self.engine.mark_read, self._meant(fields)), "Marked as read")

    async def _unread(self, fields: Fields) -> None:
        arranged = await asyncio.to_thread(self.engine.mark_read, self._meant(fields), read=False)
        self.act(arranged, "Marked as unread")

    def _meant(self, fields: Fields) -> list[str]:
        return [fields["id"]] if fields.get("id") else sorted(self.ticked)

    # ---- many at once

    async def _tick(self, fields: Fields) -> None:
        (self.ticked.add if fields.get("on") else self.ticked.discard)(fields.get("id", ""))

    async def _tick_here(self, fields: Fields) -> None:
        self.ticked ^= {fields.get("id", "")}

    async def _tick_lane(self, fields: Fields) -> None:
        self.ticked |= set(await asyncio.to_thread(self.engine.ids_in_lane, Lane(fields.get("lane", Lane.NEW))))

    async def _untick(self, _fields: Fields) -> None:
        self.ticked.clear()

    async def _bulk(self, fields: Fields) -> None:
        how = fields.get("how", "")
        if how in {"resume", "dismiss"}:
            await self._triage(how)
        elif how in {"read", "unread"}:
            await (self._read if how == "read" else self._unread)({})
        else:
            await self._arrange(how, {})
        self.ticked.clear()

    async def _triage(self, how: str) -> None:
        """Resume or dismiss all dead letters of the threads that are selected."""
        verb = self.engine.resume if how == "resume" else self.engine.dismiss
        mine = [one.execution for one in self.engine.dead_letters() if one.execution.thread_id in self.ticked]
        for one in mine:
            await asyncio.to_thread(verb, one.id)
        self.say(f"{len(mine)} {'go on' if how == 'resume' else 'put aside'}.")

    # ---- an absence

    async def _hide_away(self, _fields: Fields) -> None:
        self.absence = None

    async def _be_present(self) -> None:
        await asyncio.to_thread(self.engine.note_presence)

    # ---- what the parts show

    def _tools(self) -> dict[str, Any]:
        failed = {row.thread.id for row in self.rows.get(Lane.FAILED, [])} & self.ticked
        return {
            "text": self.text, "ticked": len(self.ticked), "failed": bool(failed),
            "filters": self._filters(), "chosen": self.chosen,
        }  # fmt: skip

    def _filters(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Give what can be filtered by: always the project, and of a search the rest."""
        projects = [("", "All projects"), *((one.id, one.name) for one in self.engine.projects())]
        found = [("project", "Project", projects)] if len(projects) > 1 else []
        if not self.text:
            return found
        sources = sorted({row.thread.source for row in self.found} | ({self.chosen["source"]} - {""}))
        return [
            *found,
            ("outcome", "Outcome", [("", "Any outcome"), *((str(one), str(one)) for one in Outcome)]),
            ("source", "Where from", [("", "From anywhere"), *((one, one) for one in sources)]),
            ("within", "When", [("", "At any time"), *((str(days), told) for days, told in WITHIN)]),
        ]

    def _lane(self, lane: Lane) -> dict[str, Any]:
        rows = self.rows.get(lane, [])
        return {
            "lane": lane, "title": looks.LANES[lane], "rows": rows, "count": self.counts.get(lane, 0),
            "selected": self.selected, "ticked": self.ticked,
        }  # fmt: skip

    def _found(self) -> dict[str, Any]:
        found = self.found if self.text else []
        return {
            "lane": "found", "title": "Found", "rows": found, "count": len(found), "selected": self.selected,
            "ticked": self.ticked,
        }  # fmt: skip

    def _empty(self) -> dict[str, Any]:
        busy = {Lane.NEEDS_YOU, Lane.FAILED, Lane.NEW, Lane.RUNNING, Lane.WAITING} & set(self.counts)
        return {
            "text": self.text, "found": self.found, "nothing": not self.counts and not self.text,
            "quiet": not busy and not self.text,
        }  # fmt: skip


def _absence(house: House) -> Absence | None:
    """Give what happened while nobody looked, if that was for long enough and anything did."""
    found = house.engine.absence()
    if found is None or house.engine.store.clock.now() - found.since < ABSENT_MS:
        return None
    return found if found.ended or found.asked or found.missed or found.resumed else None


class OfExecution(Inbox):
    """The inbox with the thread of an execution: for whoever knows no more than that."""

    def __init__(self, house: House, execution_id: str) -> None:
        """Open the thread in which it is."""
        try:
            thread_id = house.engine.execution(execution_id).thread_id
        except errors.BaaraError:  # it is gone, or never was: the list is there
            thread_id = None
        super().__init__(house, thread_id)
