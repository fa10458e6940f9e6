"""Keeping a long conversation within the model's window: what is sent is shortened, the journal never is.

Where the service compacts by itself it is asked to, with each question, and pauses when it has; elsewhere the model is
asked for a summary once the conversation nears its window. Either way, what stands for the beginning is committed
before it is sent, with the request and the agent's notes word for word, and the last turns stay as they are.
"""

from dataclasses import dataclass, field, replace

from baara_engine import errors
from baara_engine.agent import measure, pinning, prompts, shrinking, windows
from baara_engine.agent.model import Answer, Counts, Model, OnPiece, Request
from baara_engine.errors import FailureKind
from baara_engine.journal import COMPACTION, Conversation, Journal, Start
from baara_engine.records import Compaction, Execution, Json

SUMMARY_TOKENS = 8_000  # of a summary: enough for the work of days, and a small part of any window
KEPT_PART = 5  # the last turns stay as they are, up to one part in so many of what may be sent
MOST_MENDS = 6  # in a row, for one question; each makes what is sent shorter
DOUBT = 1.4  # how many times more there may be than was thought, each time that the service says it is too long
NO_ROOM = (
    "The conversation does not fit into the model's window, even when it is summarised: the request and the notes by "
    "themselves are too long for it. Use a model with a larger window, or put what is long into a file."
)


