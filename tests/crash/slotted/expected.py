"""What the ledger should say: a small model that knows one due time at a time, and no rows for runs of them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from baara_engine.clock import Millis

ON_TIME_MS, LATE_MS, CORRECTION_MS = 5000, 60_000, 3 * 3_600_000  # as the documentation of the schedules says
MOST_WAITING = 100
BATCH = 50
RUN = frozenset({"ran", "late", "caught_up"})
LINE = frozenset({"waiting", "catching_up"})
OPEN = LINE | {"asked"}


@dataclass(slots=True)
class Entry:
    """What became of one due time."""

    state: str
    settled_at: Millis
    passed_over: bool = False  #: the clock was set past it


@dataclass(slots=True)
class Plan:
    """One schedule, with its task."""

    number: int
    due: Sequence[Millis]  #: its due times, as far as they are followed one by one
    missed: str
    overlap: str
    catch_up: int
    accounted: Millis
    entries: dict[Millis, Entry] = field(default_factory=dict)
    open: set[Millis] = field(default_factory=set)  #: due times in a state that is open
    busy: list[Millis] = field(default_factory=list)  #: due times whose executions have not ended
    cancelled: set[Millis] = field(default_factory=set)
    asking: Millis | None = None  #: the due time whose execution asks
    called_off: bool = False

    def next_due(self) -> Millis | None:
        """Give the first due time that is not accounted for."""
        at = bisect_right(self.due, self.accounted)
        return self.due[at] if at < len(self.due) else None

    def some(self, *states: str) -> list[Millis]:
        """Give the due times in these open states, oldest first."""
        return sorted(due for due in self.open if self.entries[due].state in states)

    def has_open(self) -> bool:
        """Say whether a due time waits for something."""
        return bool(self.open)

    def begin_again(self, now: Millis) -> None:
        """Go on from now, or from what was passed over at a time that has not come."""
        over = [due for due, one in self.entries.items() if due <= now and one.passed_over and one.settled_at > now]
        self.accounted = min(over) - 1 if over else now

    def deal(self, now: Millis, *, corrected: bool) -> None:
        """Say of each due time until now that holds nothing yet what becomes of it."""
        begin, end = bisect_right(self.due, self.accounted), bisect_right(self.due, now)
        new = [due for due in self.due[begin:end] if not self._stands(due, now)]
        verdicts = self._verdicts(new, now, corrected=corrected)
        for due, state in verdicts:
            if state in {"missed", "asked"}:
                self._put(due, state, now, passed_over=corrected)
        asked = [due for due, state in verdicts if state == "asked"]
        self.asking = asked[-1] if asked and self.asking is None else self.asking
        in_line = self.missed == "all" and any(state == "caught_up" for _, state in verdicts)
        for due, state in verdicts:
            if state in RUN:
                self._run(due, state, now, in_line=in_line)
        self.accounted = now

    def has_turn(self) -> bool:
        """Say whether there is something for `turn`."""
        return self.called_off or bool(not self.busy and self.some(*LINE))

    def turn(self, now: Millis) -> None:
        """Begin what waits for its turn."""
        if self.called_off:
            self._settle(self.some("asked"), "missed", now)
            self.asking, self.called_off = None, False
        line = self.some(*LINE)
        if line and not self.busy:
            self._begin(line[0], "late" if self.entries[line[0]].state == "waiting" else "caught_up", now)

    def answer(self, option: str, now: Millis) -> None:
        """Do what a person has said: run none, one or all of them."""
        asked, asking = self.some("asked"), self.asking
        self.asking = None
        self._settle(asked, "missed", now)
        if option != "none" and asking is not None:
            self._begin(asking, "caught_up", now)
        if option == "all":
            self._settle([due for due in asked if due != asking], "catching_up", now)

    def _stands(self, due: Millis, now: Millis) -> bool:
        entry = self.entries.get(due)
        return entry is not None and (entry.state in RUN | OPEN or entry.settled_at <= now)

    def _verdicts(self, new: list[Millis], now: Millis, *, corrected: bool) -> list[tuple[Millis, str]]:
        on_time = [due for due in new if now - due <= ON_TIME_MS]
        late = new[: len(new) - len(on_time)]
        if corrected or not late:
            return [(due, "missed") for due in late] + [(due, "ran") for due in on_time]
        if len(new) == 1 and now - new[0] <= LATE_MS:
            return [(new[0], "late")]
        if self.missed == "once" and not on_time:
            return [(due, "missed") for due in late[:-1]] + [(late[-1], "caught_up")]
        bound = {"all": self.catch_up - len(on_time), "ask": self.catch_up - len(on_time)}.get(self.missed, 0)
        made_up = len(late) - min(len(late), bound)
        state = "asked" if self.missed == "ask" else "caught_up"
        told = [(due, "missed") for due in late[:made_up]] + [(due, state) for due in late[made_up:]]
        return told + [(due, "ran") for due in on_time]

    def _run(self, due: Millis, state: str, now: Millis, *, in_line: bool) -> None:
        line = self.some(*LINE)
        if not in_line and self.busy and self.overlap == "cancel":
            self._settle(line, "skipped", now)
            self.cancelled |= set(self.busy)
            self.busy = []
        waits = self.overlap != "skip" and (self.busy or (self.overlap == "queue" and line))
        if in_line or waits:
            self._line_up(due, state, now, len(line))
        elif self.busy:
            self._put(due, "skipped", now)
        else:
            self._begin(due, state, now)

    def _line_up(self, due: Millis, state: str, now: Millis, waiting: int) -> None:
        if state == "caught_up":
            self._put(due, "catching_up", now)
        else:
            is_full = waiting >= max(MOST_WAITING, self.catch_up)
            self._put(due, "skipped" if is_full else "waiting", now)

    def _begin(self, due: Millis, state: str, now: Millis) -> None:
        self._put(due, state, now)
        self.busy.append(due)

    def _put(self, due: Millis, state: str, now: Millis, *, passed_over: bool = False) -> None:
        self.entries[due] = Entry(state, now, passed_over)
        (self.open.add if state in OPEN else self.open.discard)(due)

    def _settle(self, those: list[Millis], state: str, now: Millis) -> None:
        for due in those:
            self._put(due, state, now)


class Expected:
    """All schedules, and what an engine that looks does to them, write by write."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.restart()

    def restart(self) -> None:
        """Forget what an engine knows only as long as it lives."""
        self._corrected, self._set_back = False, True

    def clock_was_set(self, ms: Millis) -> None:
        """Take what a living engine notices."""
        self._corrected |= ms > CORRECTION_MS
        self._set_back |= ms < 0

    def look(self, now: Millis) -> Iterator[None]:
        """Do one look; each step of this iterator is one write."""
        while self._set_back and (ahead := [one for one in self.plans if one.accounted > now]):
            for plan in ahead[:BATCH]:
                plan.begin_again(now)
            yield
        self._set_back = False
        while due := self._due(now):
            for plan in due[:BATCH]:
                plan.deal(now, corrected=self._corrected)
            yield
        self._corrected = False
        if any(plan.has_turn() for plan in self.plans):
            for plan in self.plans:
                plan.turn(now)
            yield

    def _due(self, now: Millis) -> list[Plan]:
        timed = [(at, one.number, one) for one in self.plans if (at := one.next_due()) is not None and at <= now]
        return [plan for _, _, plan in sorted(timed, key=lambda one: one[:2])]


def within(due: Sequence[Millis], first: Millis, last: Millis) -> Sequence[Millis]:
    """Give those of the sorted times that lie in [first, last]."""
    return due[bisect_left(due, first) : bisect_right(due, last)]
