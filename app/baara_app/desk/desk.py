"""The one thread that decides what a person is shown outside the pages, and when the program quits.

All that happens comes to it one after the other: what has changed, what a child says, what pages and other processes
ask for. It holds nothing that matters: kill it with all its children, and the next start shows the same.
"""

import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from baara_app import autostart, browsing, handshake, reaching
from baara_app.desk import announcing, children, menu, screens, standing, telling
from baara_app.desk.screens import Screen
from baara_engine import errors, words
from baara_engine.clock import Millis
from baara_engine.engine import Engine
from baara_engine.events import Kind
from baara_engine.records import Event
from baara_ui import moments

log = logging.getLogger(__name__)

BY = "tray"  # who has paused, or changed a setting
LOOK_S = 30.0  # seconds between two looks where nothing happens: the menu tells minutes, quiet hours end
GATHER_S = 0.3  # seconds that changes are gathered
FINISH_S = 0.5  # seconds between two looks whether the last of the work has ended
HOUR_MS = 3600 * 1000
# What changes anything that is shown; the turns of a long work do not.
SEEN = frozenset({
    Kind.STATUS, Kind.QUESTION, Kind.ARRANGED, Kind.PAUSED, Kind.UNPAUSED, Kind.SETTINGS, Kind.SCHEDULE, Kind.SLOT,
})  # fmt: skip
WINDOW, BROWSER = "window", "browser"  #: who shows a page
CLOSED = "The window is closed, and work goes on. "
BY_TRAY, BY_NAME = "Open it again from the tray.", "Open it again by: baara"
AT_WORK = (
    "{what} at work. `baara quit --finish` lets them end first; `baara quit --pause` stops them at their next step, "
    "and they go on at the next start."
)


