"""What the state machine does: each thing to a real store and to the model of what should stand in it."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.crash import simulation
from tests.crash.disk import soundness
from tests.crash.simulated.expected import ENDED, LEASED, WORKING, Expected, Item

from baara_engine import errors, recovery, timekeeping
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, Kind, QuestionDraft
from baara_engine.requests import Submission
from baara_engine.settle import Failure, Settler
from baara_engine.states import Status
from baara_engine.store import executions
from baara_engine.store.store import Store
from baara_engine.store.transaction import View
from baara_engine.testing.inline import InlineWriter
from baara_engine.testing.virtual import VirtualClock

LIVES, DIED = "boot/1/lives", "boot/2/died"  #: the owner that works, and one that dies the moment that it has leased
LEASE_MS = 60_000
TEN_YEARS_MS = 3652 * 24 * 3600 * 1000
ROWS = """
SELECT id, status, queue, target_queue, priority, attempt, attempt_open, epoch, owner, allowance_from,
       CASE WHEN queue = 'timer' AND status IN ('queued', 'retry_scheduled') THEN not_before END,
       cancel_requested_at IS NOT NULL, dismissed_at IS NOT NULL,
       (SELECT count(*) FROM question WHERE execution_id = execution.id AND status = 'open'),
       (SELECT count(*) FROM attempt WHERE execution_id = execution.id)
