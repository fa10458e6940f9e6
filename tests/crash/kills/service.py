"""The model of the agents: it follows the plan in the prompt, from the conversation alone, and is not always there."""

import asyncio
import json
from functools import partial
from pathlib import Path

from tests.crash.kills import work

from baara_engine import errors
from baara_engine.agent.model import Answer, OnPiece, Request, Usage
from baara_engine.agent.offline import planner
from baara_engine.errors import FailureKind
from baara_engine.records import Json

THINKS_S = 0.01  # seconds that an answer takes, so that kills fall into it

# What has a time of its own; the others are waited for (a key), or the engine chooses the time.
SAYS_WHEN = frozenset({FailureKind.RATE_LIMIT, FailureKind.OVERLOADED, FailureKind.OFFLINE})


class Service:
    """Stands where `agent.models.Models` stands; what share a model id, share an account."""

    def __init__(self, refusals: Path) -> None:
        """Take the folder where it counts the requests that it has refused: it is not of the engine's world."""
        self._refusals = refusals
        self._accounts: dict[str, Account] = {}

    def preload(self) -> None:
        """Need nothing."""

    async def get(self, model_id: str) -> "Account":
        """Give the account of this name."""
        return self._accounts.setdefault(model_id, Account(self._refusals))

    async def close(self) -> None:
        """Hold nothing."""


class Account:
    """Answers by the plan in the prompt, or refuses where that says so."""

    def __init__(self, refusals: Path) -> None:
        self._refusals = refusals

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        """Give the next step of the plan. Raises `errors.ModelFailure`."""
        await asyncio.sleep(THINKS_S)
        asked = json.loads(request.messages[0]["content"][0]["text"])
        turn = 1 + sum(message["role"] == "assistant" for message in request.messages)
        self._refuse(asked, turn)
        talk = planner.read({"messages": request.messages, "tools": request.tools})
        content, stop_reason = planner.answer(talk, partial(work.plan, asked))
        return Answer(content, stop_reason, Usage(input_tokens=10, output_tokens=5), "planned", 0)

    async def close(self) -> None:
        """Hold nothing."""

    def _refuse(self, asked: Json, turn: int) -> None:
        kind, times, wait_s = asked["troubles"].get(str(turn), (None, 0, 0.0))
        count = self._refusals / f"{asked['name']}-{turn}"
        if kind is None or (count.exists() and count.stat().st_size >= times):
            return
        with count.open("a") as file:
            file.write("x")
        raise errors.ModelFailure(FailureKind(kind), "Not now.", retry_after=wait_s if kind in SAYS_WHEN else None)
