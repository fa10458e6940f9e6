"""Fifty executions under the limit of a day, over the real SDK, with the engine killed: the bill stays below it."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from baara_engine import money, requests
from baara_engine.agent import prices
from baara_engine.agent.model import Usage
from baara_engine.agent.offline import wire
from baara_engine.engine import Engine
from baara_engine.money import Scope
from baara_engine.records import Json
from baara_engine.states import Status
from baara_engine.testing import replies
from baara_engine.testing.messages_server import MessagesServer
from baara_engine.testing.replies import Reply

ROOT = Path(__file__).parents[2]
LONG_S = 100.0
MANY = 50
MODEL = "my-model"
READ_USD, WRITE_USD = 20.0, 60.0  # for a million tokens: an answer costs some cents, and may cost most of a dollar


class Service:
    """Answers shortly, and adds up what it would charge: for each question that has reached it."""

    def __init__(self) -> None:
        self.charged = 0.0

    def __call__(self, request: Json) -> Reply:
        time.sleep(0.05)
        sent = wire.tokens([request.get("system", ""), request.get("tools", []), request["messages"]])
        reply = replies.says("It is done.")
        self.charged += sent * READ_USD + wire.tokens(reply.content) * WRITE_USD  # microdollars, by what it reports
        return reply


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG_S
    while not is_so():
        assert time.monotonic() < deadline, "it does not become true"
        time.sleep(0.1)


def spent(engine: Engine) -> int:
    return sum(one.microusd for one in engine.usage())


def begin(home: Path, url: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.crash.service_faults.host", str(home), url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


def test_fifty_at_once_stay_below_the_limit_though_the_engine_is_killed(home: Path) -> None:
    """Neither what is counted nor what the service would charge goes beyond it; one question asks for all the rest."""
    engine, service = Engine(home), Service()
    engine.set_price(MODEL, READ_USD, WRITE_USD)
    engine.set_limit(Scope.DAY, "", money.MICRO, by="a test")
    submission = requests.parse(requests.Submission, {"prompt": "Work.", "model": MODEL})
    ids = [engine.submit(submission).id for _ in range(MANY)]

    def done() -> int:
        return sum(engine.execution(one).status is Status.COMPLETED for one in ids)

    def is_at_rest() -> bool:
        at_work = {Status.QUEUED, Status.ASSIGNED, Status.RUNNING}
        return bool(engine.questions()) and not any(engine.execution(one).status in at_work for one in ids)

    with MessagesServer(service) as server:
        process = begin(home, server.url)
        until(lambda: done() > 0)
        process.kill()  # what was out then counts in full: two such questions are most of the limit
        process.wait()
        process = begin(home, server.url)
        until(is_at_rest)
        before, finished = spent(engine), done()
        assert service.charged <= before <= money.MICRO
        assert 0 < finished < MANY
        [question] = engine.questions()
        engine.answer(question.id, "+$1", by="a test")
        until(lambda: done() > finished and is_at_rest())
        process.terminate()
        process.wait()
    assert service.charged <= spent(engine) <= 2 * money.MICRO
    assert {engine.execution(one).attempt for one in ids} <= {0, 1}
    engine.close()


def test_the_price_is_such_that_the_limit_is_reached() -> None:
    """Were an answer free, nothing would be shown by this."""
    book = {MODEL: prices.Price(round(READ_USD * prices.PER_MICRO), round(WRITE_USD * prices.PER_MICRO))}
    one = prices.cost(MODEL, Usage(input_tokens=2000, output_tokens=10), book)
    assert one is not None
    assert one * MANY > money.MICRO