FROM execution ORDER BY id
"""


class Driven:
    """A store with its operations, and what should stand in it. Each method does one thing to both."""

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(dir=simulation.memory(), prefix="machine-"))
        self.work = self.place / "work"
        self.work.mkdir()
        shutil.copytree(_template(), self.place / "home")
        self.clock = VirtualClock()
        self.loop = asyncio.new_event_loop()
        self.engine = Engine(
            self.place / "home", clock_=self.clock, open_store=self._open, is_alive=lambda owner: owner == LIVES
        )
        self.settler = Settler(self.engine.store, random.Random(1))
        self.expected = Expected()
        self.leases: list[Execution] = []  #: all that there ever were
        self.keys = 0

    def close(self) -> None:
        try:
            self.engine.store.read(soundness.check)
        finally:
            self.engine.close()
            self.loop.close()
            shutil.rmtree(self.place)

    def submit(self, queue: str, priority: int, retries: int, delay_s: int | None) -> None:
        self.keys += 1
        due = None if delay_s is None else self.clock.now() + delay_s * 1000
        submission = Submission(
            prompt=f"job {self.keys}", kind=Kind.COMMAND, queue=queue, priority=priority, max_retries=retries,
            not_before=due, idempotency_key=f"key {self.keys}", workspace=str(self.work),
        )  # fmt: skip
        made = self.engine.submit(submission)
        assert self.engine.submit(submission).id == made.id
        item = Item(made.id, queue, priority, retries, queue=queue)
        if due is not None and due > self.clock.now():
            item.queue, item.due, item.reason = "timer", due, "time"
        self.expected.items[made.id] = item

    def claim(self, queue: str, owner: str) -> None:
        allowed = self.expected.concurrency[queue]
        claimed = self.engine.store.write(lambda tx: executions.claim(tx, queue, allowed, owner, tx.now + LEASE_MS))
        assert [one.id for one in claimed] == self.expected.claim(queue, owner)
        self.leases += claimed

    def set_concurrency(self, queue: str, concurrency: int) -> None:
        self.engine.set_concurrency(queue, concurrency)
        self.expected.concurrency[queue] = concurrency

    # ----------------------------------------------------------------- at work

    def begin(self, item: Item) -> None:
        self.engine.store.write(
            lambda tx: executions.move(tx, item.id, Status.ASSIGNED, Status.RUNNING, epoch=item.epoch)
        )
        item.status = "running"

    def complete(self, item: Item) -> None:
        self._do(self.settler.completed(self._lease(item), "done"))
        item.end("completed")

    def fail(self, item: Item, kind: FailureKind, wait_s: float | None) -> None:
        now = self.clock.now()
        self._do(self.settler.failed(self._lease(item), Failure(kind, "It failed.", wait_s)))
        wait_ms = None if wait_s is None else round(wait_s * 1000)
        again = self.expected.fail(item, kind, now, wait_ms)
        if again is not None:
            item.due = self.engine.execution(item.id).not_before
            assert item.due is not None
            assert again[0] <= item.due <= again[1]

    def find_damaged(self, item: Item) -> None:
        self._do(self.settler.failed(self._lease(item), Failure(FailureKind.DAMAGED, "It is damaged.")))
        self.expected.fail(item, "damaged", self.clock.now(), None)

    def wait(self, item: Item, questions: int) -> None:
        before = {question.id for question in self.engine.questions(limit=10_000)}
        drafts = [QuestionDraft("May I?") for _ in range(questions)]
        self._do(self.settler.waiting(self._lease(item), drafts, 1, 5))
        if item.is_called_off:
            item.cancel()
        elif not questions:
            item.release()
        else:
            asked = {question.id for question in self.engine.questions(limit=10_000)} - before
            item.status, item.owner, item.questions = "waiting_for_input", None, asked

    def leave(self, item: Item, *, called_off: bool) -> None:
        if called_off and item.is_called_off:
            self._do(self.settler.cancelled(self._lease(item)))
            item.cancel()
        else:
            self._do(self.settler.released(self._lease(item), 5))
            self.expected.take_back(item)

    def write_late(self, late: Execution, how: int) -> None:
        """Let the owner of an earlier lease try to end it."""
        endings: list[Callable[[], Awaitable[None]]] = [
            lambda: self.settler.completed(late, "late"),
            lambda: self.settler.failed(late, Failure(FailureKind.SERVER, "late")),
            lambda: self.settler.waiting(late, [QuestionDraft("Late?")], 1, 5),
            lambda: self.settler.cancelled(late),
            lambda: self.settler.released(late, 5),
        ]
        try:
            self._do(endings[how]())
        except errors.LeaseLost:
            return
        raise AssertionError("a stale owner's write was taken")

    # ------------------------------------------------------- recovery, timers, clocks

    def recover(self) -> None:
        recovery.recover(self.engine.store, LIVES, lambda owner: owner == LIVES)
        for item in self.expected.some(lambda one: one.status in LEASED and one.owner == DIED):
            self.expected.take_back(item)

    def take_back_orphans(self, *, lost: bool) -> None:
        mine = self.expected.some(lambda one: one.status in LEASED and one.owner == LIVES)
        at_work = {item.id: item.epoch for item in (mine[1:] if lost else mine)}
        recovery.take_back_orphans(self.engine.store, LIVES, at_work)
        for item in mine[:1] if lost else []:
            self.expected.take_back(item)

    def promote_due(self) -> None:
        self.engine.store.write(executions.promote_due)
        for item in self.expected.timed():
            if (item.due or 0) <= self.clock.now():
                item.leave_timer()

    def shorten_waits(self) -> None:
        timekeeping.shorten_waits(self.engine.store)
        self.expected.shorten(self.clock.now())

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def jump(self, ms: int) -> None:
        if abs(self.clock.now() + ms - VirtualClock().now()) <= 2 * TEN_YEARS_MS:
            self.clock.shift(ms)

    # -------------------------------------------------------------------- people

    def cancel(self, item: Item) -> None:
        if item.status in ENDED:
            self._refused(lambda: self.engine.cancel(item.id))
        else:
            self.engine.cancel(item.id)
            self.expected.cancel(item, LIVES)

    def answer(self, item: Item) -> None:
        answered = self.engine.answer_execution(item.id, "Yes.", by="somebody")
        self.expected.answer(item, answered.id)
        self._refused(lambda: self.engine.answer(answered.id, "No.", by="somebody else"))

    def retry(self, item: Item) -> None:
        if item in self.expected.timed():
            self.engine.retry(item.id)
            item.leave_timer("visibility")  # a person waits for it now
        elif item.status == "dead_lettered":
            self.engine.retry(item.id)
            self.expected.resume(item)
        else:
            self._refused(lambda: self.engine.retry(item.id))

    def sort_out(self, item: Item, verb: str) -> None:
        act: Callable[[str], Execution] = getattr(self.engine, verb)
        if item.status != "dead_lettered":
            self._refused(lambda: act(item.id))
            return
        got = act(item.id)
        if verb == "resume":
            self.expected.resume(item)
        elif verb == "restart":
            self.expected.restart(item, got.id)
        else:
            item.is_dismissed = True

    def key_changed(self) -> None:
        parked = self.expected.some(lambda item: item.reason in {"key", "billing"})
        assert self.engine.key_changed() == len(parked)
        for item in parked:
            item.leave_timer()

    # ------------------------------------------------------------------ comparing

    def compare(self, view: View) -> None:
        assert view.sql(ROWS) == [_row(item) for item in self.expected.some(lambda _: True)]
        due = [item.due for item in self.expected.timed() if item.due is not None]
        assert executions.next_due(view) == (min(due) if due else None)
        may = any(
            self.expected.leased(queue) < self.expected.concurrency[queue]
            and any(item.queue == queue for item in self.those("queued"))
            for queue in WORKING
        )
        assert executions.may_claim(view, self.expected.concurrency) == may
        put = {one.id for one in executions.dead_letters(view, None)}
        dead = self.expected.some(lambda item: item.status == "dead_lettered" and not item.is_dismissed)
        assert put == {item.id for item in dead}

    def those(self, *status: str) -> list[Item]:
        """Give what is in one of these states; in any, if none is named."""
        return self.expected.some(lambda item: not status or item.status in status)

    def stale(self) -> list[Execution]:
        """Give the leases that hold nothing any more."""
        now = {item.id: item.epoch for item in self.those(*LEASED)}
        return [lease for lease in self.leases if now.get(lease.id) != lease.epoch]

    def _lease(self, item: Item) -> Execution:
        return next(lease for lease in reversed(self.leases) if lease.id == item.id)

    def _do(self, work: Awaitable[None]) -> None:
        self.loop.run_until_complete(work)

    def _refused(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except errors.Refused:
            return
        raise AssertionError("it should have been refused")

    def _open(self, home: Path, _clock: object) -> Store:
        return Store(home, self.clock, randomness=random.Random(1), writer=InlineWriter)


def _row(item: Item) -> tuple[object, ...]:
    return (
        item.id, item.status, item.queue, item.target, item.priority, item.attempt, int(item.is_open), item.epoch,
        item.owner, item.allowance_from, item.due, int(item.is_called_off), int(item.is_dismissed),
        len(item.questions), item.epoch,
    )  # fmt: skip


_made: list[tempfile.TemporaryDirectory[str]] = []


def _template() -> Path:
    """Give a new home, made once, for each example to begin with a copy of it."""
    if not _made:
        _made.append(tempfile.TemporaryDirectory(dir=simulation.memory(), prefix="machine-"))
        Engine(Path(_made[0].name) / "home").close()
    return Path(_made[0].name) / "home"
