from itertools import product

import pytest

from baara_engine.states import ENDED, LEASED, NEXT, Status, may_move

S = Status

# Written down by hand, apart from the table in the code: every pair that is a move. All others are none.
MOVES = {
    (S.CREATED, S.QUEUED),
    (S.CREATED, S.CANCELLED),
    (S.CREATED, S.WAITING_FOR_INPUT),
    (S.QUEUED, S.ASSIGNED),
    (S.QUEUED, S.CANCELLED),
    (S.ASSIGNED, S.RUNNING),
    (S.ASSIGNED, S.QUEUED),
    (S.ASSIGNED, S.FAILED),
    (S.ASSIGNED, S.CANCELLED),
    (S.RUNNING, S.COMPLETED),
    (S.RUNNING, S.FAILED),
    (S.RUNNING, S.TIMED_OUT),
    (S.RUNNING, S.CANCELLED),
    (S.RUNNING, S.WAITING_FOR_INPUT),
    (S.RUNNING, S.RETRY_SCHEDULED),
    (S.RUNNING, S.QUEUED),
    (S.WAITING_FOR_INPUT, S.QUEUED),
    (S.WAITING_FOR_INPUT, S.CANCELLED),
    (S.FAILED, S.RETRY_SCHEDULED),
    (S.FAILED, S.DEAD_LETTERED),
    (S.TIMED_OUT, S.RETRY_SCHEDULED),
    (S.TIMED_OUT, S.DEAD_LETTERED),
    (S.RETRY_SCHEDULED, S.QUEUED),
    (S.RETRY_SCHEDULED, S.CANCELLED),
    (S.DEAD_LETTERED, S.QUEUED),
}


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_every_pair_is_decided(before: Status, after: Status) -> None:
    """Each of the 11 × 11 pairs of states is a move exactly if it is in the list."""
    assert may_move(before, after) == ((before, after) in MOVES)


def test_there_are_eleven_states_with_a_row_each() -> None:
    """The table has a row for every state, and there are eleven."""
    assert set(NEXT) == set(Status)
    assert len(Status) == 11


def test_what_has_ended_moves_only_by_a_person() -> None:
    """Of the ended states only a dead letter can be queued again."""
    assert {state: NEXT[state] for state in ENDED} == {
        S.COMPLETED: frozenset(),
        S.CANCELLED: frozenset(),
        S.DEAD_LETTERED: frozenset({S.QUEUED}),
    }


def test_everything_leased_can_go_back_to_its_queue() -> None:
    """A crash at any moment of a lease leaves a legal way back."""
    assert all(S.QUEUED in NEXT[state] for state in LEASED)


def test_every_state_can_reach_an_end() -> None:
    """No state is a trap: from each a path leads to an ended one."""
    reachable = set(ENDED)
    for _ in Status:
        reachable |= {state for state in Status if NEXT[state] & reachable}
    assert reachable == set(Status)
