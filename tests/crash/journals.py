"""A home whose journals hold a bit of everything, the same every time, for bits of them to be flipped."""

import itertools
import os
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.crash.disk import rig, scenario

from baara_engine import ids, journal
from baara_engine.engine import Engine
from baara_engine.records import Effect, Json, Kind
from baara_engine.requests import Submission
from baara_engine.store import journal as rows
from baara_engine.store.transaction import Tx

FAR = 4_000_000_000_000
TURNS = (0, 1, 2, 5, 9, 14, 30)  #: answers in the journals of the agents
PAGES_KEPT = 900  #: pages in the WAL before they go into the database
TEXTS = ("Done. ", "Größe: 12 µm, naïve ½ ", "数え終わりました。", "🙂 тест ", '"quoted" \\ ')
EFFECTS = tuple(Effect)
LARGEST = 30_000  # characters of a result: some ten overflow pages

Step = Callable[[Tx], object]


def make(home: Path, *, closed: bool) -> None:
    """Fill a home; unless `closed`, leave it as a process that was killed does, with its last pages in the log."""
    clock = scenario.TickingClock()
    with rig.checkpoints(PAGES_KEPT):
        engine = Engine(home, clock_=clock)
        engine.store.ids = ids.Ids(clock, random.Random(0))
        chance = random.Random(1)
        agents = [_agent(engine, turns, chance) for turns in TURNS]
        commands = [_command(engine, number, chance) for number in range(6)]
        for steps in itertools.zip_longest(*agents, *commands):  # in turns, as they are written by several at work
            for step in filter(None, steps):
                engine.store.write(step)
    if closed:
        engine.close()
    else:
        os._exit(0)


def _agent(engine: Engine, turns: int, chance: random.Random) -> Iterator[Step]:
    execution_id = engine.submit(Submission(prompt=f"Work for {turns} turns.", not_before=FAR)).id
    yield partial(rows.append, execution_id=execution_id, turn=0, role="user", content=[_text(chance, 900)])
    for turn in range(1, turns + 1):
        yield from _turn(execution_id, turn, chance, last=turn == turns)


def _turn(execution_id: str, turn: int, chance: random.Random, *, last: bool) -> Iterator[Step]:
    """Answer with some calls, and run them; the last turn is left with one open, or with a question."""
    blocks = [_use(turn, number, chance) for number in range(1 + turn % 3)]
    yield partial(
        rows.append, execution_id=execution_id, turn=turn, role="assistant", content=[_text(chance, 1500), *blocks],
        stop_reason="tool_use", usage={"input_tokens": 4000 + turn, "output_tokens": 311}, model="claude-x-1",
    )  # fmt: skip
    for number, block in enumerate(blocks):
        effect = EFFECTS[(turn + number) % len(EFFECTS)]
        notes = {"before": "0" * chance.randrange(200)}
        intend = partial(rows.intend, execution_id=execution_id, turn=turn)
        yield partial(intend, ordinal=number, block=block, effect=effect, notes=notes)
        if effect is Effect.UNSAFE and turn % 2:
            ask = partial(rows.attach_question, execution_id=execution_id, turn=turn)
            yield partial(ask, tool_use_id=block["id"], question_id=f"question {turn}")
        if not (last and number == len(blocks) - 1):
            end = partial(_end, execution_id=execution_id, turn=turn)
            yield partial(end, block=block, calls=len(blocks), result=[_text(chance, _size(chance))])


def _command(engine: Engine, number: int, chance: random.Random) -> Iterator[Step]:
    prompt = f"make target-{number}"
    execution_id = engine.submit(Submission(prompt=prompt, kind=Kind.COMMAND, not_before=FAR)).id
    block: Json = {"id": "command", "name": "command", "input": {"command": prompt}}
    for attempt in range(1, 2 + number % 3):
        intend = partial(rows.intend, execution_id=execution_id, turn=attempt)
        yield partial(intend, ordinal=0, block=block, effect=Effect.UNSAFE, notes={})
        if attempt < 3:
            result: list[Json] = [{"type": "command", "exit_code": 1, "output": _text(chance, 3000)["text"]}]
            receive = partial(rows.receive, execution_id=execution_id, turn=attempt)
            yield partial(receive, tool_use_id="command", result=result, is_error=True)


def _end(tx: Tx, execution_id: str, turn: int, block: Json, calls: int, result: list[Json]) -> None:
    rows.receive(tx, execution_id, turn, block["id"], result, is_error=turn % 4 == 0)
    journal.close_turn(tx, execution_id, turn, calls)


def _use(turn: int, number: int, chance: random.Random) -> Json:
    values = {"command": _text(chance, 300)["text"], "number": number}
    return {"type": "tool_use", "id": f"toolu_{turn}_{number}", "name": "bash", "input": values}


def _text(chance: random.Random, size: int) -> Json:
    piece = chance.choice(TEXTS)
    return {"type": "text", "text": piece * (1 + chance.randrange(size) // len(piece))}


def _size(chance: random.Random) -> int:
    """Mostly short, now and then long."""
    return chance.choice((80, 80, 80, 800, 800, 6000, 6000, LARGEST))
