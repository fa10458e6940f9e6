"""What must hold of a home in whose life engines were killed, held against what stands outside of it."""

import json
import re
from collections import Counter
from dataclasses import dataclass

from tests.crash.disk import soundness
from tests.crash.disk.rig import Tell
from tests.crash.kills import person, work
from tests.crash.kills.work import World

from baara_engine import states
from baara_engine.agent import acting
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind, ToolCall, UnknownEffect
from baara_engine.states import Status
from baara_engine.store import executions, journal
from baara_engine.store.transaction import View

DEFECTS = re.compile(r"Traceback|failed unexpectedly|ended by an error|telling of committed events failed")
OF_COMMANDS = frozenset({"command", "sandbox", person.POISON})  #: causes for which a command may be given up here
# Dead letters that were resumed are none at the end, so they are counted by what stands in their threads.
POISONED = "SELECT count(*) FROM thread_message WHERE kind = 'failure' AND body LIKE '%in the same step%'"
OPEN_LEASES = "SELECT count(*) FROM attempt WHERE ended_at IS NULL"


@dataclass(frozen=True, slots=True)
class Seen:
    """One execution, and how often each of its lines stands outside."""

    execution: Execution
    calls: list[ToolCall]
    lines: Counter[tuple[str, str]]  #: by act and call


def check(tell: Tell, world: World, *, ended: bool) -> None:
    """Tell what is wrong, and at the end a line of figures; `ended`: all work must have come to its end."""
    lines = _lines(world)  # before the database: what has acted by now has its intent there
    engine = Engine(world.home)
    try:
        wrong = _unsound(engine)
        seen = engine.store.read(lambda view: _seen(view, lines))
        wrong += [problem for one in seen for problem in _effects(one)]
        wrong += _strangers(seen, lines)
        wrong += _acknowledged(world, seen, ended=ended)
        if ended:
            wrong += [problem for one in seen for problem in _end(one)]
            wrong += [f"{count} leases are open" for count in [_count(engine, OPEN_LEASES)] if count]
        figures = _figures(seen) | {"poison": _count(engine, POISONED)}
    finally:
        engine.close()
    wrong += [f"in the log: {line}" for line in world.log.read_text().splitlines() if DEFECTS.search(line)]
    for problem in wrong:
        tell(problem)
    tell(json.dumps(figures))


def _unsound(engine: Engine) -> list[str]:
    try:
        engine.store.read(soundness.check)
    except soundness.Unsound as error:
        return [str(error)]
    return []


def _count(engine: Engine, statement: str) -> int:
    return int(engine.store.read(lambda view: view.sql(statement))[0][0])


def _lines(world: World) -> Counter[tuple[str, str]]:
    pairs = (line.split(" ") for line in world.receipts.read_text().splitlines())
    return Counter((act, call) for act, call in pairs)


def _seen(view: View, lines: Counter[tuple[str, str]]) -> list[Seen]:
    mine: dict[str, Counter[tuple[str, str]]] = {}
    for (act, call), times in lines.items():
        mine.setdefault(act.split(":")[0].rstrip("ab"), Counter())[act, call] = times
    everything = map(executions.record, view.sql(executions.SELECT))
    return [Seen(one, journal.calls(view, one.id), mine.get(one.name, Counter())) for one in everything]


def _strangers(seen: list[Seen], lines: Counter[tuple[str, str]]) -> list[str]:
    """Find what has acted without an intent."""
    intended = {mark for one in seen for call in one.calls if (mark := _mark(call)) is not None}
    return [f"{act} by {call} has acted without its intent" for act, call in lines.keys() - intended]


def _mark(call: ToolCall) -> tuple[str, str] | None:
    found = work.MARK.search(call.input.get("command", ""))
    return (found[1], found[2]) if found else None


def _effects(one: Seen) -> list[str]:
    """Hold each line outside against the calls that may have written it."""
    calls: dict[tuple[str, str], list[ToolCall]] = {}
    for call in one.calls:
        if (mark := _mark(call)) is not None:
            calls.setdefault(mark, []).append(call)
    wrong = []
    for mark, made in calls.items():
        times, least, most = one.lines[mark], sum(map(_says_done, made)), _most(one.execution, made)
        if not least <= times <= most:
            wrong.append(f"{mark} of {one.execution.id} has acted {times} times, not from {least} to {most}")
    return wrong


def _says_done(call: ToolCall) -> bool:
    """Say whether the receipt says that the command has run to its end."""
    if call.receipt_at is None or call.is_error or not call.result:
        return False
    [content] = call.result
    if content["type"] == "command":
        return bool(content["exit_code"] == 0)
    return bool(content["text"] == "[no output]")


def _most(execution: Execution, made: list[ToolCall]) -> int:
    """Give how often a line may stand there: once for each call, and where it may be repeated, once for each lease."""
    if execution.unknown_effect is UnknownEffect.RERUN:
        return execution.epoch
    if execution.kind is Kind.COMMAND and execution.max_retries == 0:
        return 1  # whoever let it run again had looked first
    return len(made)


def _acknowledged(world: World, seen: list[Seen], *, ended: bool) -> list[str]:
    known = {one.execution.id: one.execution.status for one in seen}
    wrong = []
    for what, execution_id in (line.split(" ") for line in world.acknowledged.read_text().splitlines()):
        status = known.get(execution_id)
        if status is None:
            wrong.append(f"{execution_id} was acknowledged and is lost")
        elif ended and what == person.CANCEL and status not in {Status.CANCELLED, Status.COMPLETED}:
            wrong.append(f"{execution_id} was called off, and is {status}")
    return wrong


def _end(one: Seen) -> list[str]:
    """Check that an execution has come to the end that it must come to."""
    execution = one.execution
    if execution.status not in states.ENDED:
        return [f"{execution.name} ({execution.id}) has not ended: {execution.status}, {execution.waiting_reason}"]
    if execution.status is Status.DEAD_LETTERED:
        fine = execution.kind is Kind.COMMAND and execution.error_cause in OF_COMMANDS
        return [] if fine else [f"{execution.id} is a dead letter: {execution.error_cause}, {execution.error_message}"]
    if execution.status is Status.COMPLETED:
        return _done_commands(one) if execution.kind is Kind.COMMAND else _done_agents(one)
    return []


def _done_commands(one: Seen) -> list[str]:
    return [] if one.lines else [f"{one.execution.id} is completed, and has not acted"]


def _done_agents(one: Seen) -> list[str]:
    """Check its last word, and that what was done with care was done once."""
    execution = one.execution
    wrong = []
    if execution.output != work.is_done(execution.name):
        wrong.append(f"{execution.id} strayed: {execution.output}")
    acts = Counter[str]()
    for (act, _), times in one.lines.items():
        acts[act] += times
    for number, (kind, *_) in enumerate(json.loads(execution.prompt)["steps"]):
        times = acts[f"{execution.name}:{number}"]
        if kind == "careful" and execution.unknown_effect is not UnknownEffect.RERUN and times != 1:
            wrong.append(f"step {number} of {execution.id} was done {times} times")
    return wrong


def _figures(seen: list[Seen]) -> dict[str, int]:
    figures = Counter(f"{one.execution.status}" for one in seen)
    for one in seen:
        figures["effects"] += sum(one.lines.values())
        figures["leases"] += one.execution.epoch
        figures["resumes"] += len(one.execution.resumed)
        figures["questions"] += sum(call.question_id is not None for call in one.calls)
        figures["told unknown"] += sum(acting.UNKNOWN in json.dumps(call.result) for call in one.calls)
    return dict(figures)
