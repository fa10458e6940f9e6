"""A day in the life of a home, in small steps, for the rigs to break at every point.

Each step makes one write (or none) and finds in the store whatever it needs to know, so that a step that failed can
simply be done again.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.crash.disk import soundness, tapped

from baara_engine import errors, ids, operations, recovery, requests, resuming, settle, tools
from baara_engine.agent.model import Answer, Usage
from baara_engine.clock import Clock, Millis
from baara_engine.engine import Engine
from baara_engine.journal import Journal
from baara_engine.records import Effect, Execution, Json, Kind, QuestionDraft
from baara_engine.store import executions, journal
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx
from baara_engine.testing.clocks import FakeClock

T = TypeVar("T")

FAR = 1 << 60
MANY = 1000
LONG = 60.0  # seconds that no wait of a sound rig takes
DEAD = "an-earlier-boot/1/1"  #: an owner that died with the boot before this one


class Told(Protocol):
    """Whoever keeps the minutes of a scenario."""

    def will(self, digest: str) -> None:
        """Hear what the database will say once the write at hand is committed."""

    def acknowledged(self, digest: str) -> None:
        """Hear that a write was acknowledged, after which the database said this."""

    def failed(self, error: BaseException) -> None:
        """Hear that a write was refused."""

    def acted(self, key: str) -> None:
        """Hear that a tool acted outside."""


class TickingClock(FakeClock):
    """Goes on by one millisecond whenever it is read, so that ids come in their order, the same every time."""

    def now(self) -> Millis:
        self.advance(0.001)
        return super().now()


class ToldStore(Store):
    """The real store, whose every write is told before its commit and after its acknowledgement."""

    def __init__(self, home: Path, clock_: Clock, *, told: Told, vfs: str | None) -> None:
        self._told = told
        self._latest = ""
        super().__init__(home, clock_, vfs=vfs)
        self.ids = ids.Ids(clock_, random.Random(0))
        self._latest = self.read(soundness.digest)
        told.acknowledged(self._latest)

    def submit(self, work: Callable[[Tx], T]) -> Future[T]:
        def watched(tx: Tx) -> T:
            result = work(tx)
            self._latest = soundness.digest(tx)
            self._told.will(self._latest)
            return result

        future = super().submit(watched)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: Future[Any]) -> None:
        error = future.exception()
        if error is None:
            self._told.acknowledged(self._latest)
        else:
            self._told.failed(error)


@dataclass(slots=True)
class House:
    """An engine that is open and does not work on its queues: the steps do that."""

    home: Path
    told: Told
    vfs: str | None = tapped.NAME
    owner: str = DEAD
    round: int = 0  #: the scenario may be played several times in one home
    clock: TickingClock = field(default_factory=TickingClock)
    engine: Engine = field(init=False)

    def open(self) -> None:
        """Open the real engine on a store that is told about."""
        told = partial(ToldStore, told=self.told, vfs=self.vfs)
        self.engine = Engine(self.home, clock_=self.clock, open_store=told)

    def close(self) -> None:
        self.engine.close()

    @property
    def store(self) -> Store:
        return self.engine.store

    def key(self, name: str) -> str:
        return f"{name} of round {self.round}"

    def named(self, name: str) -> Execution:
        found = self.store.read(lambda view: executions.by_key(view, self.key(name)))
        if found is None:
            raise LookupError(name)
        return found

    def submission(self, name: str, **options: Any) -> requests.Submission:
        return requests.Submission(idempotency_key=self.key(name), **options)

    def journal(self, name: str) -> Journal:
        return Journal(self.store, self.named(name))

    def settler(self) -> settle.Settler:
        return settle.Settler(self.store, random.Random(0))


Step = Callable[[House], None]


def play(house: House, steps: Sequence[Step]) -> None:
    """Do these steps, one after the other."""
    for step in steps:
        step(house)


def do(work: Coroutine[Any, Any, object]) -> None:
    asyncio.run(work)


def use(number: int, name: str, **values: Any) -> Json:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": values}


def answer(stop_reason: str, *content: Json) -> Answer:
    text = {"type": "text", "text": "I think so. " * 100}
    return Answer([text, *content], stop_reason, Usage(input_tokens=10, output_tokens=5), "scripted", 7)


BASH = use(1, "bash", command="date >> dates; " * 300)
ASK = use(2, "ask_user", question="Go on?")
COMMAND = use(3, "command", command="false")


def submit(house: House, name: str, prompt: str, kind: Kind = Kind.AGENT) -> None:
    house.engine.submit(house.submission(name, prompt=prompt, kind=kind))


def submit_five_at_once(house: House) -> None:
    """Let five writes share one commit, after one that keeps the writer busy meanwhile."""
    gate = threading.Event()
    waiting: list[Future[Any]] = [house.store.submit(lambda _: gate.wait(LONG))]
    for number in range(5):
        submission = house.submission(f"later {number}", prompt="Later.", priority=3)
        waiting.append(house.store.submit(partial(operations.submit, place=house.engine, submission=submission)))
    gate.set()
    wait(waiting, LONG)
    for future in waiting:
        future.result()


def claim(house: House, queue: str, count: int = MANY) -> None:
    house.store.write(lambda tx: executions.claim(tx, queue, count, house.owner, FAR))


def begin(house: House, name: str) -> None:
    do(resuming.begin(house.store, house.named(name)))


def answer_with_a_call(house: House) -> None:
    do(house.journal("alpha").answered(answer("tool_use", BASH), 1))


def intend(house: House, turn: int, block: Json) -> None:
    do(house.journal("alpha").intend(turn, 0, block, tools.load(block["name"]), {"before": "y" * 100}))


def receive(house: House) -> None:
    post = tools.Post("Found", "# it " * 50, ("a.txt",))
    do(house.journal("alpha").receive(1, BASH, tools.Done("done " * 1000, post=post), calls=1))


def act(house: House, name: str, turn: int, tool_use_id: str) -> None:
    house.told.acted(f"{house.named(name).id}/{turn}/{tool_use_id}")


def answer_with_a_question(house: House) -> None:
    do(house.journal("alpha").answered(answer("tool_use", ASK), 2))


def ask(house: House) -> None:
    draft = QuestionDraft("Go on?", ("Yes", "No"), tool_use_id=ASK["id"])
    do(house.settler().waiting(house.named("alpha"), [draft], 2, 40))


def reply(house: House) -> None:
    house.engine.answer_execution(house.named("alpha").id, "Yes", by="a person")


def answer_with_a_text(house: House) -> None:
    do(house.journal("alpha").answered(answer("end_turn"), 3))


def complete(house: House) -> None:
    do(house.settler().completed(house.named("alpha"), "It is done. " * 200))


def intend_command(house: House) -> None:
    def work(tx: Tx) -> None:
        bravo = house.named("bravo")
        executions.require_owner(tx, bravo.id, bravo.epoch)
        journal.intend(tx, bravo.id, bravo.attempt, 0, COMMAND, Effect.UNSAFE, {})

    house.store.write(work)


def receive_command(house: House) -> None:
    def work(tx: Tx) -> None:
        bravo = house.named("bravo")
        result = [{"type": "command", "exit_code": 1, "output": "no " * 2000}]
        journal.receive(tx, bravo.id, bravo.attempt, COMMAND["id"], result, is_error=True)

    house.store.write(work)


def fail(house: House, name: str, kind: errors.FailureKind) -> None:
    do(house.settler().failed(house.named(name), settle.Failure(kind, "It went wrong.", output="why " * 100)))


def retry(house: House, name: str) -> None:
    house.engine.retry(house.named(name).id)


def release(house: House) -> None:
    do(house.settler().released(house.named("bravo"), 5))


def cancel(house: House) -> None:
    do(house.settler().cancelled(house.named("charlie")))


def define_a_task(house: House) -> None:
    house.engine.create_task(requests.TaskDraft(name=house.key("task"), prompt="Look again."))


def run_the_task(house: House) -> None:
    house.engine.submit_task(house.key("task"), source="a test")


def delete_the_task(house: House) -> None:
    house.engine.delete_task(house.key("task"))


def widen(house: House) -> None:
    house.engine.set_concurrency("transfer", 11 + house.round)


def recover(house: House) -> None:
    recovery.recover(house.store, "another-boot/2/2")


SHORT: tuple[Step, ...] = (
    partial(submit, name="alpha", prompt="Do this. " * 700),
    partial(submit, name="bravo", prompt="false", kind=Kind.COMMAND),
    partial(submit, name="charlie", prompt="Do that."),
    partial(claim, queue="transfer"),
    partial(begin, name="alpha"),
    answer_with_a_call,
    partial(intend, turn=1, block=BASH),
    partial(act, name="alpha", turn=1, tool_use_id=BASH["id"]),
    receive,
    answer_with_a_question,
    partial(intend, turn=2, block=ASK),
    ask,
    reply,
    partial(claim, queue="visibility"),
    partial(begin, name="alpha"),
    answer_with_a_text,
    complete,
)  #: three submitted, one done to its end: calls with effects, a question, a result

STEPS: tuple[Step, ...] = (
    *SHORT,
    partial(submit, name="bravo", prompt="false", kind=Kind.COMMAND),
    partial(begin, name="bravo"),
    intend_command,
    partial(act, name="bravo", turn=1, tool_use_id=COMMAND["id"]),
    receive_command,
    partial(fail, name="bravo", kind=errors.FailureKind.COMMAND),
    partial(retry, name="bravo"),
    partial(begin, name="charlie"),
    partial(fail, name="charlie", kind=errors.FailureKind.RATE_LIMIT),
    partial(retry, name="charlie"),
    partial(claim, queue="dlq"),
    partial(claim, queue="visibility"),
    partial(begin, name="bravo"),
    release,
    partial(begin, name="charlie"),
    cancel,
    submit_five_at_once,
    define_a_task,
    run_the_task,
    delete_the_task,
    widen,
    partial(claim, queue="transfer"),
    recover,
    partial(claim, queue="transfer", count=1),
)
