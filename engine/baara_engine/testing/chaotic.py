"""A model that does whatever a model may do, drawn from a seed: it answers, calls tools, asks, fails, is silent."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from baara_engine import errors
from baara_engine.agent.model import Answer, OnPiece, Request, Usage
from baara_engine.errors import FailureKind
from baara_engine.records import Json
from baara_engine.testing import legality

SILENCE_S = 300.0  # seconds after which a question that nobody answers is given up, as with the real service
ANSWER_S = 60.0  # seconds that an answer takes at most
LONGEST_RETRY_AFTER_S = 3 * 3600.0

K = FailureKind
# What goes wrong with a question in fair weather, and in how many of a thousand questions.
FAULTS: dict[FailureKind, int] = {
    K.SERVER: 15, K.BROKEN_ANSWER: 15, K.RATE_LIMIT: 10, K.OVERLOADED: 8, K.OFFLINE: 8, K.REQUEST: 4, K.REFUSAL: 4,
    K.CONTEXT: 4, K.INTERNAL: 3, K.SANDBOX: 2, K.BILLING: 2,
}  # fmt: skip
SILENT = 0.01  # share of questions that are never answered

# What an answer may be, by weight.
ENDS, CALLS, ASKS, IS_CUT, PAUSES, DECLINES, IS_STRANGE = range(7)
WEIGHTS = {ENDS: 34, CALLS: 50, ASKS: 7, IS_CUT: 3, PAUSES: 3, DECLINES: 2, IS_STRANGE: 1}
STOPS = {ENDS: "end_turn", CALLS: "tool_use", ASKS: "tool_use", PAUSES: "pause_turn", DECLINES: "refusal",
         IS_STRANGE: "something_new"}  # fmt: skip
BROKEN_INPUT = 0.04  # share of calls whose input cannot be read
MOST_CALLS = 4


@dataclass(slots=True, eq=False)
class ChaoticModel:
    """Answers for every model id."""

    randomness: random.Random
    weather: Callable[[], FailureKind | None]  #: what ails the service now
    on_request: Callable[[Json, str | None], None]  #: called with each request, and with what is illegal in it
    calm: bool = False  #: answer at once, and end

    def preload(self) -> None:
        """Need nothing."""

    async def get(self, model_id: str) -> "ChaoticModel":  # noqa: ARG002 - the same for every id
        """Give the model."""
        return self

    async def close(self) -> None:
        """Hold nothing."""

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:  # noqa: ARG002
        """Answer, or fail, after some time."""
        body = as_sent(request)
        self.on_request(body, legality.problem(body))
        await asyncio.sleep(0 if self.calm else self.randomness.uniform(0.5, ANSWER_S))
        await self._fail()
        content, stop_reason, broken = drawn(self.randomness, ENDS if self.calm else None)
        return Answer(content, stop_reason, Usage(input_tokens=10, output_tokens=5), request.model, 7, broken)

    async def _fail(self) -> None:
        kind = self.weather()
        if kind is None and not self.calm and self.randomness.random() < SILENT:
            await asyncio.sleep(SILENCE_S)
            kind = K.SERVER
        if kind is None and not self.calm:
            kind = self._fault()
        if kind is not None:
            raise errors.ModelFailure(kind, f"It failed: {kind}.", retry_after=self._retry_after(kind))

    def _fault(self) -> FailureKind | None:
        kinds = [None, *FAULTS]
        weights = [1000 - sum(FAULTS.values()), *FAULTS.values()]
        return self.randomness.choices(kinds, weights)[0]

    def _retry_after(self, kind: FailureKind) -> float | None:
        if kind is not K.RATE_LIMIT:
            return None
        return float(LONGEST_RETRY_AFTER_S ** self.randomness.random())  # from a second to hours, short ones more often


def as_sent(request: Request) -> Json:
    """Give a question as it would be sent, without the marks for the cache."""
    return {
        "model": request.model, "max_tokens": request.max_tokens, "stream": True, "messages": request.messages,
        "system": [{"type": "text", "text": request.system}], "tools": request.tools,
    }  # fmt: skip


def drawn(randomness: random.Random, what: int | None = None) -> tuple[list[Json], str, dict[str, str]]:
    """Draw an answer: its content, the reason of its end, and why some inputs cannot be read."""
    if what is None:
        [what] = randomness.choices(list(WEIGHTS), list(WEIGHTS.values()))
    content: list[Json] = []
    if randomness.random() < 0.3:  # noqa: PLR2004 - some answers begin with a thought
        content.append({"type": "thinking", "thinking": "Hm.", "signature": f"{randomness.getrandbits(32):x}"})
    if what not in {CALLS, ASKS} or randomness.random() < 0.5:  # noqa: PLR2004 - and some with a word
        content.append({"type": "text", "text": "So it is."})
    calls = _calls(randomness, what)
    broken = {call["id"]: "it is cut" for call in calls if randomness.random() < BROKEN_INPUT}
    for call in calls:
        call["input"] = {} if call["id"] in broken else call["input"]
    return content + calls, STOPS.get(what, "max_tokens"), broken


def _calls(randomness: random.Random, what: int) -> list[Json]:
    if what == CALLS or (what in {IS_CUT, DECLINES} and randomness.random() < 0.5):  # noqa: PLR2004 - with or without
        return [_call(randomness, *_use(randomness)) for _ in range(randomness.randint(1, MOST_CALLS))]
    if what == ASKS:
        asks = [_call(randomness, "ask_user", {"question": "May I?"}) for _ in range(randomness.randint(1, 2))]
        return [*[_call(randomness, *_use(randomness)) for _ in range(randomness.randint(0, 1))], *asks]
    return []


def _call(randomness: random.Random, name: str, value: Json) -> Json:
    return {"type": "tool_use", "id": f"toolu_{randomness.getrandbits(64):016x}", "name": name, "input": value}


def _use(randomness: random.Random) -> tuple[str, Json]:
    path = f"{randomness.randint(1, 3)}.txt"
    uses: list[tuple[str, Json]] = [
        ("bash", {"command": "send it", "timeout_ms": 600_000}),
        ("bash", {"command": "send it", "timeout_ms": 600_000}),
        ("read", {"file_path": path}),
        ("glob", {"pattern": "*"}),
        ("write", {"file_path": path, "content": "old and new\n"}),
        ("edit", {"file_path": path, "old_string": "old", "new_string": "older"}),
        ("report", {"title": "Found", "markdown": "This."}),
        ("bash", {"no": "such input"}),
        ("mail", {}),
    ]
    return randomness.choice(uses)
