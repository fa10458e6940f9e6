"""Another model that takes over a question which the first does not answer, where the person has named one for that.

It takes over what is about the model: no room for it, no such model, a refusal. What is about the key or the account
(a rate limit, no credit) would meet the other one alike, and a broken answer is asked for again. Each question begins
with the first model, and the journal says of each answer whose it is.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from baara_engine import errors, journal
from baara_engine.agent import windows
from baara_engine.agent.model import Answer, Model, OnPiece, Request
from baara_engine.errors import FailureKind
from baara_engine.records import Json

log = logging.getLogger(__name__)

TAKEN_OVER = frozenset({FailureKind.OVERLOADED, FailureKind.MODEL})
REFUSAL = "refusal"  #: how an answer ends that is none


@dataclass(frozen=True, slots=True)
class WithFallback:
    """A model, and the one that takes over."""

    first: Model
    name: str  #: of the other
    other: Callable[[], Awaitable[Model]]

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        """Ask the first, and if that is turned away, the other (see `Model.answer`)."""
        fits = _for(request, self.name)
        try:
            answer = await self.first.answer(request, on_piece)
        except errors.ModelFailure as failure:
            if failure.kind not in TAKEN_OVER or fits is None:
                raise
            log.info("%s takes over from %s: %s", self.name, request.model, failure.message)
            return await (await self.other()).answer(fits, on_piece)
        if answer.stop_reason != REFUSAL or fits is None:
            return answer
        log.info("%s takes over from %s, which declines", self.name, request.model)
        return await (await self.other()).answer(fits, on_piece)

    async def count(self, request: Request) -> int | None:
        """Have the tokens of a request counted, where the first can."""
        counts = getattr(self.first, "count", None)
        return None if counts is None else await counts(request)

    async def close(self) -> None:
        """Hold nothing."""


def _for(request: Request, model: str) -> Request | None:
    """Give a question as the other model takes it; None if it has been compacted in a way that only the first knows."""
    window, is_compacted = windows.of(model), any(map(_is_compacted, request.messages))
    if is_compacted and not window.compacts:
        return None
    betas = (windows.COMPACTING,) if is_compacted else ()
    return replace(request, model=model, context=None, betas=betas, max_tokens=min(request.max_tokens, window.answer))


def _is_compacted(message: Json) -> bool:
    return any(block["type"] == journal.COMPACTION for block in message["content"])
