"""What must hold after a soak, whatever was done to the engine meanwhile."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.crash.disk import soundness
from tests.crash.soaking import figures, people, work

from baara_engine import states
from baara_engine.engine import Engine
from baara_engine.records import Json
from baara_engine.states import Status
from baara_engine.store.transaction import View

UNKNOWN = "CommitUnknown"  #: nobody could say whether it was kept, so either is right
# Lines of the engine's log that mean a defect whatever the trouble was.
DEFECTS = re.compile(r"Traceback|failed unexpectedly|background task|thread ended by an error|telling of committed")
MOST = 8  # of each kind of finding that are told

ALL = "SELECT id, idempotency_key, status, error_cause FROM execution"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says of one execution."""

    id: str
    key: str | None
    status: Status
    cause: str | None


def told(folder: Path) -> list[Json]:
    """Read what was acknowledged and what was refused."""
    return [json.loads(line) for line in (folder / people.TOLD).read_text().splitlines()]


def found(home: Path, folder: Path, log: Path) -> tuple[list[str], dict[str, object]]:
    """Check everything with the engine stopped; give what is wrong, and figures."""
    engine = Engine(home)
    try:
        stored = engine.store.read(_stored)
        said = told(folder)
        wrong = [*_lost(said, stored), *_effects(folder / people.LEDGER, said, stored), *_defects(log)]
        wrong += _unsound(engine)
        wrong += [f"{name} was left in the home" for name in figures.strays(home)]
    finally:
        engine.close()
    counts = {
        "acknowledged": sum("id" in one for one in said),
        "refused": dict(Counter(one["refused"] for one in said if "refused" in one)),
        "ended as": dict(Counter(str(one.status) for one in stored)),
        "dead letters": dict(Counter(one.cause for one in stored if one.status is Status.DEAD_LETTERED)),
    }
    return wrong, counts


def _stored(view: View) -> list[Stored]:
    return [Stored(id_, key, Status(status), cause) for id_, key, status, cause in view.sql(ALL)]


def _lost(said: list[Json], stored: list[Stored]) -> Iterator[str]:
    by_id = {one.id: one for one in stored}
    keys = Counter(one.key for one in stored)
    lost = [one["key"] for one in said if "id" in one and one["id"] not in by_id]
    stuck = [f"{one.key} is {one.status}" for one in stored if one.status not in states.ENDED]
    kept = [one["key"] for one in said if one.get("refused", UNKNOWN) != UNKNOWN and keys[one["key"]]]
    rude = [f"{one['refused']}: {one['why']}" for one in said if one.get("ours") == 0]
    yield from _some("acknowledged and lost", lost)
    yield from _some("stuck", stuck)
    yield from _some("refused and yet there", kept)
    yield from _some("stored twice", [str(key) for key, times in keys.items() if times > 1])
    yield from _some("refused without a sentence", rude)


def _effects(ledger: Path, said: list[Json], stored: list[Stored]) -> Iterator[str]:
    """Each effect at most once; and exactly once where a command says that it was completed."""
    times = Counter(ledger.read_text().split()) if ledger.exists() else Counter[str]()
    what = {one["key"]: one["what"] for one in said}
    yield from _some("an effect twice", [key for key, count in times.items() if count > 1])
    yield from _some("an effect of nobody's", [key for key in times if what.get(key) not in work.EFFECT])
    done = [one.key for one in stored if one.status is Status.COMPLETED and what.get(one.key, "") in COMMANDS]
    yield from _some("completed without its effect", [str(key) for key in done if key and times[key] != 1])


COMMANDS = frozenset(one for one in work.EFFECT if one.startswith("command"))


def _defects(log: Path) -> Iterator[str]:
    yield from _some("in the engine's log", [line for line in log.read_text().splitlines() if DEFECTS.search(line)])


def _unsound(engine: Engine) -> Iterator[str]:
    try:
        engine.store.read(soundness.check)
        soundness.go_on(engine)
    except soundness.Unsound as error:
        yield f"the database is not sound: {error}"


def _some(what: str, which: list[str]) -> Iterator[str]:
    if which:
        yield f"{len(which)} {what}: {'; '.join(which[:MOST])}"
