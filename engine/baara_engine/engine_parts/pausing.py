"""Pausing all work: what runs stops at its next step and goes back to its queue, and nothing begins."""

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.records import Pause
from baara_engine.store import pausing as rows
from baara_engine.store.store import Store


class Pausing:
    """The operations on the pause."""

    store: Store

    def pause(self, until: Millis | None = None, *, by: str) -> Pause:
        """Pause all work until a moment, or until `unpause`. What waits for its time goes on waiting, and is kept.

        Raises `errors.InvalidInput` for a moment that has gone.
        """
        if until is not None and until <= self.store.clock.now():
            raise errors.InvalidInput("That moment has gone. Say a later one, or none to pause until you resume.")
        return self.store.write(lambda tx: rows.set_(tx, until, by))

    def unpause(self, *, by: str) -> bool:
        """Let work go on; say whether there was a pause."""
        return self.store.write(lambda tx: rows.lift(tx, by))

    def paused(self) -> Pause | None:
        """Give the pause that holds now, None if there is none."""
        return self.store.read(rows.get)
