"""Notifications: what was decided is sent to the child that shows them, and what is settled is taken away again."""

import logging

from baara_app.desk import announcing, screens
from baara_engine.clock import Millis
from baara_engine.engine import Engine

log = logging.getLogger(__name__)


class Teller:
    """Tells a person on the desktop. Used by the desk's thread alone."""

    def __init__(self, engine: Engine, notifier: screens.Screen) -> None:
        """Take up where an earlier one has stopped; what was there before the first is not told of."""
        self._engine, self._notifier = engine, notifier
        self._told_until: Millis | None = None
        self._last_look: Millis | None = None
        self._pages: dict[str, str] = {}  #: what a click on each notification opens

    def look(self, now: Millis) -> None:
        """Say what has come since the last look. Raises `errors.BaaraError`."""
        begin = self._begin(now)
        settings = self._engine.settings()
        found = self._engine.notable(begin)
        come = announcing.look(found, begin, self._last_look, now, settings)
        self._last_look = now
        for notice in come.notices:
            self.say(notice)
        if come.notices:
            self._engine.note_told(come.told_until)
        self._told_until = come.told_until
        still = {one.thread_id for one in found}
        for key in [key for key in self._pages if key != announcing.ALL and key not in still]:
            self.withdraw(key)

    def say(self, notice: announcing.Notice) -> None:
        """Show a notification, in the place of the one with its key."""
        if self._notifier.tell("notify", key=notice.key, title=notice.title, body=notice.body):
            self._pages[notice.key] = notice.page

    def withdraw(self, key: str) -> None:
        """Take one away that has been settled."""
        del self._pages[key]
        self._notifier.tell("withdraw", key=key)

    def page(self, key: str) -> str:
        """Give what a click on a notification opens."""
        return self._pages.get(key, "/")

    def _begin(self, now: Millis) -> Millis:
        if self._told_until is None:
            self._told_until = self._engine.told_until()
        if self._told_until is None:
            self._engine.note_told(now)
            self._told_until = now
        return self._told_until
