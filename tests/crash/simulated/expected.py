"""What should stand in the database: a small model of states, queues and leases, which knows nothing of SQL."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

LEASED = frozenset({"assigned", "running"})
ENDED = frozenset({"completed", "cancelled", "dead_lettered"})
WORKING = ("visibility", "transfer", "dlq")
PARKS = {
    "rate_limit": 60_000,
    "overloaded": 30_000,
    "offline": 15_000,
    "key": 300_000,
    "billing": 300_000,
    "outage": 30_000,
    "budget": 600_000,
}  # ms
HOPELESS = frozenset({"request", "model", "refusal", "context", "turns", "damaged", "poison"})
LONGEST_RETRY_MS = 750_000  # ten minutes and a quarter
LONGEST_PARK_MS = 24 * 3600 * 1000


@dataclass(slots=True)
class Item:
    """One execution."""

    id: str
    target: str
    priority: int
    max_retries: int
    status: str = "queued"
    queue: str = ""
    attempt: int = 0
    is_open: bool = False  #: the attempt has begun and has not failed
    allowance_from: int = 0
    epoch: int = 0
    owner: str | None = None
    due: int | None = None  #: while in the timer queue
    reason: str | None = None  #: why it is there
    is_called_off: bool = False
    is_dismissed: bool = False
    questions: set[str] = field(default_factory=set)  #: open ones

    def release(self) -> None:
        """Go back to the queue."""
        self.status, self.owner = "queued", None

    def leave_timer(self, queue: str | None = None) -> None:
        """Go where it runs, or for this once into another queue."""
        self.status, self.queue, self.due, self.reason = "queued", queue or self.target, None, None

    def end(self, status: str) -> None:
        """Come to an end."""
        self.status, self.owner, self.is_open, self.due, self.reason = status, None, False, None, None
        self.questions.clear()

    def cancel(self) -> None:
        """Be called off."""
        self.end("cancelled")
        self.is_called_off = True

    def wait_until(self, due: int, reason: str) -> None:
        """Wait in the timer queue."""
        self.status, self.queue, self.owner, self.due, self.reason = "retry_scheduled", "timer", None, due, reason


@dataclass(slots=True)
class Expected:
    """Everything that should be there."""

    items: dict[str, Item] = field(default_factory=dict)
    concurrency: dict[str, int] = field(
        default_factory=lambda: {"transfer": 10, "timer": 10, "visibility": 10, "dlq": 1}
    )

    def some(self, wanted: Callable[[Item], bool]) -> list[Item]:
        """Give the items of a kind, by id."""
        return [self.items[name] for name in sorted(self.items) if wanted(self.items[name])]

    def leased(self, queue: str) -> int:
        """Count what is at work of a queue."""
        return len(self.some(lambda item: item.queue == queue and item.status in LEASED))

    def claim(self, queue: str, owner: str) -> list[str]:
        """Lease what may be leased; give the ids in order."""
        room = max(self.concurrency[queue] - self.leased(queue), 0)
        ready = self.some(lambda item: item.queue == queue and item.status == "queued")
        ready.sort(key=lambda item: (item.priority, item.id))
        for item in ready[:room]:
            item.status, item.owner, item.epoch = "assigned", owner, item.epoch + 1
            item.attempt += 0 if item.is_open else 1
            item.is_open = True
        return [item.id for item in ready[:room]]

    def fail(self, item: Item, kind: str, now: int, wait_ms: int | None) -> tuple[int, int] | None:
        """Fail an attempt; give the range of times in which it is tried again, if it is."""
        if item.is_called_off:
            item.cancel()
        elif kind in PARKS:
            item.wait_until(now + (PARKS[kind] if wait_ms is None else max(wait_ms, 1000)), kind)
        elif kind in HOPELESS or item.attempt - item.allowance_from > item.max_retries:
            item.end("dead_lettered")
            item.queue = "dlq"
        else:
            usual = min(2000 * 2 ** (item.attempt - item.allowance_from - 1), 600_000)
            item.wait_until(0, "retry")
            item.is_open = False
            return now + round(usual * 0.75), now + round(usual * 1.25)
        return None

    def cancel(self, item: Item, living: str) -> None:
        """Call it off: at once, unless its owner lives."""
        if item.status in LEASED and item.owner == living:
            item.is_called_off = True
        else:
            item.cancel()

    def take_back(self, item: Item) -> None:
        """Take a lease from whoever had it."""
        if item.is_called_off:
            item.cancel()
        else:
            item.release()

    def answer(self, item: Item, question: str) -> None:
        """Answer a question."""
        item.questions.remove(question)
        if not item.questions:
            item.status, item.queue = "queued", "visibility"

    def resume(self, item: Item) -> None:
        """Give a dead letter a fresh allowance."""
        item.status, item.queue, item.allowance_from = "queued", "dlq", item.attempt
        item.is_dismissed = item.is_called_off = False

    def restart(self, item: Item, fresh: str) -> None:
        """Begin a dead letter anew."""
        item.is_dismissed = True
        self.items[fresh] = replace(
            item, id=fresh, status="queued", queue=item.target, attempt=0, allowance_from=0, epoch=0,
            is_dismissed=False, is_called_off=False, questions=set(),
        )  # fmt: skip

    def timed(self) -> list[Item]:
        """Give what waits for a time."""
        return self.some(lambda item: item.queue == "timer" and item.status in {"queued", "retry_scheduled"})

    def shorten(self, now: int) -> None:
        """Let nothing wait for longer than it can have been meant to: only a wrong clock can have set that."""
        for item in self.timed():
            if item.reason != "time":
                longest = LONGEST_RETRY_MS if item.reason == "retry" else LONGEST_PARK_MS
                item.due = min(item.due or 0, now + longest)
