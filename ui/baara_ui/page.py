"""What all pages have in common: a frame, parts, names for what people do, and news."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from nicegui import background_tasks, ui

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.engine_parts.inbox import Arranged
from baara_engine.records import Event, Lane
from baara_ui import looks
from baara_ui.house import House
from baara_ui.part import Part, Values

log = logging.getLogger(__name__)

REFRESH_S = 0.1  # so long changes are gathered before parts are rendered anew
SHARE = 2.0  # so many times as long as rendering took, nothing is rendered
MOST_FIELDS = 200  # that one thing to do comes with
MOST_CHARS = 2_000_000  # of all of them together: a prompt may be long, and no page sends a book by accident
BY = "page"  #: whose word it is, for answers and grants

Fields = Mapping[str, str]
SHOWN = object()  #: given by what has shown what matters already: the rest may come a moment later
Do = Callable[[Fields], Awaitable[object]]


class Page:
    """One open page. Made when somebody opens it, and gone with its window."""

    title: ClassVar[str]
    here: ClassVar[str]  #: its entry in the navigation

    def __init__(self, house: House) -> None:
        """Build it, in the place of the page."""
        self.engine = house.engine
        self.house = house
        self.said: dict[str, Any] = {"text": "", "kind": "", "undo": False, "number": 0}
        self._parts: list[Part] = []
        self._doing: dict[str, Do] = {"undo": self._undo}
        self._arranged: list[Arranged] = []
        self._pending: asyncio.TimerHandle | None = None
        self._is_behind = self._is_refreshing = False
        self._took_s = 0.0
        ui.on("do", self._do)
        ui.page_title(f"{self.title} · Baara")
        with ui.element("div").classes("frame"):
            self.part("frame/navigation.html", self._navigation, "side")
            with ui.element("main").props('id="main" tabindex="-1"').classes(f"main page-{self.here}"):
                self.build()
        self.part("frame/said.html", lambda: self.said, "said-place")
        self.part("frame/dialogs.html", dict)
        self._client = ui.context.client
        self._client.on_delete(house.hub.listen(self._news))
        self._client.on_connect(self._catch_up)

    def build(self) -> None:
        """Put its parts together."""
        raise NotImplementedError

    def touches(self, _event: Event) -> bool:
        """Say whether something that has happened is to be seen on this page."""
        return True

    def part(self, template: str, values: Values, classes: str = "") -> Part:
        """Add a part."""
        made = Part(template, values, classes)
        self._parts.append(made)
        return made

    def on(self, name: str, do: Do) -> None:
        """Say what is done under a name; the browser sends it with the fields of a form, or of an element."""
        self._doing[name] = do

    def say(self, text: str, *, kind: str = "well", undo: Arranged | None = None) -> None:
        """Tell the person something for some seconds, with a way back if there is one."""
        if undo is not None:
            self._arranged.append(undo)
        number = int(self.said["number"]) + 1
        self.said |= {"text": text, "kind": kind, "undo": undo is not None, "number": number}

    async def refresh(self) -> None:
        """Render what has changed."""
        for part in self._parts:
            await part.refresh()

    def refresh_soon(self) -> None:
        """Render what has changed, together with what changes in the next moment.

        Where a lot happens, at most a third of the time goes into it: what somebody does comes first.
        """
        if self._pending is None and not self._is_refreshing:
            wait_s = max(REFRESH_S, self._took_s * SHARE)
            self._pending = asyncio.get_running_loop().call_later(wait_s, self._refresh_now)
        self._is_behind = True

    def cookies(self) -> Mapping[str, str]:
        """Give what the browser was known by when it opened this page."""
        return self._client.request.cookies

    def now(self) -> Millis:
        """Give the time."""
        return self.engine.store.clock.now()

    def _refresh_now(self) -> None:
        self._pending = None
        background_tasks.create(self._refresh_as_told(), name=f"refresh {self.here}")

    async def _refresh_as_told(self) -> None:
        self._is_behind, self._is_refreshing = False, True
        begun = time.perf_counter()
        try:
            await self.refresh()
        finally:
            self._took_s = time.perf_counter() - begun
            self._is_refreshing = False
        if self._is_behind:
            self.refresh_soon()

    def _news(self, events: list[Event]) -> None:
        if not self._client.has_socket_connection:
            self._is_behind = True  # nobody looks; whoever comes back is shown all of it
        elif any(self.touches(event) for event in events):
            self.refresh_soon()

    def _catch_up(self) -> None:
        if self._is_behind:
            self.refresh_soon()

    async def _do(self, event: Any) -> None:
        """Do what the browser asks for, and say what was wrong if it cannot be done."""
        try:
            name, fields = _asked(event.args)
            if name not in self._doing:
                raise errors.InvalidInput(f"This page does not know how to do “{name[:40]}”.")  # noqa: TRY301
            if await self._doing[name](fields) is SHOWN:
                self.refresh_soon()
                return
        except errors.BaaraError as error:
            self.say(error.message, kind="bad")
        except Exception:
            log.exception("a page could not do what was asked")
            self.say("That went wrong by a defect of Baara; `baara log` has the details. Nothing was lost.", kind="bad")
        await self.refresh()

    async def _undo(self, _fields: Fields) -> None:
        if not self._arranged:
            self.say("There is nothing to take back.")
            return
        arranged = self._arranged.pop()
        await asyncio.to_thread(self.engine.undo, arranged)
        self.say(f"Taken back: {arranged.how}.")

    def _navigation(self) -> dict[str, Any]:
        lanes = self.engine.lanes()
        return {
            "here": self.here,
            "badge": sum(lanes.get(lane, 0) for lane in looks.BADGE),
            "new": lanes.get(Lane.NEW, 0),
            "pause": self.engine.paused(),
            "working": self.engine.is_working(),
            "running": lanes.get(Lane.RUNNING, 0),
        }


def _asked(args: object) -> tuple[str, dict[str, str]]:
    """Take apart what the browser sent. Raises `errors.InvalidInput`."""
    if not isinstance(args, dict) or not isinstance(args.get("do"), str) or len(args) > MOST_FIELDS:
        raise errors.InvalidInput("The page sent something that makes no sense. Load it again.")
    fields = {name: value for name, value in args.items() if isinstance(name, str) and isinstance(value, str)}
    if sum(map(len, fields.values())) > MOST_CHARS:
        raise errors.InvalidInput(
            f"That is more than {MOST_CHARS:,} characters. Put it into a file, and name the file."
        )
    return fields.pop("do"), fields
