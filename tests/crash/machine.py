"""A Hypothesis state machine: executions, queues and leases are driven in any order, and held against a model.

    python -m tests.crash.machine --examples N [--seed S]

After every step each row of the database is compared with `simulated/expected.py`, and at the end of each example the
whole history is checked. The exit status is 3 if they differ; the steps that led there are printed, as few as possible.
"""

import argparse
import random
import sys
import traceback
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.crash.disk import rig
from tests.crash.simulated.driven import DIED, LIVES, TEN_YEARS_MS, Driven
from tests.crash.simulated.expected import ENDED, WORKING, Item

from baara_engine import queues
from baara_engine.errors import FailureKind

STEPS = 50  # of an example, at most
MOST_ACTIVE = 7  # executions at a time: few, so that much happens to each
PICK = st.integers(0, 1_000_000)  # which of those that there are
JOBS = st.tuples(
    st.sampled_from(queues.FOR_SUBMISSION), st.integers(0, 3), st.integers(0, 2),
    st.sampled_from([None, None, None, 0, 5, 100_000]),
)  # fmt: skip
BREAKS = st.sampled_from([FailureKind.SERVER, FailureKind.SERVER, *FailureKind])
ENDINGS = st.tuples(PICK, st.integers(0, 9), BREAKS, st.sampled_from([None, 0.0, 7.0, 3600.0]))
JUMPS_MS = (-3_600_000, 3_600_000, -TEN_YEARS_MS, TEN_YEARS_MS)


class Machine(RuleBasedStateMachine):
    """What can happen, by rules; few of them, so that what matters happens often."""

    def __init__(self) -> None:
        super().__init__()
        self.driven = Driven()

    def teardown(self) -> None:
        self.driven.close()

    @invariant()
    def is_as_expected(self) -> None:
        self.driven.engine.store.read(self.driven.compare)

    @initialize(jobs=st.lists(JOBS, min_size=2, max_size=4))
    def submit_some(self, jobs: list[Any]) -> None:
        for job in jobs:
            self.driven.submit(*job)

    @precondition(lambda self: len(self.driven.those()) - len(self.driven.those(*ENDED)) < MOST_ACTIVE)
    @rule(job=JOBS)
    def submit(self, job: Any) -> None:
        self.driven.submit(*job)

    @precondition(lambda self: self.driven.those("queued"))
    @rule(owner=st.sampled_from([LIVES, LIVES, DIED]), begin=st.booleans())
    def claim(self, owner: str, begin: bool) -> None:  # noqa: FBT001 - drawn
        for queue in WORKING:
            self.driven.claim(queue, owner)
        for item in self.driven.those("assigned") if begin else []:
            self.driven.begin(item)

    @precondition(lambda self: self.driven.those("queued", "assigned", "running"))
    @rule(endings=st.lists(ENDINGS, min_size=1, max_size=6))
    def work(self, endings: list[Any]) -> None:
        for queue in WORKING:
            self.driven.claim(queue, LIVES)
        for ending in endings:
            at_work = [item for item in self.driven.those("assigned", "running") if item.owner == LIVES]
            if at_work:
                self._end(at_work[ending[0] % len(at_work)], *ending)

    def _end(self, item: Item, pick: int, how: int, kind: FailureKind, wait_s: float | None) -> None:
        if item.status == "assigned":
            self._end_assigned(item, how)
        elif how < 2:
            self.driven.complete(item)
        elif how < 6:
            self.driven.fail(item, kind, wait_s)
        elif how < 9:
            self.driven.wait(item, how - 6)
        else:
            self.driven.leave(item, called_off=pick % 2 == 0)

    def _end_assigned(self, item: Item, how: int) -> None:
        if how < 8:
            self.driven.begin(item)
        elif how < 9:
            self.driven.find_damaged(item)
        else:
            self.driven.leave(item, called_off=True)

    @precondition(lambda self: self.driven.stale())
    @rule(pick=PICK, how=st.integers(0, 4))
    def write_late(self, pick: int, how: int) -> None:
        late = self.driven.stale()
        self.driven.write_late(late[pick % len(late)], how)

    @rule(what=st.integers(0, 9), jump=st.sampled_from(JUMPS_MS))
    def go_on(self, what: int, jump: int) -> None:
        if what < 3:
            self.driven.recover()
        elif what < 5:
            self.driven.take_back_orphans(lost=what == 4)
        elif what == 5:
            self.driven.shorten_waits()
        elif what < 9:
            self.driven.advance((0.5, 3.0, 4000.0)[what - 6])
        else:
            self.driven.jump(jump)

    @precondition(lambda self: self.driven.expected.timed())
    @rule(early=st.sampled_from([False, False, True]))
    def wait_for_a_timer(self, early: bool) -> None:  # noqa: FBT001 - drawn
        due = min(item.due or 0 for item in self.driven.expected.timed())
        self.driven.advance((due - self.driven.clock.now() - early) / 1000)
        self.driven.promote_due()

    @precondition(lambda self: self.driven.those("waiting_for_input"))
    @rule(pick=PICK)
    def answer(self, pick: int) -> None:
        waiting = self.driven.those("waiting_for_input")
        self.driven.answer(waiting[pick % len(waiting)])

    @precondition(lambda self: self.driven.those("dead_lettered"))
    @rule(pick=PICK, verb=st.sampled_from(["resume", "resume", "restart", "dismiss", "retry"]))
    def sort_out(self, pick: int, verb: str) -> None:
        dead = self.driven.those("dead_lettered")
        self._act(dead[pick % len(dead)], verb)

    @rule(
        pick=PICK, verb=st.sampled_from(["cancel", "cancel", "retry", "resume", "restart", "dismiss", "key", "queue"]),
        concurrency=st.integers(1, 3),
    )  # fmt: skip
    def meddle(self, pick: int, verb: str, concurrency: int) -> None:
        those = self.driven.those()
        if verb == "key":
            self.driven.key_changed()
        elif verb == "queue":
            self.driven.set_concurrency(WORKING[pick % len(WORKING)], concurrency)
        else:
            self._act(those[pick % len(those)], verb)

    def _act(self, item: Item, verb: str) -> None:
        if verb == "cancel":
            self.driven.cancel(item)
        elif verb == "retry":
            self.driven.retry(item)
        else:
            self.driven.sort_out(item, verb)


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
            report_multiple_bugs=False,
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
