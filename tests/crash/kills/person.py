"""The person, from processes of their own: submits, answers truthfully, calls off, brings a key, resumes.

What is acknowledged is noted outside of the engine's world, without a buffer, right after the call has returned.
"""

import contextlib
import os
import random
import time

from tests.crash.disk.rig import Tell
from tests.crash.kills import service, work
from tests.crash.kills.work import World

from baara_engine import commands, errors, states
from baara_engine.agent import acting
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind, Question
from baara_engine.states import Status

SUBMIT, CANCEL = "submit", "cancel"
MOST = 3  #: submissions of one visit
ALL = 100_000
POISON = "poison"  #: cause of a dead letter: its step was in hand at several deaths in a row
RESUMABLE = frozenset({POISON, "sandbox", "server"})  #: causes after which an agent is simply resumed
DRAIN_S = 120.0  #: seconds within which all work ends once nothing is killed any more
LOOK_S = 0.1


def visit(tell: Tell, world: World, seed: int, number: int) -> None:
    """Come once, do what is drawn for this number, and go."""
    chance = random.Random(f"{seed}/visit/{number}")
    first = number * MOST
    engine = Engine(world.home)
    for one in range(first, first + chance.randint(1, MOST)):
        _acknowledge(world, SUBMIT, engine.submit(work.drawn(world, seed, one)).id)
    if chance.random() < 0.7:
        answer_all(engine, world)
    if chance.random() < 0.3:
        engine.key_changed()
    if chance.random() < 0.3:
        _cancel_one(engine, world, chance)
    if chance.random() < 0.3:
        _hurry_one(engine, chance)
    engine.close()


def drain(tell: Tell, world: World) -> None:
    """Let an engine work and answer what is asked, until all has ended; tell what does not end."""
    engine = Engine(world.home)
    engine.start(service.Service(world.refusals))
    deadline = time.monotonic() + DRAIN_S
    with engine.news() as news:
        while _unfinished(engine) and time.monotonic() < deadline:
            answer_all(engine, world)
            engine.key_changed()
            for execution in _unfinished(engine):
                _resume(engine, world, execution)
            news.wait(LOOK_S)
    engine.close()
    for execution in _unfinished(engine := Engine(world.home)):
        tell(f"{execution.name} ({execution.id}) is stuck: {execution.status}, {execution.waiting_reason}")
    engine.close()


def answer_all(engine: Engine, world: World) -> None:
    """Answer every open question with the truth."""
    for question in engine.questions(limit=ALL):
        with contextlib.suppress(errors.Refused):  # called off meanwhile
            engine.answer(question.id, _truth(question, world), by="a person")


def _truth(question: Question, world: World) -> str:
    if question.kind != "effect":
        return work.YES
    text = question.detail.get("command") or question.detail["input"]["command"]
    happened = has_acted(world, text)
    if "command" in question.detail:
        return commands.IT_IS_DONE if happened else commands.RUN_AGAIN
    return acting.EFFECT_OPTIONS[0 if happened else 1]


def has_acted(world: World, command: str) -> bool:
    """Say whether the line that this shell command appends is there; one that only looks has done so."""
    mark = work.MARK.search(command)
    return mark is None or " ".join(mark.groups()) in world.receipts.read_text().splitlines()


def _unfinished(engine: Engine) -> list[Execution]:
    """Give what has not ended; dead letters that a person simply resumes are among it."""
    return [one for one in engine.executions(limit=ALL) if one.status not in states.ENDED or _is_resumed(one)]


def _is_resumed(execution: Execution) -> bool:
    if execution.status is not Status.DEAD_LETTERED or execution.dismissed_at is not None:
        return False
    if execution.kind is Kind.COMMAND:
        return execution.error_cause == POISON
    return execution.error_cause in RESUMABLE


def _resume(engine: Engine, world: World, execution: Execution) -> None:
    """Resume a dead letter; a command that has acted is put aside."""
    if not _is_resumed(execution):
        return
    if execution.kind is Kind.COMMAND and has_acted(world, execution.prompt):
        engine.dismiss(execution.id)
    else:
        engine.resume(execution.id)


def _cancel_one(engine: Engine, world: World, chance: random.Random) -> None:
    at_work = [one for one in engine.executions(limit=ALL) if one.status not in states.ENDED]
    if not at_work:
        return
    unlucky = chance.choice(at_work)
    with contextlib.suppress(errors.Refused):  # it has just ended
        engine.cancel(unlucky.id)
        _acknowledge(world, CANCEL, unlucky.id)


def _hurry_one(engine: Engine, chance: random.Random) -> None:
    """Let something that waits for its time try now, or an agent that is a dead letter go on."""
    waiting = [one for one in engine.executions(limit=ALL) if one.queue == "timer" or _is_dead_agent(one)]
    if waiting:
        with contextlib.suppress(errors.Refused):  # its time has just come
            engine.retry(chance.choice(waiting).id)


def _is_dead_agent(execution: Execution) -> bool:
    return execution.kind is Kind.AGENT and execution.status is Status.DEAD_LETTERED


def _acknowledge(world: World, what: str, execution_id: str) -> None:
    file = os.open(world.acknowledged, os.O_WRONLY | os.O_APPEND)
    os.write(file, f"{what} {execution_id}\n".encode())
    os.close(file)
