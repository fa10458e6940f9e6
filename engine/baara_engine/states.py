"""The states of an execution, the moves between them, and the outcomes a person reads.

A state moves by compare-and-set (`store.executions.move`), and only along `NEXT`. What a person reads is the
`Outcome`, which is kept apart from the state: a completed execution may be *Done*, *Ran* or *Incomplete*.
"""

from enum import StrEnum


class Status(StrEnum):
    """Where an execution stands."""

    CREATED = "created"  #: It is stored, and no queue has it yet.
    QUEUED = "queued"  #: A queue holds it until a worker takes it.
    ASSIGNED = "assigned"  #: A worker has leased it and is loading its journal.
    RUNNING = "running"  #: A worker is working on it.
    WAITING_FOR_INPUT = "waiting_for_input"  #: A person has to answer, or a sub-task to end; no worker is held.
    COMPLETED = "completed"  #: It ended by itself.
    FAILED = "failed"  #: This attempt ended with an error; retry decides what follows.
    TIMED_OUT = "timed_out"  #: This attempt used up its time; retry decides what follows.
    RETRY_SCHEDULED = "retry_scheduled"  #: It waits in the timer queue for its time and is then queued by itself.
    CANCELLED = "cancelled"  #: Someone called it off.
    DEAD_LETTERED = "dead_lettered"  #: Its attempts are used up; a person decides what follows.


class Outcome(StrEnum):
    """What came of an execution, in the word that a person reads."""

    DONE = "Done"  #: It ended and all its checks passed.
    RAN = "Ran"  #: It ended and had no checks.
    NOTHING_TO_DO = "Nothing to do"  #: It looked, and there was nothing to do.
    INCOMPLETE = "Incomplete"  #: It ended, and a check failed.
    FAILED = "Failed"  #: It could not end by itself.
    CANCELLED = "Cancelled"  #: Someone called it off.


S = Status

# Besides the plain way forward: a lease can come back at any time (crash, clean stop), so what was leased may be queued
# again; an answered question queues the execution, because a waiting one holds no worker; work that only has to wait
# (rate limit, no network) goes from running to retry_scheduled without having failed; a person may be asked whether
# something is to begin at all.
NEXT: dict[Status, frozenset[Status]] = {
    S.CREATED: frozenset({S.QUEUED, S.CANCELLED, S.WAITING_FOR_INPUT}),
    S.QUEUED: frozenset({S.ASSIGNED, S.CANCELLED}),
    S.ASSIGNED: frozenset({S.RUNNING, S.QUEUED, S.FAILED, S.CANCELLED}),
    S.RUNNING: frozenset(
        {S.COMPLETED, S.FAILED, S.TIMED_OUT, S.CANCELLED, S.WAITING_FOR_INPUT, S.RETRY_SCHEDULED, S.QUEUED}
    ),
    S.WAITING_FOR_INPUT: frozenset({S.QUEUED, S.CANCELLED}),
    S.FAILED: frozenset({S.RETRY_SCHEDULED, S.DEAD_LETTERED}),
    S.TIMED_OUT: frozenset({S.RETRY_SCHEDULED, S.DEAD_LETTERED}),
    S.RETRY_SCHEDULED: frozenset({S.QUEUED, S.CANCELLED}),
    S.COMPLETED: frozenset(),
    S.CANCELLED: frozenset(),
    S.DEAD_LETTERED: frozenset({S.QUEUED}),
}

SUB_TASK = "sub-task"  #: reason for waiting: not a person, but the end of what was submitted

LEASED = frozenset({S.ASSIGNED, S.RUNNING})  #: A worker holds these under a lease.
ENDED = frozenset({S.COMPLETED, S.CANCELLED, S.DEAD_LETTERED})  #: Nothing happens to these by itself any more.


def may_move(before: Status, after: Status) -> bool:
    """Say whether an execution may go from `before` to `after` in one move."""
    return after in NEXT[before]
