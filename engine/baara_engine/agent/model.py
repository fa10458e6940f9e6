"""What the loop needs from a model: one request in, one complete answer out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from baara_engine.records import Json


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, as the service counted them."""

    input_tokens: int = 0  #: not from the cache, nor written to it
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def all_input(self) -> int:
        """Count every token that was sent, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the model. Everything in it is committed to the journal before it is sent."""

    model: str
    system: str
    messages: list[Json]  #: as the Messages API takes them
    tools: list[Json]  #: [{name, description, input_schema}]
    max_tokens: int
    context: Json | None = None  #: what the service is to do about a long conversation (`context_management`)
    betas: tuple[str, ...] = ()  #: parts of the service that it needs and that are not for everybody yet
    no_calls: bool = False  #: the answer is to be a text


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer. It exists only if the service said that the message is complete (`message_stop`)."""

    content: list[Json]  #: content blocks, fit to be sent back unchanged
    stop_reason: str
    usage: Usage
    model: str  #: the model that answered, by its own word
    cost_microusd: int | None  #: None where the model has no price
    broken_inputs: dict[str, str] = field(default_factory=dict)  #: tool_use_id → why its input is not a JSON object


@dataclass(frozen=True, slots=True)
class Piece:
    """What a part of an answer adds to it, while it is written."""

    kind: str = ""  #: "text", "thinking" or "input" (the JSON of a tool's input); empty for a mere sign of life
    text: str = ""
    index: int = 0  #: which block of the answer it goes to
    name: str = ""  #: of an input: the tool


OnPiece = Callable[[Piece], None]
ALIVE = Piece()  #: something came that a person does not read


class Models(Protocol):
    """Where an engine gets its models from."""

    def preload(self) -> None:
        """Begin to load what takes long, without waiting for it."""
        ...

    async def get(self, model_id: str) -> "Model":
        """Give what answers for this model id."""
        ...

    async def close(self) -> None:
        """Close what was given out."""
        ...


class Model(Protocol):
    """Something that answers."""

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        """Ask once, without retrying, and give the complete answer; `on_piece` gets its pieces as they are written.

        It gets `ALIVE` for whatever else of the answer comes: each call says that the answer is getting on.

        Raises `errors.ModelFailure` for everything that is not a complete answer.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@runtime_checkable
class Counts(Protocol):
    """A model whose service says how long a request is."""

    async def count(self, request: Request) -> int | None:
        """Give the tokens of a request; None where nobody can say now. It costs nothing but the time."""
        ...
