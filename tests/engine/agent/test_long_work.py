"""Work of hundreds of turns: what is sent stays within the window, and what matters stays in it word for word."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from baara_engine import states
from baara_engine.agent import models
from baara_engine.config import Config
from baara_engine.engine import Engine
from baara_engine.records import Execution, Json
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing import longtalk
from baara_engine.testing.messages_server import MessagesServer

LONG_S = 400.0
TURNS = 400
LINE = "9" * 120  # some hundred bytes a line
BY_SERVICE, BY_SUMMARY = "claude-opus-5-5", "some-local-model"


@contextmanager
def at_work(home: Path, server: MessagesServer, context_tokens: int) -> Iterator[Engine]:
    """Give an engine that works with this server and sends no more than so many tokens."""
    settings = Config(base_url=server.url, context_tokens=context_tokens)
    engine = Engine(home, config_=settings)
    engine.start(models.Models(lambda: "a-key-of-no-account", settings))
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
    assert progress.constraints == (longtalk.CONSTRAINT,)
    assert progress.done == tuple(f"Line {turn}" for turn in range(40, TURNS + 1, 40))
