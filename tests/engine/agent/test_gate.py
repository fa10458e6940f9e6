import asyncio

import pytest

from baara_engine import errors, queues, watch
from baara_engine.agent import gate
from baara_engine.agent.model import Answer, Model, OnPiece, Piece, Request
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Execution
from baara_engine.requests import Submission
from baara_engine.testing.clocks import FakeClock
from baara_engine.testing.scripted import says

K = FailureKind
REQUEST = Request("some-model", "", [], [], 10)


class Service:
    """Answers, or fails in the way that it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: errors.ModelFailure | None = None
        self.busy = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        self.asked += 1
        self.busy.set()
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        if on_piece is not None:
            on_piece(Piece("text", "Well."))
        return says("Well.")

    async def close(self) -> None:
        """Hold nothing."""


class House:
    """A gate before a service, with a clock and executions that ask."""

    def __init__(self, engine: Engine) -> None:
        self.clock = FakeClock()
        self.service = Service()
        self.opened = 0
        self._gates = gate.Gates(self.clock, self._note)
        self._engine = engine

    def _note(self) -> None:
        self.opened += 1

    def execution(self, queue: str = queues.TRANSFER) -> Execution:
        return self._engine.submit(Submission(prompt="work", queue=queue))

    def model(self, execution: Execution | None = None) -> Model:
        return self._gates.through(self.service, execution or self.execution())

    async def outcome(self, execution: Execution | None = None) -> str:
        """Ask, and give the kind of failure, or "answered"."""
        try:
            await self.model(execution).answer(REQUEST)
        except errors.ModelFailure as failure:
            return failure.kind
        return "answered"


@pytest.fixture
def house(engine: Engine) -> House:
    return House(engine)


@pytest.mark.parametrize("kind", [K.RATE_LIMIT, K.OVERLOADED, K.OFFLINE])
async def test_one_that_is_turned_away_keeps_the_others_from_asking(house: House, kind: K) -> None:
    """After one refusal the others wait for the same reason, without a question to the service."""
    house.service.failure = errors.ModelFailure(kind, "Not now.", retry_after=60)
    assert [await house.outcome() for _ in range(20)] == [kind] * 20
    assert house.service.asked == 1


async def test_the_others_wait_as_long_as_the_first_was_told_to(house: House) -> None:
    """Each gets the rest of the time that the service named."""
    house.service.failure = errors.ModelFailure(K.RATE_LIMIT, "Not now.", retry_after=3600)
    await house.outcome()
    house.clock.advance(600)
    with pytest.raises(errors.ModelFailure) as caught:
        await house.model().answer(REQUEST)
    assert caught.value.retry_after == pytest.approx(3000)


async def test_when_the_time_has_come_one_asks_for_all(house: House) -> None:
    """Of ten that come back together one asks; the others go on once it is answered, and hear of it if it is not."""
    house.service.failure = errors.ModelFailure(K.RATE_LIMIT, "Not now.", retry_after=60)
    await house.outcome()
    house.clock.advance(60)
    assert await asyncio.gather(*(house.outcome() for _ in range(10))) == [K.RATE_LIMIT] * 10
    assert house.service.asked == 2
    house.clock.advance(60)
    house.service.failure = None
    assert await asyncio.gather(*(house.outcome() for _ in range(10))) == ["answered"] * 10
    assert house.opened == 1


async def test_after_a_ramp_limit_fewer_ask_at_once(house: House) -> None:
    """A service that was asked too suddenly is asked by one, then two, and so on, until all may again."""
    house.service.failure = errors.ModelFailure(K.RATE_LIMIT, "Too fast.", retry_after=60, is_ramp=True)
    await house.outcome()
    house.clock.advance(60)
    house.service.failure = None
    assert await house.outcome() == "answered"
    together = []
    for _ in range(6):
        house.service.may_answer.clear()
        asking = [watch.Tasks().spawn(house.outcome(), name="asking") for _ in range(20)]
        for _ in range(3):
            await asyncio.sleep(0)
        house.service.may_answer.set()
        together.append((await asyncio.gather(*asking)).count("answered"))
    assert together == [2, 4, 8, 16, 20, 20]


async def test_the_first_word_of_an_answer_opens_for_all(house: House) -> None:
    """Nobody waits for the end of an answer that has begun."""
    house.service.failure = errors.ModelFailure(K.OVERLOADED, "Not now.", retry_after=60)
    await house.outcome()
    house.clock.advance(60)
    house.service.failure = None
    ended = asyncio.Event()

    class Long(Service):
        async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
            answer = await super().answer(request, on_piece)
            if self.asked == 1:
                await ended.wait()
            return answer

    house.service.answer = Long().answer  # type: ignore[method-assign]
    first = watch.Tasks().spawn(house.outcome(), name="asking")
    await asyncio.sleep(0)
    assert await house.outcome() == "answered"
    assert not first.done()
    ended.set()
    assert await first == "answered"


@pytest.mark.parametrize("kind", [K.KEY, K.BILLING])
async def test_what_a_person_mends_is_tried_at_once(house: House, kind: K) -> None:
    """A key may have been given since, so whoever comes may ask."""
    house.service.failure = errors.ModelFailure(kind, "No.")
    assert await house.outcome() == kind
    house.service.failure = None
    assert await house.outcome() == "answered"


async def test_who_has_a_person_waiting_may_ask(house: House) -> None:
    """What a person waits for now is not kept back by what others were told."""
    house.service.failure = errors.ModelFailure(K.RATE_LIMIT, "Not now.", retry_after=3600)
    await house.outcome()
    house.service.failure = None
    assert await house.outcome() == K.RATE_LIMIT
    assert await house.outcome(house.execution(queues.VISIBILITY)) == "answered"
    assert await house.outcome() == "answered"


async def test_a_service_that_keeps_failing_is_left_in_peace(house: House) -> None:
    """After five failures in a row of more than one execution nobody asks for a while, and none of them pays for it."""
    house.service.failure = errors.ModelFailure(K.SERVER, "It broke.")
    assert [await house.outcome() for _ in range(5)] == [K.SERVER] * 4 + [K.OUTAGE]
    assert [await house.outcome() for _ in range(20)] == [K.OUTAGE] * 20
    assert house.service.asked == 5
    house.clock.advance(30)
    assert await house.outcome() == K.OUTAGE
    house.clock.advance(30)
    assert await house.outcome() == K.OUTAGE
    assert house.service.asked == 6  # the second wait is twice as long
    house.clock.advance(30)
    house.service.failure = None
    assert await house.outcome() == "answered"
    house.service.failure = errors.ModelFailure(K.SERVER, "It broke.")
    assert await house.outcome() == K.SERVER


async def test_what_fails_for_one_alone_is_its_own_trouble(house: House) -> None:
    """However often one execution fails, the others may ask, and it has no more attempts than it has."""
    mine = house.execution()
    house.service.failure = errors.ModelFailure(K.SERVER, "It broke.")
    assert [await house.outcome(mine) for _ in range(10)] == [K.SERVER] * 10


async def test_who_asks_for_all_may_be_called_off(house: House) -> None:
    """If it ends without a word, the next one asks."""
    house.service.failure = errors.ModelFailure(K.OFFLINE, "Not now.", retry_after=60)
    await house.outcome()
    house.clock.advance(60)
    house.service.failure = None
    house.service.busy.clear()
    house.service.may_answer.clear()
    asking = watch.Tasks().spawn(house.outcome(), name="asking")
    await house.service.busy.wait()
    asking.cancel()
    await asyncio.wait([asking])
    house.service.may_answer.set()
    assert await house.outcome() == "answered"


async def test_an_answer_from_before_does_not_open(house: House) -> None:
    """What was asked before the service turned others away says nothing about now."""
    house.service.may_answer.clear()
    early = watch.Tasks().spawn(house.outcome(), name="asking")
    await house.service.busy.wait()
    late = Service()
    late.failure = errors.ModelFailure(K.RATE_LIMIT, "Not now.", retry_after=60)
    answer, house.service.answer = house.service.answer, late.answer  # type: ignore[method-assign]
    assert await house.outcome() == K.RATE_LIMIT
    house.service.answer = answer  # type: ignore[method-assign]
    house.service.may_answer.set()
    assert await early == "answered"
    assert await house.outcome() == K.RATE_LIMIT


async def test_a_clock_that_is_set_keeps_nobody_out(house: House) -> None:
    """However the wall clock was put meanwhile, the others wait as long as the first was told to."""
    house.clock.set_wall(house.clock.now() + 10 * 365 * 24 * 3600 * 1000)
    house.service.failure = errors.ModelFailure(K.OFFLINE, "Not now.", retry_after=15)
    await house.outcome()
    house.clock.set_wall(house.clock.now() - 10 * 365 * 24 * 3600 * 1000)
    with pytest.raises(errors.ModelFailure) as caught:
        await house.model().answer(REQUEST)
    assert caught.value.retry_after == pytest.approx(15)
    house.clock.advance(15)
    house.service.failure = None
    assert await house.outcome() == "answered"
