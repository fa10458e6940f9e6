"""A model that answers from a script: for tests of everything around the model."""

import copy
from collections.abc import Callable, Sequence

from baara_engine.agent.model import ALIVE, Answer, OnPiece, Piece, Request, Usage
from baara_engine.records import Json

Line = Answer | Exception | Callable[[Request], Answer]


class ScriptedModel:
    """Answers with the lines of its script, one for each complete answer in the conversation so far.

    Which line comes next is read off the conversation, not counted, so a script can be taken up after a crash.
    """

    def __init__(self, script: Sequence[Line]) -> None:
        self._script = script
        self.requests: list[Request] = []  #: what was asked, in order

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        """Give the next line, or raise it if it is an error."""
        self.requests.append(copy.deepcopy(request))
        turn = sum(1 for message in request.messages if message["role"] == "assistant")
        line = self._script[turn]
        if isinstance(line, Exception):
            raise line
        answer = line if isinstance(line, Answer) else line(request)
        if on_piece is not None:
            for index, block in enumerate(answer.content):
                on_piece(Piece("text", block["text"], index) if block["type"] == "text" else ALIVE)
        return answer

    async def close(self) -> None:
        """Hold nothing."""


def says(text: str) -> Answer:
    """Make an answer that ends with a text."""
    return _answer([{"type": "text", "text": text}], "end_turn")


def calls(*uses: tuple[str, Json], turn: int = 0) -> Answer:
    """Make an answer that asks for tools: (name, input) each, with ids made from `turn` and position."""
    content = [
        {"type": "tool_use", "id": f"toolu_{turn}_{position}", "name": name, "input": value}
        for position, (name, value) in enumerate(uses)
    ]
    return _answer(content, "tool_use")


def _answer(content: list[Json], stop_reason: str) -> Answer:
    return Answer(content, stop_reason, Usage(input_tokens=10, output_tokens=5), "scripted", 0)


class ScriptedModels:
    """Stands where `agent.models.Models` stands, with one model for every id."""

    def __init__(self, model: ScriptedModel) -> None:
        self._model = model

    def preload(self) -> None:
        """Need nothing."""

    async def get(self, model_id: str) -> ScriptedModel:  # noqa: ARG002 - the same for every id
        """Give the model."""
        return self._model

    async def close(self) -> None:
        """Hold nothing."""
