"""The operations behind notifications and the tray."""

from baara_engine.clock import Millis
from baara_engine.records_of_threads import Notable
from baara_engine.store import notable, schedules
from baara_engine.store.store import Store


class Telling:
    """What is worth a word to somebody who looks at no page."""

    store: Store

    def notable(self, since: Millis) -> list[Notable]:
        """Give all open questions, and what has failed, or ended and was to be announced, since a moment."""
        return self.store.read(lambda view: notable.since(view, since))

    def told_until(self) -> Millis | None:
        """Give the moment up to which that was told on the desktop; None if nothing ever was."""
        return self.store.read(notable.told_until)

    def note_told(self, moment: Millis) -> None:
        """Note that all of it up to a moment was told."""
        self.store.write(lambda tx: notable.note_told(tx, moment))

    def next_task(self) -> tuple[Millis, str] | None:
        """Give when the next schedule is due, and its task's name; None if none will be."""
        return self.store.read(schedules.soonest)
