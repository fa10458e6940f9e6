"""A model that may only be asked for what the limits leave: before each question the most it may cost is set aside.

The bound is sound: a token stands for a byte of text at least, so a request has no more tokens than bytes, and the
answer none beyond `max_tokens`, which is lowered where the limits leave less. What comes of a question decides what
becomes of the money: an answer is settled where it is written into the journal; what was refused before it began is
given back; what broke off may have been charged and counts in full.
"""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from baara_engine import errors, money
from baara_engine.agent import measure, prices
from baara_engine.agent.model import Answer, Model, OnPiece, Piece, Request, Usage
from baara_engine.errors import FailureKind
from baara_engine.money import Reached, Scope
from baara_engine.records import Execution, QuestionDraft
from baara_engine.store import price_book, spending
from baara_engine.store.store import Store

USEFUL = 4_000  # tokens of an answer: with fewer, an agent gets no call of a tool to its end
OVERHEAD = 2_000  # tokens that the service adds for tools and the like, which no byte of ours stands for
SOON_S = 3.0  # seconds until what others have set aside may be settled
LOOK_S = 600.0  # seconds between looks at a limit that a person has to raise: an answer brings it forward

KIND = "budget"  #: of the question
RAISE = ("+$1", "+$5")
STOP = "Stop"

# What the service says before it has begun to answer, and charges nothing for.
FREE = frozenset(
    {
        FailureKind.RATE_LIMIT, FailureKind.OVERLOADED, FailureKind.OFFLINE, FailureKind.KEY, FailureKind.BILLING,
        FailureKind.OUTAGE, FailureKind.REQUEST, FailureKind.CONTEXT, FailureKind.MODEL,
    }
)  # fmt: skip


class BudgetReached(errors.ModelFailure):
    """A limit leaves too little for this question. It was not asked."""

    def __init__(self, message: str, *, wait_s: float, question: QuestionDraft | None) -> None:
        """Take what people read, the seconds until it is looked at again, and what a person is asked, if anything."""
        super().__init__(FailureKind.BUDGET, message, retry_after=wait_s)
        self.question = question


@dataclass(frozen=True, slots=True)
class Budgeted:
    """A model as one execution may ask it, within its limits."""

    model: Model
    store: Store
    execution: Execution
    zone: ZoneInfo

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        """Ask once, if the limits leave enough (see `Model.answer`). Raises `BudgetReached`."""
        own = prices.book(self.store.read(price_book.get))
        request = await self._within(request, own)
        begun = False

        def told(piece: Piece) -> None:
            nonlocal begun
            begun = True
            if on_piece is not None:
                on_piece(piece)

        try:
            answer = await self.model.answer(request, told)
        except errors.ModelFailure as failure:
            is_free = failure.kind in FREE and not begun and not failure.is_lost
            what = spending.release if is_free else spending.lapse
            await self.store.awrite(lambda tx: what(tx, self.execution.id))
            raise
        if not own or answer.usage == Usage():
            return answer
        return replace(answer, cost_microusd=prices.cost(answer.model, answer.usage, own))

    async def count(self, request: Request) -> int | None:
        """Have the tokens of a request counted, where the model can."""
        counts = getattr(self.model, "count", None)
        return None if counts is None else await counts(request)

    async def close(self) -> None:
        """Hold nothing."""

    async def _within(self, request: Request, own: prices.Book) -> Request:
        """Set the money aside, and give the request as far as it reaches."""
        price = prices.price(request.model, own)
        if price is None:
            return await self._without_price(request)
        asked, one = _most(request, price), price.output
        least, most = asked + USEFUL * one, asked + request.max_tokens * one
        to_micro = prices.PER_MICRO
        wanted = (-(-min(least, most) // to_micro), -(-most // to_micro))
        began, ends = money.midnights(self.store.clock.now(), self.zone)
        given = await self.store.awrite(lambda tx: spending.reserve(tx, self.execution, *wanted, began))
        if isinstance(given, Reached):
            raise self._reached(given, wanted[0], ends)
        if given >= wanted[1] or one == 0:
            return request
        return replace(request, max_tokens=max(1, (given * to_micro - asked) // one))

    async def _without_price(self, request: Request) -> Request:
        """Let a model without a price be asked where no limit would have to be kept."""
        limits = self.store.read(lambda view: spending.limits_of(view, self.execution))
        if limits:
            raise errors.ModelFailure(
                FailureKind.REQUEST,
                f"The model {request.model} has no known price, so the limit of its {limits[0].scope} cannot be kept. "
                f"Write it down (baara prices set {request.model} …), choose another model, or take the limit away.",
            )
        return request

    def _reached(self, reached: Reached, least: int, day_ends: int) -> BudgetReached:
        limit = reached.limit
        if reached.passes and limit.microusd - reached.spent >= least:
            return BudgetReached("Others have set aside what is left for now.", wait_s=SOON_S, question=None)
        what = f"one {limit.scope}" if limit.key else "a day"
        if limit.scope is Scope.EXECUTION:
            is_own = limit.key == self.execution.id
            what = "this execution" if is_own else "the work that this is part of"
        message = (
            f"The limit of ${money.shown(limit.microusd)} for {what} leaves too little: ${money.shown(reached.spent)} "
            f"is spent, and the next question may cost ${money.shown(least)}."
        )
        wait_s = LOOK_S if limit.scope is Scope.EXECUTION else self._until(day_ends)
        detail = {"scope": limit.scope, "key": limit.key, "microusd": limit.microusd, "spent": reached.spent}
        text = f"{message} Raise it? Any other amount does as well, as in $2.50. Everything is kept meanwhile."
        return BudgetReached(message, wait_s=wait_s, question=QuestionDraft(text, (*RAISE, STOP), KIND, detail=detail))

    def _until(self, moment: int) -> float:
        return max((moment - self.store.clock.now()) / money.MS_PER_S, SOON_S)


def _most(request: Request, price: prices.Price) -> int:
    """Give the most that reading a request may cost, in thousandths of a microdollar: all of it written to a cache."""
    size = len(request.system.encode()) + measure.size(request.tools)
    size += sum(measure.size(message["content"]) for message in request.messages)
    dearer, by = prices.CACHE_WRITE
    return (size + OVERHEAD) * price.input * dearer // by
