"""Signs of life of one lease, kept in memory: giving one takes about a microsecond, and writes nothing.

They go to the store with the renewal of the lease, so that other processes see the last of them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from baara_engine.clock import Clock, Millis

MS_PER_S = 1000

MODEL = "model"  #: a step that asks the model; the others have the name of their tool
COMMAND = "command"  #: a step that is the command of an execution of that kind
CHECK = "check"  #: a step that is the command of a check


class CutShort(Exception):  # it is no error: somebody wanted it
    """Somebody has ended this step."""


class Step:
    """One call of the model, or of a tool, while it runs."""

    def __init__(self, vitals: "Vitals", what: str, turn: int, tool_use_id: str | None, limit: asyncio.Timeout) -> None:
        """Begin it."""
        self.what = what  #: "model", or the name of the tool
        self.turn = turn
        self.tool_use_id = tool_use_id
        self.begun = self.heard = vitals.clock.monotonic()  #: seconds; when it last gave a sign of life
        self.patient_until = self.begun  #: seconds; nobody is asked about it before then
        self.question_id: str | None = None  #: open, about this step
        self._vitals = vitals
        self._limit = limit

    def beat(self, _sign: object = None) -> None:
        """Take a sign of life: text of the model, or output of the tool."""
        self._vitals.beat(self.what if self.what == MODEL else "output")
        self.heard = self._vitals.at

    def cut_short(self) -> None:
        """End it now: whoever waits for it gets `CutShort`. Call it in the loop's thread."""
        self._limit.reschedule(asyncio.get_running_loop().time())


class Vitals:
    """The signs of life of one lease."""

    def __init__(self, clock: Clock) -> None:
        """Begin with a sign of life."""
        self.clock = clock
        self.at = clock.monotonic()  #: seconds; when the last sign came
        self.what = "taken up"  #: what gave it
        self.steps: list[Step] = []  #: that run now; several where calls that only read go together
        self.told: dict[str, str] = {}  #: what was found and told of this lease: kind → message

    def beat(self, what: str) -> None:
        """Take a sign of life."""
        self.at = self.clock.monotonic()
        self.what = what

    def last_sign(self) -> tuple[Millis, str]:
        """Give the last sign of life: when by the wall clock of now, and what."""
        age_ms = round((self.clock.monotonic() - self.at) * MS_PER_S)
        return self.clock.now() - age_ms, self.what

    @asynccontextmanager
    async def step(self, what: str, turn: int, tool_use_id: str | None = None) -> AsyncIterator[Step]:
        """Run something as a step. Raises `CutShort` if somebody ends it meanwhile."""
        try:
            async with asyncio.timeout(None) as limit:
                step = Step(self, what, turn, tool_use_id, limit)
                self.steps.append(step)
                self.beat(what)
                try:
                    yield step
                finally:
                    self.steps.remove(step)
                    self.beat(what)
        except TimeoutError:
            if limit.expired():
                raise CutShort from None
            raise
