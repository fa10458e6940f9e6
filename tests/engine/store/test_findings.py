import random
from collections.abc import Iterator
from functools import partial

import pytest

from baara_engine import events, owner, queues, resuming, settle
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, Finding, Json
from baara_engine.requests import Submission
from baara_engine.store import executions, findings
from baara_engine.testing.clocks import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def engine(home: object, clock: FakeClock) -> Iterator[Engine]:
    """Give an engine on that clock."""
    opened = Engine(home, clock_=clock)  # type: ignore[arg-type]
    yield opened
    opened.close()


def told(engine: Engine) -> list[Json]:
    return [event.data for event in engine.events(limit=1000) if event.kind == events.Kind.FINDING]


def states(engine: Engine) -> list[tuple[str, str]]:
    return [(data["key"], data["state"]) for data in told(engine)]


def find(engine: Engine, message: str = "Only 9 MiB are free.") -> None:
    engine.store.write(lambda tx: findings.found(tx, "disk", message, "Make room."))


async def leased(engine: Engine) -> Execution:
    engine.submit(Submission(prompt="work", max_retries=0))
    [claimed] = engine.store.write(lambda tx: executions.claim(tx, queues.TRANSFER, 1, str(owner.Owner.me()), 1 << 50))
    begun, _ = await resuming.begin(engine.store, claimed)
    return begun


def note(engine: Engine, execution: Execution, *kinds: str) -> None:
    for kind in kinds:
        found = partial(findings.found, kind=kind, message="It is.", advice="Wait.", execution_id=execution.id)
        engine.store.write(found)


def test_it_is_told_once_while_it_lasts(engine: Engine, clock: FakeClock) -> None:
    """Found again and again it is one row and one event; the row says since when, and when it was last so."""
    begun = clock.now()
    find(engine)
    clock.advance(60.0)
    find(engine, "Only 5 MiB are free.")
    assert engine.health() == [
        Finding("disk", "disk", None, "Only 5 MiB are free.", "Make room.", begun, clock.now(), None)
    ]
    assert told(engine) == [{"key": "disk", "kind": "disk", "state": "found", "message": "Only 9 MiB are free."}]


def test_it_is_told_when_it_is_well_and_when_it_comes_back(engine: Engine, clock: FakeClock) -> None:
    """Cleared once, it is no more among the open ones; found later, it is new."""
    find(engine)
    for _ in range(2):
        engine.store.write(lambda tx: findings.clear(tx, "disk"))
    assert engine.health() == []
    [kept] = engine.store.read(lambda view: findings.listing(view, open_only=False))
    assert kept.cleared_at == clock.now()
    clock.advance(1.0)
    find(engine)
    assert states(engine) == [("disk", "found"), ("disk", "cleared"), ("disk", "found")]
    assert [one.since for one in engine.health()] == [clock.now()]


async def test_what_is_about_a_step_ends_with_the_lease(engine: Engine) -> None:
    """A lease that ends takes with it what was found about its steps; what is about the work stays for the person."""
    held = await leased(engine)
    note(engine, held, findings.SLOW, findings.STUCK, findings.REPEATING)
    await settle.Settler(engine.store, random.Random(1)).released(held, 0)
    assert [one.kind for one in engine.health()] == [findings.REPEATING]
    engine.store.write(lambda tx: executions.claim(tx, queues.TRANSFER, 1, "me", 1))
    assert engine.health() == []


@pytest.mark.parametrize("ending", ["completed", "cancelled"])
async def test_nothing_is_wrong_with_what_has_ended(engine: Engine, ending: str) -> None:
    """Completed or cancelled, an execution has no open findings."""
    held = await leased(engine)
    note(engine, held, findings.SILENT, findings.NO_PROGRESS)
    settler = settle.Settler(engine.store, random.Random(1))
    await (settler.completed(held, "done") if ending == "completed" else settler.cancelled(held))
    assert engine.health() == []


@pytest.mark.parametrize("verb", ["dismiss", "resume"])
async def test_time_that_is_up_is_found_until_somebody_decides(engine: Engine, verb: str) -> None:
    """An attempt that used up its time is a finding with its event, until it is put aside or taken up again."""
    held = await leased(engine)
    settler = settle.Settler(engine.store, random.Random(1))
    await settler.failed(held, settle.Failure(FailureKind.TIMED_OUT, "It used up its time (5 s)."))
    [found] = engine.health()
    assert (found.kind, found.execution_id, found.message) == (
        findings.TIMED_OUT, held.id, "“work”: It used up its time (5 s).",
    )  # fmt: skip
    if verb == "dismiss":
        engine.dismiss(held.id)
    else:
        engine.resume(held.id)
        engine.store.write(lambda tx: executions.claim(tx, queues.DLQ, 1, "me", 1))
    assert engine.health() == []
    assert states(engine) == [(f"timed_out/{held.id}", "found"), (f"timed_out/{held.id}", "cleared")]
