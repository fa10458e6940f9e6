"""The inbox: lanes, what a person does to threads and takes back, search, and what happened in an absence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from baara_engine import errors
from baara_engine.clock import Millis
from baara_engine.records import Lane, Row
from baara_engine.store import inbox, searching, threads
from baara_engine.store.inbox import Marks
from baara_engine.store.store import Store

PAGE = 50  #: rows of a lane unless more are asked for
MOST_AT_ONCE = 10_000  # threads that one action takes: more than anybody means
MOST_FOUND = 200  # of a search: who sees more asks a better question
MOST_TEXT = 500  # characters of a question to the search


@dataclass(frozen=True, slots=True)
class Arranged:
    """What was done to threads, and how they were before: give it to `undo`."""

    how: str  #: in words, such as "archived"
    before: Mapping[str, Marks]

    @property
    def ids(self) -> list[str]:
        """Give the threads."""
        return list(self.before)


class Inbox:
    """The operations on the inbox."""

    store: Store

    def lanes(self) -> dict[Lane, int]:
        """Give how many threads each lane has; those that have none are left out."""
        return self.store.read(inbox.counts)

    def lane(self, lane: Lane, *, limit: int = PAGE, offset: int = 0) -> list[Row]:
        """Give threads of a lane, newest first, what is pinned above."""
        return self.store.read(lambda view: inbox.rows(view, lane, limit, offset))

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """Give these threads as the list shows them, in this order; those that are gone are left out."""
        return self.store.read(lambda view: inbox.rows_of(view, ids))

    def ids_in_lane(self, lane: Lane) -> list[str]:
        """Give the ids of all threads of a lane, for an action on all of them."""
        return self.store.read(lambda view: inbox.in_lane(view, lane))[:MOST_AT_ONCE]

    def settle(self, ids: Sequence[str]) -> Arranged:
        """Call threads done: they stand in the last lane until something new happens in them."""
        return self._arrange(ids, lambda now: {"settled_at": now, "unread": 0, "snoozed_until": None}, "done")

    def reopen(self, ids: Sequence[str]) -> Arranged:
        """Put threads back among the new ones, from done, archived or snoozed."""
        back: Marks = {"settled_at": None, "archived_at": None, "snoozed_until": None}
        return self._arrange(ids, lambda _: back, "reopened")

    def archive(self, ids: Sequence[str]) -> Arranged:
        """Take threads out of the list. Search finds them, and something new in them brings them back."""
        changes: Callable[[Millis], Marks] = lambda now: {"archived_at": now, "unread": 0, "snoozed_until": None}  # noqa: E731
        return self._arrange(ids, changes, "archived")

    def snooze(self, ids: Sequence[str], until: Millis) -> Arranged:
        """Take threads away until a moment. Raises `errors.Refused` for one that waits for the person."""
        if until <= self.store.clock.now():
            raise errors.InvalidInput("That moment has gone. Say a later one.")
        return self._arrange(ids, lambda _: {"snoozed_until": until, "returned_at": None}, "snoozed")

    def pin(self, ids: Sequence[str], *, pinned: bool = True) -> Arranged:
        """Let threads stand above the others of their lane, or not any more."""
        return self._arrange(
            ids, lambda now: {"pinned_at": now if pinned else None}, "pinned" if pinned else "not pinned"
        )

    def mark_read(self, ids: Sequence[str], *, read: bool = True) -> Arranged:
        """Mark threads as read, or as unread."""
        return self._arrange(ids, lambda _: {"unread": 0 if read else 1}, "read" if read else "unread")

    def undo(self, arranged: Arranged) -> None:
        """Put threads back as they were before an action."""
        self.store.write(lambda tx: inbox.restore(tx, arranged.before))

    def bring_back(self) -> int:
        """Bring back what was snoozed until now, and give how many threads that were."""
        if not self.store.read(inbox.due_back):
            return 0
        return self.store.write(inbox.bring_back)

    def find_thread(self, prefix: str) -> str:
        """Give the whole id of a thread from its beginning. Raises `errors.NotFound` or `errors.InvalidInput`."""
        return self.store.read(lambda view: threads.find(view, prefix)).id

    def search(self, text: str, *, limit: int = PAGE, lane: Lane | None = None) -> list[Row]:
        """Find threads by words in their titles, prompts, results, reports and questions, newest first.

        Words may be given by their beginnings. Raises `errors.InvalidInput`.
        """
        if len(text) > MOST_TEXT or not 1 <= limit <= MOST_FOUND:
            raise errors.InvalidInput(f"Search for at most {MOST_TEXT} characters, and {MOST_FOUND} threads.")
        self.index()
        return self.store.read(lambda view: inbox.rows_of(view, searching.threads(view, text, limit, lane)))

    def index(self) -> None:
        """Put what is new into the index of the search."""
        if self.store.read(searching.is_behind):
            while self.store.write(searching.catch_up):
                pass

    def _arrange(self, ids: Sequence[str], changes: Callable[[Millis], Marks], how: str) -> Arranged:
        wanted = list(dict.fromkeys(ids))
        if not 1 <= len(wanted) <= MOST_AT_ONCE:
            raise errors.InvalidInput(f"Choose from 1 to {MOST_AT_ONCE:,} threads.")
        before = self.store.write(lambda tx: inbox.arrange(tx, wanted, changes(tx.now), how))
        return Arranged(how, before)
