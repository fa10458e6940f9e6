"""What agents write, while they write it: shown to whoever looks on in this process, and kept nowhere.

An answer counts once it is complete and in the journal; until then this is a view of it, without secrets. Whoever comes
late gets what there is so far, and whoever is slow gets it in larger pieces. What is shown of an answer that breaks off
is withdrawn.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from baara_engine import redaction
from baara_engine.agent.model import Piece

MOST_CHARS = 256 * 1024  # of one answer that are shown while it is written: more than a model writes at once
MOST_WAITING = 4096  # parts that somebody has not taken yet; beyond that, what is shown of them begins anew


class What(StrEnum):
    """What there is to see."""

    TEXT = "text"  #: The answer goes on with this.
    THINKING = "thinking"  #: A thought does.
    INPUT = "input"  #: The input of a tool call does, which is JSON and not complete.
    WITHDRAWN = "withdrawn"  #: The answer broke off: what was shown of this turn is void.
    COMPLETE = "complete"  #: It is in the journal, which is to be read instead.


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing to see of one execution."""

    execution_id: str
    turn: int
    what: What
    text: str = ""
    index: int = 0  #: which block of the answer it belongs to
    name: str = ""  #: of an input: the tool


Place = tuple[str, int, What, int]  # where a text goes on: execution, turn, kind, block


class Watching:
    """Somebody who looks on. Safe to use from any thread."""

    def __init__(self, execution_id: str | None, on_news: Callable[[], None]) -> None:
        """Look at one execution, or at all of them.

        `on_news` is called when there is something, in the thread of whoever writes: it may do no more than wake
        somebody up.
        """
        self._execution_id = execution_id
        self._on_news = on_news
        self._lock = threading.Lock()
        self._waiting: OrderedDict[Place, Sight] = OrderedDict()

    def take(self) -> list[Sight]:
        """Give what has come since the last time, in order."""
        with self._lock:
            taken, self._waiting = list(self._waiting.values()), OrderedDict()
        return taken

    def see(self, sight: Sight) -> None:
        """Show it something; text that goes on where the last one ended is put together with it."""
        if self._execution_id not in {None, sight.execution_id}:
            return
        place = (sight.execution_id, sight.turn, sight.what, sight.index)
        with self._lock:
            is_news = not self._waiting
            before = self._waiting.get(place)
            text = sight.text if before is None else before.text + sight.text
            self._waiting[place] = Sight(*place[:3], text, sight.index, sight.name)
            if sight.what in ENDS:
                self._forget_parts(sight)
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)
        if is_news:
            self._on_news()

    def _forget_parts(self, end: Sight) -> None:
        """Drop what is still to be shown of an answer that is void or complete."""
        mine = [one for one in self._waiting if one[:2] == (end.execution_id, end.turn) and one[2] not in ENDS]
        for place in mine:
            del self._waiting[place]


ENDS = frozenset({What.WITHDRAWN, What.COMPLETE})


class Live:
    """What is being written in one engine, and who looks on."""

    def __init__(self) -> None:
        """Nobody writes and nobody looks on."""
        self._lock = threading.Lock()
        self._watching: list[Watching] = []
        self._so_far: dict[str, OrderedDict[Place, Sight]] = {}

    @contextmanager
    def watch(self, execution_id: str | None = None, on_news: Callable[[], None] = lambda: None) -> Iterator[Watching]:
        """Look on for the time of the block, beginning with what there is so far."""
        mine = Watching(execution_id, on_news)
        with self._lock:
            for parts in self._so_far.values():
                for sight in parts.values():
                    mine.see(sight)
            self._watching.append(mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._watching.remove(mine)

    @contextmanager
    def writing(self, execution_id: str, turn: int) -> Iterator["Writing"]:
        """Show an answer while it is written; unless it is completed within the block, it is withdrawn."""
        one = Writing(self, execution_id, turn)
        try:
            yield one
        finally:
            one.end(What.WITHDRAWN)

    def tell(self, sight: Sight) -> None:
        """Show something to everybody who looks on."""
        with self._lock:
            self._remember(sight)
            for one in self._watching:
                one.see(sight)

    def _remember(self, sight: Sight) -> None:
        if sight.what in ENDS:
            self._so_far.pop(sight.execution_id, None)
            return
        parts = self._so_far.setdefault(sight.execution_id, OrderedDict())
        place = (sight.execution_id, sight.turn, sight.what, sight.index)
        before = parts.get(place)
        text = sight.text if before is None else before.text + sight.text
        parts[place] = Sight(*place[:3], text, sight.index, sight.name)


class Writing:
    """One answer while it is written."""

    def __init__(self, live: Live, execution_id: str, turn: int) -> None:
        self._live = live
        self._execution_id = execution_id
        self._turn = turn
        self._streams: dict[tuple[str, int], redaction.Stream] = {}
        self._shown = 0
        self._has_ended = False

    def take(self, piece: Piece) -> None:
        """Show a piece, as far as it is sure that no secret is in it."""
        if not piece.kind or self._shown >= MOST_CHARS:
            return
        stream = self._streams.setdefault((piece.kind, piece.index), redaction.Stream())
        text = stream.feed(piece.text)
        self._shown += len(text)
        if text or piece.name:
            self._live.tell(Sight(self._execution_id, self._turn, What(piece.kind), text, piece.index, piece.name))

    def completed(self) -> None:
        """Say that it is in the journal now."""
        self.end(What.COMPLETE)

    def end(self, how: What) -> None:
        """End it, once; an answer of which nothing was shown is withdrawn without a word."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._streams or how is What.COMPLETE:
            self._live.tell(Sight(self._execution_id, self._turn, how))
