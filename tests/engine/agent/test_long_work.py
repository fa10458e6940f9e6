"""Work of hundreds of turns: what is sent stays within the window, and what matters stays in it word for word."""

import gc
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from baara_engine import states
from baara_engine.agent import models
from baara_engine.agent.model import Answer, Request, Usage
from baara_engine.agent.offline import wire
from baara_engine.config import Config
from baara_engine.engine import Engine
from baara_engine.records import Execution, Json
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing import longtalk
from baara_engine.testing.messages_server import MessagesServer
from baara_engine.testing.replies import Reply

LONG_S = 400.0
TURNS = 400
LINE = "9" * 120  # some hundred bytes a line
WEIGHED_EVERY = 10  # turns: collecting garbage takes longer than a turn
BY_SERVICE, BY_SUMMARY = "claude-opus-5-5", "some-local-model"


@contextmanager
def at_work(home: Path, server: MessagesServer, context_tokens: int) -> Iterator[Engine]:
    """Give an engine that works with this server and sends no more than so many tokens."""
    settings = Config(base_url=server.url, context_tokens=context_tokens)
    engine = Engine(home, config_=settings)
    engine.start(models.Models(lambda: "a-key-of-no-account", lambda: settings))
    yield engine
    engine.stop()
    engine.close()


def submitted(engine: Engine, workspace: Path, model: str) -> Execution:
    workspace.mkdir(exist_ok=True)
    (workspace / "numbers.txt").write_text("".join(f"{number} {LINE}\n" for number in range(1, TURNS + 20)))
    wanted = Submission(prompt=longtalk.REQUEST, model=model, workspace=str(workspace), max_turns=TURNS + 10)
    return engine.submit(wanted)


def ended(engine: Engine, execution: Execution) -> Execution:
    deadline = time.monotonic() + LONG_S
    while (now := engine.execution(execution.id)).status not in states.ENDED and time.monotonic() < deadline:
        time.sleep(0.05)
    return now


def text(body: Json) -> str:
    blocks = [block for message in body["messages"] if message["role"] == "user" for block in message["content"]]
    return "\n".join(block.get("text", "") for block in blocks)


@pytest.mark.parametrize(
    ("model", "context_tokens", "kind"), [(BY_SUMMARY, 110_000, "summary"), (BY_SERVICE, 110_000, "service")]
)
def test_work_of_400_turns_is_compacted_and_keeps_what_matters(
    model: str, context_tokens: int, kind: str, home: Path, tmp_path: Path
) -> None:
    """Request and constraints are in every question word for word, none is too long, and the transcript is whole."""
    with MessagesServer(longtalk.script(TURNS)) as server, at_work(home, server, context_tokens) as engine:
        execution = ended(engine, submitted(engine, tmp_path / "ws", model))
        messages, calls = engine.journal(execution.id)
        progress, compactions = engine.progress(execution.id)
    assert execution.status is Status.COMPLETED, execution.error_message
    assert execution.output == f"All {TURNS} were read."
    assert execution.turn == TURNS + 1
    assert [message.turn for message in messages if message.role == "assistant"] == list(range(1, TURNS + 2))
    assert len(calls) == TURNS
    assert [one.kind for one in compactions] == [kind] * len(compactions)

    assert len(compactions) == 4
    assert all(longtalk.REQUEST in text(request.body) for request in server.requests)
    after_it = [request.body for request in server.requests if len(request.body["messages"]) > 2]
    assert all(longtalk.CONSTRAINT in str(body["messages"]) for body in after_it)
    assert all(wire.tokens(request.body) < context_tokens for request in server.requests)
    assert progress.constraints == (longtalk.CONSTRAINT,)
    assert progress.done == tuple(f"Line {turn}" for turn in range(40, TURNS + 1, 40))


@dataclass(eq=False)
class Weighed:
    """The model of `longtalk` without a service in between; it weighs the process now and then."""

    script: Callable[[Json], Reply]
    bytes_by_turn: dict[int, int] = field(default_factory=dict)

    def preload(self) -> None:
        """Need nothing."""

    async def get(self, model_id: str) -> "Weighed":
        """Be the model for every id."""
        return self

    async def close(self) -> None:
        """Hold nothing."""

    async def answer(self, request: Request, on_piece: object = None) -> Answer:
        """Answer as the script says."""
        body = {"messages": request.messages, "tool_choice": {"type": "none"} if request.no_calls else {}}
        turn = longtalk.turn_of(body)
        if turn % WEIGHED_EVERY == 0:
            gc.collect()
            self.bytes_by_turn[turn] = tracemalloc.get_traced_memory()[0]
        reply = self.script(body)
        return Answer(reply.content or [], reply.stop_reason, Usage(), "weighed", 0)


def test_memory_does_not_grow(home: Path, tmp_path: Path) -> None:
    """In the last hundred turns of 400 the process holds no more than in the second hundred."""
    model = Weighed(longtalk.script(TURNS))
    engine = Engine(home, config_=Config(context_tokens=110_000))
    tracemalloc.start()
    try:
        engine.start(model)
        execution = ended(engine, submitted(engine, tmp_path / "ws", BY_SUMMARY))
        engine.stop()
    finally:
        tracemalloc.stop()
    compactions = engine.progress(execution.id)[1]
    engine.close()
    assert (execution.status, len(compactions) >= 4) == (Status.COMPLETED, True), execution.error_message
    early = max(held for turn, held in model.bytes_by_turn.items() if 100 <= turn < 200)
    late = max(held for turn, held in model.bytes_by_turn.items() if turn >= 300)
    print(f"held at most {early:,} bytes in turns 100 to 199, {late:,} in turns 300 to 400")
    assert late < early * 1.4


def test_every_question_marks_what_the_one_before_has_cached(home: Path, tmp_path: Path) -> None:
    """Tools and system prompt never change; all questions but the first after a compaction read the cache."""
    with MessagesServer(longtalk.script(60)) as server, at_work(home, server, 20_000) as engine:
        ended(engine, submitted(engine, tmp_path / "ws", BY_SUMMARY))
        compactions = engine.progress(engine.executions()[0].id)[1]
    bodies = [request.body for request in server.requests]
    read = [_is_cached(body, bodies[:at]) for at, body in enumerate(bodies) if at]
    print(f"{sum(read)} of {len(read)} questions begin with what an earlier one has cached")
    assert len({json.dumps([body["system"], body["tools"]]) for body in bodies}) == 1
    assert len(compactions) >= 3
    assert len(read) - sum(read) <= len(compactions)


def _is_cached(body: Json, earlier: list[Json]) -> bool:
    """Say whether what a question begins with, up to one of its marks, was marked in an earlier one."""
    cached = {beginning for one in earlier for beginning in _marked_beginnings(one)}
    return not cached.isdisjoint(_marked_beginnings(body))


def _marked_beginnings(body: Json) -> list[str]:
    """Give what stands before each mark in the messages, and its block, without the marks."""
    said: list[Json] = []
    beginnings = []
    for message in body["messages"]:
        for block in message["content"]:
            said.append({name: value for name, value in block.items() if name != "cache_control"})
            if "cache_control" in block:
                beginnings.append(json.dumps(said))
    return beginnings
