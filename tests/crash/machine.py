"""A Hypothesis state machine: executions, queues and leases are driven in any order, and held against a model.

    python -m tests.crash.machine --examples N [--seed S]

After every step each row of the database is compared with `simulated/expected.py`, and at the end of each example the
whole history is checked. The exit status is 3 if they differ; the steps that led there are printed, as few as possible.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.crash import simulation
from tests.crash.disk import rig, soundness
from tests.crash.simulated.expected import ENDED, LEASED, WORKING, Expected, Item

from baara_engine import errors, queues, recovery
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
STEPS = 50  # of an example, at most
TEN_YEARS_MS = 3652 * 24 * 3600 * 1000
ROWS = """
SELECT id, status, queue, target_queue, priority, attempt, attempt_open, epoch, owner, allowance_from,
       CASE WHEN queue = 'timer' AND status IN ('queued', 'retry_scheduled') THEN not_before END,
       cancel_requested_at IS NOT NULL, dismissed_at IS NOT NULL,
       (SELECT count(*) FROM question WHERE execution_id = execution.id AND status = 'open'),
       (SELECT count(*) FROM attempt WHERE execution_id = execution.id)
FROM execution ORDER BY id
"""
PICK = st.integers(0, 1_000_000)  # which of those that there are


class Machine(RuleBasedStateMachine):
    """An engine's store and operations, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(dir=simulation.memory(), prefix="machine-"))
        shutil.copytree(_template(), self.place / "home")
        self.clock = VirtualClock()
        self.loop = asyncio.new_event_loop()
        self.engine = Engine(
            self.place / "home", clock_=self.clock, open_store=self._open, is_alive=lambda owner: owner == LIVES
        )
        self.settler = Settler(self.engine.store, random.Random(1))
        self.expected = Expected()
        self.held: dict[str, Execution] = {}  #: the latest lease of each execution
        self.old: list[Execution] = []  #: leases that were given to somebody else since, or have ended
        self.keys = 0

    def teardown(self) -> None:
        try:
            self.engine.store.read(soundness.check)
        finally:
            self.engine.close()
            self.loop.close()
            shutil.rmtree(self.place)

    # ------------------------------------------------------------ making and claiming

    @rule(
        queue=st.sampled_from(queues.FOR_SUBMISSION), priority=st.integers(0, 3), retries=st.integers(0, 2),
        delay_s=st.sampled_from([None, None, None, 0, 5, 100_000]),
    )  # fmt: skip
    def submit(self, queue: str, priority: int, retries: int, delay_s: int | None) -> None:
        self.keys += 1
        due = None if delay_s is None else self.clock.now() + delay_s * 1000
        submission = Submission(
            prompt=f"job {self.keys}", kind=Kind.COMMAND, queue=queue, priority=priority, max_retries=retries,
            not_before=due, idempotency_key=f"key {self.keys}", workspace=str(self.place),
        )  # fmt: skip
        made = self.engine.submit(submission)
        assert self.engine.submit(submission).id == made.id
        item = Item(made.id, queue, priority, retries, queue=queue)
        if due is not None and due > self.clock.now():
            item.queue, item.due, item.reason = "timer", due, "time"
        self.expected.items[made.id] = item

    @rule(queue=st.sampled_from(WORKING), owner=st.sampled_from([LIVES, LIVES, DIED]))
    def claim(self, queue: str, owner: str) -> None:
        allowed = self.expected.concurrency[queue]
        claimed = self.engine.store.write(lambda tx: executions.claim(tx, queue, allowed, owner, tx.now + LEASE_MS))
        assert [one.id for one in claimed] == self.expected.claim(queue, owner)
        for one in claimed:
            if one.id in self.held:
                self.old.append(self.held[one.id])
            self.held[one.id] = one

    @rule(queue=st.sampled_from(WORKING), concurrency=st.integers(1, 3))
    def set_concurrency(self, queue: str, concurrency: int) -> None:
        self.engine.set_concurrency(queue, concurrency)
        self.expected.concurrency[queue] = concurrency

    # ----------------------------------------------------------------- at work

    @precondition(lambda self: self._those("assigned"))
    @rule(pick=PICK)
    def begin(self, pick: int) -> None:
        item = self._pick(pick, "assigned")
        self.engine.store.write(
            lambda tx: executions.move(tx, item.id, Status.ASSIGNED, Status.RUNNING, epoch=item.epoch)
        )
        item.status = "running"

    @precondition(lambda self: self._those("running"))
    @rule(pick=PICK)
    def complete(self, pick: int) -> None:
        item = self._pick(pick, "running")
        self._do(self.settler.completed(self.held[item.id], "done"))
        item.end("completed")

    @precondition(lambda self: self._those("running"))
    @rule(pick=PICK, kind=st.sampled_from(FailureKind), wait_s=st.sampled_from([None, 0.0, 7.0, 3600.0]))
    def fail(self, pick: int, kind: FailureKind, wait_s: float | None) -> None:
        item, now = self._pick(pick, "running"), self.clock.now()
        self._do(self.settler.failed(self.held[item.id], Failure(kind, "It failed.", wait_s)))
        wait_ms = None if wait_s is None else round(wait_s * 1000)
        again = self.expected.fail(item, kind, now, wait_ms)
        if again is not None:
            item.due = self.engine.execution(item.id).not_before
            assert item.due is not None
            assert again[0] <= item.due <= again[1]

    @precondition(lambda self: self._those("assigned"))
    @rule(pick=PICK)
    def find_damaged(self, pick: int) -> None:
        item = self._pick(pick, "assigned")
        self._do(self.settler.failed(self.held[item.id], Failure(FailureKind.DAMAGED, "It is damaged.")))
        self.expected.fail(item, "damaged", self.clock.now(), None)

    @precondition(lambda self: self._those("running"))
    @rule(pick=PICK, questions=st.integers(0, 2))
    def wait(self, pick: int, questions: int) -> None:
        item = self._pick(pick, "running")
        before = {question.id for question in self.engine.questions(limit=10_000)}
        drafts = [QuestionDraft("May I?") for _ in range(questions)]
        self._do(self.settler.waiting(self.held[item.id], drafts, 1, 5))
        if item.is_called_off:
            item.cancel()
        elif not questions:
            item.release()
        else:
            asked = {question.id for question in self.engine.questions(limit=10_000)} - before
            item.status, item.owner, item.questions = "waiting_for_input", None, asked

    @precondition(lambda self: self._those(*LEASED))
    @rule(pick=PICK, called_off=st.booleans())
    def leave(self, pick: int, called_off: bool) -> None:  # noqa: FBT001 - drawn
        item = self._pick(pick, *LEASED)
        if called_off and item.is_called_off:
            self._do(self.settler.cancelled(self.held[item.id]))
            item.cancel()
        else:
            self._do(self.settler.released(self.held[item.id], 5))
            self.expected.take_back(item)

    @precondition(lambda self: self.old)
    @rule(pick=PICK, how=st.integers(0, 4))
    def write_late(self, pick: int, how: int) -> None:
        # the owner of an earlier lease tries to end it
        late = self.old[pick % len(self.old)]
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

    @rule()
    def recover(self) -> None:
        recovery.recover(self.engine.store, LIVES, lambda owner: owner == LIVES)
        for item in self.expected.some(lambda one: one.status in LEASED and one.owner == DIED):
            self.expected.take_back(item)

    @rule(lost=st.booleans())
    def take_back_orphans(self, lost: bool) -> None:  # noqa: FBT001 - drawn
        mine = self.expected.some(lambda one: one.status in LEASED and one.owner == LIVES)
        at_work = {item.id: item.epoch for item in (mine[1:] if lost else mine)}
        recovery.take_back_orphans(self.engine.store, LIVES, at_work)
        for item in mine[:1] if lost else []:
            self.expected.take_back(item)

    @rule()
    def promote_due(self) -> None:
        self.engine.store.write(executions.promote_due)
        for item in self.expected.timed():
            if (item.due or 0) <= self.clock.now():
                item.leave_timer()

    @rule()
    def wake_strayed(self) -> None:
        self.engine.store.write(executions.wake_strayed)
        for item in self.expected.strayed(self.clock.now()):
            item.leave_timer()

    @rule(seconds=st.sampled_from([0.5, 3.0, 61.0, 4000.0]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(ms=st.sampled_from([-3_600_000, 3_600_000, -TEN_YEARS_MS, TEN_YEARS_MS]))
    def jump(self, ms: int) -> None:
        if abs(self.clock.now() + ms - VirtualClock().now()) <= 2 * TEN_YEARS_MS:
            self.clock.shift(ms)

    # -------------------------------------------------------------------- people

    @precondition(lambda self: self.expected.items)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        item = self._pick(pick)
        if item.status in ENDED:
            self._refused(lambda: self.engine.cancel(item.id))
        else:
            self.engine.cancel(item.id)
            self.expected.cancel(item, LIVES)

    @precondition(lambda self: self._those("waiting_for_input"))
    @rule(pick=PICK)
    def answer(self, pick: int) -> None:
        item = self._pick(pick, "waiting_for_input")
        answered = self.engine.answer_execution(item.id, "Yes.", by="somebody")
        self.expected.answer(item, answered.id)
        self._refused(lambda: self.engine.answer(answered.id, "No.", by="somebody else"))

    @precondition(lambda self: self.expected.items)
    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        item = self._pick(pick)
        if item in self.expected.timed():
            self.engine.retry(item.id)
            item.leave_timer()
        elif item.status == "dead_lettered":
            self.engine.retry(item.id)
            self.expected.resume(item)
        else:
            self._refused(lambda: self.engine.retry(item.id))

    @precondition(lambda self: self.expected.items)
    @rule(pick=PICK, verb=st.sampled_from(["resume", "restart", "dismiss"]), dead=st.booleans())
    def sort_out(self, pick: int, verb: str, dead: bool) -> None:  # noqa: FBT001 - drawn
        item = self._pick(pick, "dead_lettered") if dead and self._those("dead_lettered") else self._pick(pick)
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

    @rule()
    def key_changed(self) -> None:
        parked = self.expected.some(lambda item: item.reason in {"key", "billing"})
        assert self.engine.key_changed() == len(parked)
        for item in parked:
            item.leave_timer()

    # ------------------------------------------------------------------ comparing

    @invariant()
    def is_as_expected(self) -> None:
        self.engine.store.read(self._compare)

    def _compare(self, view: View) -> None:
        assert view.sql(ROWS) == [_row(item) for item in self.expected.some(lambda _: True)]
        due = [item.due for item in self.expected.timed() if item.due is not None]
        assert executions.next_due(view) == (min(due) if due else None)
        may = any(
            self.expected.leased(queue) < self.expected.concurrency[queue]
            and self.expected.some(lambda item, queue=queue: item.queue == queue and item.status == "queued")  # type: ignore[misc]
            for queue in WORKING
        )
        assert executions.may_claim(view, self.expected.concurrency) == may
        put = {one.id for one in executions.dead_letters(view, None)}
        dead = self.expected.some(lambda item: item.status == "dead_lettered" and not item.is_dismissed)
        assert put == {item.id for item in dead}

    def _those(self, *status: str) -> list[Item]:
        return self.expected.some(lambda item: not status or item.status in status)

    def _pick(self, pick: int, *status: str) -> Item:
        those = self._those(*status)
        return those[pick % len(those)]

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


def drive(examples: int, seed: int, *, shrink: bool = True) -> None:
    """Drive so many machines; the same seed drives the same. Raises AssertionError with the steps that led there."""
    phases = [hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if shrink else [])]
    hypothesis.seed(seed)(Machine)
    run_state_machine_as_test(
        Machine,
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )


def main() -> int:
    """Drive as many as are asked for."""
    parser = argparse.ArgumentParser(description="Executions, queues and leases against a model.")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"--seed {options.seed} --examples {options.examples}", flush=True)
    try:
        drive(options.examples, options.seed)
    except AssertionError:
        traceback.print_exc()
        return rig.FOUND
    print("sound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
