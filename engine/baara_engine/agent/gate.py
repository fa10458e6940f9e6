"""What the executions of one account share: a service that turns one away is not asked by the others meanwhile.

An account is what one model object stands for: an address and a key. While its gate is shut, others park without
asking. Once the time has come one execution asks, and the others wait for what comes of it: so a limit that was lifted
is not hit by all of them at once. Failures of the service itself shut the gate too, if they come in a row (a circuit
breaker). The gate is kept in memory only: after a restart the first one that asks finds out again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from baara_engine import clock, errors, queues, retry
from baara_engine.agent.model import Answer, Counts, Model, OnPiece, Piece, Request
from baara_engine.errors import FailureKind
from baara_engine.records import Execution

BREAKS_AT = 5  # failures in a row: more than one execution has attempts by itself, few enough to spare the others'
BREAKS_FOR = 2  # executions among them: what fails for one alone is that one's own trouble
LONGEST_OUTAGE_S = 600.0  # doubled each time up to this: a service that is back must be noticed before dinner is over

VERDICT_S = 30.0  # how long others wait, holding their places, for the one that asks
NO_VERDICT_S = 5.0  # then they park for so long, and look again

COUNTED = frozenset({FailureKind.SERVER, FailureKind.BROKEN_ANSWER})
# A person mends these, and may have done so just now: one may always ask.
MENDED = frozenset({FailureKind.KEY, FailureKind.BILLING})

RAMP_TOP = 16  # asking at once without trouble: then no more is held back, as before the service complained
RAMP = "The model service wants Baara to ask more slowly, so fewer ask at once for a while."

OUTAGE = "The model service keeps failing, so Baara waits a while before it asks again. The last failure: {}"


@dataclass(frozen=True, slots=True)
class Shut:
    """Why the service is not asked now."""

    kind: FailureKind
    message: str
    until: float  #: seconds of the clock that only goes forward and counts sleep: the wall clock may be set meanwhile

    def failure(self, now: float) -> errors.ModelFailure:
        """Give what an execution gets instead of an answer."""
        wait_s = max(self.until - now, NO_VERDICT_S)
        return errors.ModelFailure(self.kind, self.message, retry_after=wait_s)


class Gate:
    """Stands before one account. Lives in the engine's loop."""

    def __init__(self, model: Model, clock_: clock.Clock, on_open: Callable[[], None]) -> None:
        """Take what answers, the clock, and what to call when the gate opens again."""
        self.shut: Shut | None = None
        self._model = model
        self._clock = clock_
        self._on_open = on_open
        self._asking: asyncio.Event | None = None  # set once the one that asks has come back
        self._failed: list[str] = []  # executions whose questions failed since the last answer
        self._outages = 0
        self._at_once = 0
        self._room: int | None = None  # how many may ask at once; None for as many as come

    async def ask(self, execution: Execution, request: Request, on_piece: OnPiece | None) -> Answer:
        """Ask the model, if it may be asked. Raises `errors.ModelFailure`, also of the kind that has shut the gate."""
        trial = await self._enter(execution)
        if trial is None:
            self._require_room()
        self._at_once += 1
        try:
            answer = await self._model.answer(request, self._opening(on_piece) if trial else on_piece)
        except errors.ModelFailure as failure:
            told = self._fail(execution, failure)
            if told is failure:
                raise
            raise told from failure
        else:
            if trial or self.shut is None:  # what was asked before the gate was shut proves nothing
                self._open()
            self._widen()
            return answer
        finally:
            self._at_once -= 1
            if trial is not None:
                self._asking = None
                trial.set()

    async def count(self, request: Request) -> int | None:
        """Count the tokens of a request; None where nobody can say, or the service is to be left alone."""
        if self.shut is not None or not isinstance(self._model, Counts):
            return None
        return await self._model.count(request)

    async def _enter(self, execution: Execution) -> asyncio.Event | None:
        """Return once the service may be asked; give what is to be set afterwards, if this is to find out for all."""
        if self.shut is None:
            return None
        if self._asking is None and self._may_ask(self.shut, execution):
            self._asking = asyncio.Event()
            return self._asking
        if self._asking is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asking.wait(), VERDICT_S)
        if self.shut is not None:
            raise self.shut.failure(self._clock.boot())
        return None

    def _require_room(self) -> None:
        if self._room is not None and self._at_once >= self._room:
            raise errors.ModelFailure(FailureKind.RATE_LIMIT, RAMP, retry_after=NO_VERDICT_S)

    def _widen(self) -> None:
        """Let one more ask at once after each answer: a service that was asked too suddenly wants a slow start."""
        if self._room is not None:
            self._room = self._room + 1 if self._room < RAMP_TOP else None

    def _may_ask(self, shut: Shut, execution: Execution) -> bool:
        """Say whether to find out: the time has come, or a person may have mended it or is waiting for it."""
        return shut.until <= self._clock.boot() or shut.kind in MENDED or execution.queue == queues.VISIBILITY

    def _opening(self, on_piece: OnPiece | None) -> OnPiece:
        """Open at the first word: the rest of the answer may take minutes."""

        def told(piece: Piece) -> None:
            self._open()
            if on_piece is not None:
                on_piece(piece)

        return told

    def _open(self) -> None:
        was_shut, self.shut = self.shut is not None, None
        self._failed.clear()
        self._outages = 0
        if self._asking is not None:
            self._asking.set()
        if was_shut:
            self._on_open()

    def _fail(self, execution: Execution, failure: errors.ModelFailure) -> errors.ModelFailure:
        """Take note of a failure, and give the one that the execution is to have."""
        if failure.is_ramp:
            self._room = max(1, self._at_once // 2)
        if failure.kind in retry.PARK_S:
            self._close(failure.kind, failure.message, retry.park_s(failure.kind, failure.retry_after))
        elif failure.kind not in COUNTED:
            self._open()  # it has understood the question, and refuses it
        elif self._breaks(execution):
            wait_s = min(retry.PARK_S[FailureKind.OUTAGE] * 2.0**self._outages, LONGEST_OUTAGE_S)
            self._outages += 1
            return self._close(FailureKind.OUTAGE, OUTAGE.format(failure.message), wait_s)
        return failure

    def _breaks(self, execution: Execution) -> bool:
        self._failed = [*self._failed[1 - BREAKS_AT :], execution.id]
        in_outage = self.shut is not None and self.shut.kind is FailureKind.OUTAGE
        return in_outage or (len(self._failed) >= BREAKS_AT and len(set(self._failed)) >= BREAKS_FOR)

    def _close(self, kind: FailureKind, message: str, wait_s: float) -> errors.ModelFailure:
        now = self._clock.boot()
        self.shut = Shut(kind, message, now + wait_s)
        return self.shut.failure(now)


class Gates:
    """The gates of one engine, one for each model object."""

    def __init__(self, clock_: clock.Clock, on_open: Callable[[], None]) -> None:
        """Take the clock, and what to call when a gate opens again: what it had turned away may come."""
        self._clock = clock_
        self._on_open = on_open
        self._gates: dict[Model, Gate] = {}

    def through(self, model: Model, execution: Execution) -> "Gated":
        """Give the model as this execution is to ask it."""
        if model not in self._gates:
            self._gates[model] = Gate(model, self._clock, self._on_open)
        return Gated(self._gates[model], execution)


@dataclass(frozen=True, slots=True)
class Gated:
    """A model behind its gate, for one execution."""

    gate: Gate
    execution: Execution

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        """Ask once, if the service may be asked (see `Model.answer`)."""
        return await self.gate.ask(self.execution, request, on_piece)

    async def count(self, request: Request) -> int | None:
        """Count the tokens of a request, if its service can and is not to be left alone (see `Counts.count`)."""
        return await self.gate.count(request)

    async def close(self) -> None:
        """Hold nothing: who made the model closes it."""