class Desk:
    """The thread. What has no underscore is called from any other."""

    def __init__(
        self, home: Path, engine: Engine, end: Callable[[], None], *, on_screen: bool,
        start: screens.Start = children.Child,
    ) -> None:  # fmt: skip
        """Take what it is about, what ends the program, and whether it is to show anything by itself."""
        self._home, self._engine, self._end = home, engine, end
        self.on_screen = on_screen
        made = partial(Screen, told=self._told, start=start)
        self.window, self.tray, self.notifier = made(screens.WINDOW), made(screens.TRAY), made(screens.NOTIFIER)
        if not browsing.has_screen():
            self.window.lacks = self.tray.lacks = "There is no display."
        self._teller = telling.Teller(engine, self.notifier)
        self._todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._next_look = time.monotonic()
        self._last_menu: menu.Item | None = None
        self._page = "/"
        self._is_out = False  # the window's cookie may be worth nothing any more
        self._unseen: Callable[[], None] | None = None  # shows the page that the window was told and has not shown yet
        self._stopping = False
        self.finishing = False
        self._thread = threading.Thread(target=self._run, name="baara-desk", daemon=True)

    def start(self) -> None:
        """Begin, and show the inbox if anything is to be shown."""
        if self.on_screen:
            self._todo.put(lambda: self._show(None))
        self._thread.start()

    def stop(self) -> None:
        """End the children, then the thread."""
        self._todo.put(self._stop)
        self._thread.join()

    def heard(self, events: list[Event]) -> None:
        """Hear what was committed."""
        if any(event.kind in SEEN for event in events):
            self._todo.put(self._look_soon)

    def show(self, page: str | None, token: str = "") -> str:
        """Show a page, or just what is there; say who does. By the token a window may come to the front on Wayland."""
        if not self.on_screen:
            return handshake.NOBODY
        self._todo.put(lambda: self._show(page, token))
        return WINDOW if self.window.lacks is None else BROWSER

    def was_shut_out(self) -> None:
        """Let the window in again when it is next shown."""
        self._is_out = True

    @property
    def at_work(self) -> int:
        """Give how many executions are at work."""
        return self._engine.drain(on=self.finishing)

    def quit(self, *, finish: bool | None) -> None:
        """End the program: when what is at work has ended, or at once; None if nothing is. Raises `errors.Refused`."""
        if finish is None and self.at_work:
            what = f"{words.count(self.at_work, 'execution')} {'is' if self.at_work == 1 else 'are'}"
            raise errors.Refused(AT_WORK.format(what=what))
        self.finishing = bool(finish)
        self._todo.put(self._look if finish else self._end)

    def stay(self) -> None:
        """Do not quit after all, and begin what is queued."""
        self.finishing = False
        self._engine.drain(on=False)
        self._todo.put(self._look)

    def screens_here(self) -> list[tuple[str, str]]:
        """Say of window, tray and notifications whether they can be had here, and why not."""
        if not self.on_screen:
            return [("Window and tray", "none: it was started by `baara serve`, which shows nothing by itself")]
        what = {"Window": self.window, "Tray": self.tray, "Notifications": self.notifier}
        return [(name, one.lacks or ("there" if one.is_there else "when it is needed")) for name, one in what.items()]

    def starts_at_login(self) -> bool:
        """Say whether it does. Raises `errors.Unavailable`."""
        return autostart.entry(autostart.keeper_here()).command is not None

    def start_at_login(self, *, on: bool) -> str:
        """Have it start at login from now on, or no more, and say what holds. Raises `errors.Unavailable`."""
        keeper = autostart.keeper_here()
        made = autostart.turn_on(keeper, self._home) if on else autostart.turn_off(keeper)
        return f"Baara starts when you log in, by {made.place}." if on else "Baara does not start when you log in."

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        self._look()
        while not self._stopping:
            due = min([self._next_look, *(at for at, _ in self._timers)])
            try:
                self._todo.get(timeout=max(due - time.monotonic(), 0.0))()
            except queue.Empty:
                self._do_due()
            except errors.BaaraError as error:
                log.warning("what was asked for could not be done: %s", error.message)

    def _do_due(self) -> None:
        now = time.monotonic()
        ready = [work for at, work in self._timers if at <= now]
        self._timers = [(at, work) for at, work in self._timers if at > now]
        for work in ready:
            work()
        if now >= self._next_look:
            self._look()

    def _look_soon(self) -> None:
        self._next_look = min(self._next_look, time.monotonic() + GATHER_S)

    def _look(self) -> None:
        """Read how it stands, and show what is new."""
        self._next_look = time.monotonic() + (FINISH_S if self.finishing else LOOK_S)
        try:
            now = standing.read(self._engine, finishing=self.finishing)
            if self.on_screen:
                self._draw(now)
                self._teller.look(now.now)
        except errors.BaaraError as error:
            log.warning("how it stands cannot be read: %s", error.message)
        if self.finishing and not self.at_work:
            self._end()

    def _draw(self, now: standing.Standing) -> None:
        made = menu.message(now)
        if made != self._last_menu and self.tray.tell("show", **made):
            self._last_menu = made

    def _show(self, page: str | None, token: str = "") -> None:
        page, go = (page, True) if page is not None else ("/", self._is_out)
        self._page, self._is_out = page, False
        self._unseen = lambda: self._show(page if go else None)
        if not self.window.tell("show", home=str(self._home), page=page, go=go, token=token):
            self._unseen = None
            browsing.show(reaching.link(self._home, page))

    def _stop(self) -> None:
        self._stopping = True
        for screen in (self.window, self.tray, self.notifier):
            screen.close()

    # ---------------------------------------------------- what children say

    def _told(self, name: str, said: dict[str, Any]) -> None:
        """Hear a child, in the child's own thread."""
        self._todo.put(lambda: self._answer(name, said))

    def _answer(self, name: str, said: dict[str, Any]) -> None:
        screen = {one.name: one for one in (self.window, self.tray, self.notifier)}[name]
        match said["said"]:
            case "lacks":
                self._do_without(screen, str(said["why"]))
            case children.ENDED:
                self._ended(screen, said)
            case "shown" if screen is self.window:
                self._unseen = None
            case "clicked" if screen is self.tray:
                self._clicked(str(said["id"]), str(said.get("token", "")))
            case "clicked":
                self._show(self._teller.page(str(said["key"])))
            case "closed":
                self._say_once_that_it_works_on()
            case "saved":
                self._teller.say(announcing.Notice("saved", "Saved", str(said["path"]), "/"))

    def _do_without(self, screen: Screen, why: str) -> None:
        screen.lacks = why
        log.info("there is no %s: %s", screen.name, why)
        if screen is self.window:
            print(f"No window of its own: {why} The pages open in your browser.", file=sys.stderr)  # noqa: T201
            self._show(self._page)

    def _ended(self, screen: Screen, said: dict[str, Any]) -> None:
        again_s = screen.has_ended(int(said["pid"]), int(said["status"]), time.monotonic(), str(said["errors"]))
        if screen is self.tray and again_s is not None:
            self._last_menu = None
            self._timers.append((time.monotonic() + again_s, self._look))
        if screen is self.window and self._unseen is not None and not self._stopping:
            # It was just closing when it was asked for, or fell over before it showed anything.
            self._timers.append((time.monotonic() + (again_s or 0.0), self._unseen))

    def _clicked(self, what: str, token: str) -> None:
        if what == menu.OPEN:
            self._show(None, token)
        elif what == menu.QUIT:
            self._quit_or_ask(token)
        elif what == menu.RESUME:
            self._engine.unpause(by=BY)
        elif what.startswith(menu.PAGE):
            self._show(what.removeprefix(menu.PAGE), token)
        elif what.startswith(menu.PAUSE):
            self._engine.pause(_until(what.removeprefix(menu.PAUSE), self._engine.store.clock.now()), by=BY)
        elif what.startswith(menu.AWAKE):
            self._engine.change_settings({"keep_awake": what == f"{menu.AWAKE}on"}, by=BY)
        self._look_soon()

    def _quit_or_ask(self, token: str) -> None:
        if self.at_work:
            self._show("/quit", token)
        else:
            self._end()

    def _say_once_that_it_works_on(self) -> None:
        if self._stopping or self._engine.settings().told_of_closing:
            return
        again = BY_NAME if self.tray.lacks else BY_TRAY
        self._teller.say(announcing.Notice("closed", "Baara works on", CLOSED + again, "/"))
        self._engine.change_settings({"told_of_closing": True}, by=BY)


def _until(length: str, now: Millis) -> Millis | None:
    if length == menu.HOUR:
        return now + HOUR_MS
    return moments.until(menu.TOMORROW, now) if length == menu.TOMORROW else None