@dataclass(slots=True)
class Compactor:
    """Keeps one execution's conversation within its model's window."""

    execution: Execution
    journal: Journal
    model: Model
    window: windows.Window
    system: str
    tools: list[Json]
    edits: Json | None = field(init=False)  #: what the service is asked to do; None once it has shown that it cannot
    doubt: float = 1.0  #: how many times more tokens there may be than was thought
    mends: int = 0  #: in a row
    must: bool = False  #: the service has refused the question as too long

    def __post_init__(self) -> None:
        """Let the service do what it can."""
        self.edits = self.window.edits

    def request(self, talk: Conversation) -> Request:
        """Make the next question."""
        return Request(
            self.execution.model, self.system, shrinking.thinned(talk.messages), self.tools, self.window.answer,
            self.edits, self._betas(talk),
        )  # fmt: skip

    async def make_room(self, talk: Conversation, beat: OnPiece) -> bool:
        """Shorten what is sent if it is too long; say whether it was. Raises `errors.ModelFailure`."""
        if talk.has_block and not self.window.compacts:
            await self._put_into_words(talk)  # another model has taken over, which does not know such blocks
            return True
        if not await self._is_too_long(talk):
            return False
        await self._summarise(talk, beat)
        return True

    async def kept(self, talk: Conversation, answer: Answer) -> Answer | None:
        """Take a compaction out of an answer and write it down; give the rest, None if that is all there was.

        A compaction that has failed is paid for, and the service is not asked for another by this lease.
        """
        self.mends = 0
        if answer.usage.all_input:
            self.doubt = 1.0  # the service counts, so nothing has to be guessed
        block = next((block for block in answer.content if block["type"] == COMPACTION), None)
        if block is None and answer.stop_reason != COMPACTION:
            return answer
        rest = [other for other in answer.content if other["type"] != COMPACTION]
        if block is None or not block.get("content"):
            self.edits = None
        else:
            await self._take_block(talk, block, answer, whole=answer.stop_reason != COMPACTION)
            answer = replace(answer, usage=type(answer.usage)(), cost_microusd=0)
        if answer.stop_reason != COMPACTION:
            return replace(answer, content=rest)
        if self.edits is None:
            await self.journal.paid(answer)
        return None

    async def mend(self, talk: Conversation, failure: errors.ModelFailure) -> None:
        """Make the next question one that the service takes. Raises the failure if it is about something else."""
        self.mends += 1
        if failure.kind is not FailureKind.CONTEXT or self.mends > MOST_MENDS:
            raise failure
        could = self.edits is not None
        self.edits = None
        if talk.has_block:
            await self._put_into_words(talk)
        elif not could or self._tokens(talk) * 2 > (self.window.trigger or 0):
            self.doubt *= DOUBT
            self.must = True

    async def _is_too_long(self, talk: Conversation) -> bool:
        """Say whether to make room here and now. The service is asked to count only where it may matter."""
        most = self.window.most if self._service_compacts else self.window.trigger
        if talk.is_overflown or self.must:
            return True
        if most is None or self._tokens(talk) <= most:
            return False
        counted = await self.model.count(self.request(talk)) if isinstance(self.model, Counts) else None
        return counted is None or counted > most

    @property
    def _service_compacts(self) -> bool:
        return self.edits is not None and self.window.compacts

    def _tokens(self, talk: Conversation) -> int:
        return round(talk.tokens(self._other_bytes()) * self.doubt)

    def _other_bytes(self) -> int:
        return len(self.system) + measure.size(self.tools)

    async def _summarise(self, talk: Conversation, beat: OnPiece) -> None:
        """Ask for a summary of as much of the beginning as can be sent, and go on with it in its place."""
        end = self._end(talk)
        answer = await self.model.answer(self._question(talk.messages[: end.at]), beat)
        text = "\n\n".join(block["text"] for block in answer.content if block["type"] == "text").strip()
        if answer.stop_reason == "refusal" or not text:
            kind = FailureKind.REFUSAL if answer.stop_reason == "refusal" else FailureKind.BROKEN_ANSWER
            raise errors.ModelFailure(kind, "The model did not write the summary that a long conversation needs.")
        words = _words(talk, end)
        head = pinning.after_summary(words, self.journal.progress(), text)
        await self._write(talk, self._made(talk, end, "summary", head, words, answer.model), answer)
        self.must = False

    def _question(self, messages: list[Json]) -> Request:
        """Ask for a summary of these messages, which end with the user's; what is too long in them is cut."""
        room = self._room()
        sized = messages if room is None else shrinking.fitted(messages, round(room / self.doubt))
        last = sized[-1] | {"content": [*sized[-1]["content"], {"type": "text", "text": prompts.summary()}]}
        betas = (windows.COMPACTING,) if any(_is_block(message) for message in sized[:2]) else ()
        return Request(
            self.execution.model, self.system, [*sized[:-1], last], self.tools, self._summary_tokens, None, betas,
            no_calls=True,
        )  # fmt: skip

    @property
    def _summary_tokens(self) -> int:
        return min(SUMMARY_TOKENS, self.window.answer)

    def _room(self) -> int | None:
        """Give the bytes of messages that a question may have."""
        if self.window.most is None:
            return None
        return max(round(self.window.most * measure.BYTES_PER_TOKEN) - self._other_bytes() - len(prompts.summary()), 1)

    def _end(self, talk: Conversation) -> Start:
        """Say how far a summary is to go: to the last turns, and no farther than can be sent at once.

        Raises `errors.ModelFailure` if there is nothing that could be summarised.
        """
        covered = talk.compaction.covers if talk.compaction else 1
        whole = Start(talk.stored, len(talk.messages), talk.turn + 1)
        if whole.seq == covered:
            raise errors.ModelFailure(FailureKind.CONTEXT, NO_ROOM)
        room = self._room()
        share = (sum(talk.sizes) if room is None else room) / self.doubt
        ends = [*(start for start in talk.starts if start.seq > covered), whole]
        wanted = next(end for end in ends if end is whole or sum(talk.sizes[end.at :]) <= share / KEPT_PART)
        can_be_sent = [end for end in ends if end.seq <= wanted.seq and sum(talk.sizes[: end.at]) <= share]
        return can_be_sent[-1] if can_be_sent else ends[0]

    async def _take_block(self, talk: Conversation, block: Json, answer: Answer, *, whole: bool) -> None:
        """Go on with what the service has compacted in the place of the beginning, or of all if it has gone on."""
        end = Start(talk.stored, len(talk.messages), talk.turn + 1) if whole else self._end(talk)
        words = _words(talk, end)
        head = pinning.after_block(words, self.journal.progress(), block)
        await self._write(talk, self._made(talk, end, "service", head, words, answer.model), answer)

    async def _put_into_words(self, talk: Conversation) -> None:
        """Send the text of the service's own compaction in place of its block."""
        made = talk.compaction
        if made is None:
            return
        text = next(block["content"] for block in made.head[1]["content"] if block["type"] == COMPACTION)
        head = pinning.after_summary(made.words, self.journal.progress(), text)
        await self._write(talk, replace(made, kind="summary", head=head, model=None), None)

    async def _write(self, talk: Conversation, made: Compaction, answer: Answer | None) -> None:
        """Write a compaction down, and go on from there."""
        await self.journal.compacted(made, answer)
        self.journal.begin_again(talk)

    def _made(
        self, talk: Conversation, end: Start, kind: str, head: list[Json], words: tuple[str, ...], model: str
    ) -> Compaction:
        return Compaction(
            self.execution.id, 0, end.seq, end.turn - 1, talk.turn, kind, b"", model, 0, head, words
        )  # fmt: skip

    def _betas(self, talk: Conversation) -> tuple[str, ...]:
        names = [windows.CLEARING] if self.edits is not None else []
        return (*names, windows.COMPACTING) if self._service_compacts or talk.has_block else tuple(names)


def _words(talk: Conversation, end: Start) -> tuple[str, ...]:
    return tuple(text for seq, text in talk.words if seq < end.seq)


def _is_block(message: Json) -> bool:
    return any(block["type"] == COMPACTION for block in message["content"])
