"""The journal of one execution as its owner works on it: the conversation, written down step by step.

Before the model is called, everything that will be sent is committed. A complete answer is committed in one transaction
with its usage and cost; the intent of a tool call before it runs, its receipt after. So every prefix of what is stored
is a request that the API takes, once the open calls of the last answer have their results.
"""

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from enum import Enum, auto

from baara_engine import errors, events, shortening
from baara_engine.agent import measure
from baara_engine.agent.model import Answer
from baara_engine.checks.verdict import SENT_BACK
from baara_engine.errors import FailureKind
from baara_engine.records import Compaction, Effect, Execution, Json, Message, ToolCall
from baara_engine.store import compactions, executions, journal, questions, said, threads
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx, View
from baara_engine.tools import Done, Tool


class Step(Enum):
    """What comes next in a conversation."""

    ASK = auto()  #: ask the model
    ACT = auto()  #: run the tool calls of the last answer
    REJECT = auto()  #: the last answer was cut: answer its calls without running them, or let it go on
    FINISH = auto()  #: the last answer is the result


# By the reason the API gives for the end of an answer. Calls in an answer that did not end on purpose are never run.
NEXT_STEP: dict[str, Step] = {
    "tool_use": Step.ACT,
    "pause_turn": Step.ASK,
    "end_turn": Step.FINISH,
    "stop_sequence": Step.FINISH,
    "max_tokens": Step.REJECT,
    "model_context_window_exceeded": Step.REJECT,  # cut as well; before the next question, room is made
}
OVERFLOWN = "model_context_window_exceeded"
COMPACTION = "compaction"  #: a type of block, and the end of an answer that is nothing else

ENDS = frozenset(reason for reason, step in NEXT_STEP.items() if step is Step.FINISH)  #: nothing is done after these

CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")  # any other is refused when it is sent back

# Of an answer's usage: together, what the conversation comes to with that answer.
COUNTS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")

CUT_CALL = "This call was not run: your answer was cut at the token limit. Make shorter calls, one at a time."
CUT_TEXT = "Your answer was cut at the token limit. Go on from where it stopped."


@dataclass(frozen=True, slots=True)
class Start:
    """Where an answer begins: what stands before it can be sent without it, and the other way round."""

    seq: int  #: number of its message in the journal
    at: int  #: its place among the messages that are sent
    turn: int


@dataclass(slots=True)
class Conversation:
    """A conversation so far. The journal is its truth; this is the copy in memory."""

    messages: list[Json] = field(default_factory=list)  #: as they are sent: by turns of the user and the assistant
    stored: int = 0  #: messages of the journal that are in them
    turn: int = 0  #: complete answers so far
    stop_reason: str | None = None  #: of the last answer
    calls: dict[str, ToolCall] = field(default_factory=dict)  #: journaled calls of the last answer, by tool_use_id
    chain: bytes = journal.CHAIN_START  #: checksum of the last message
    names: set[str] = field(default_factory=set)  #: ids of all calls that are sent: the API wants them to differ
    compaction: Compaction | None = None  #: what its beginning stands for
    words: list[tuple[int, str]] = field(default_factory=list)  #: what people have said: number of the message, text
    sizes: list[int] = field(default_factory=list)  #: bytes of each of `messages`
    starts: list[Start] = field(default_factory=list)  #: where it can be cut
    counted: int = 0  #: tokens up to the last answer, by the service's own count; 0 where it has not counted
    fresh: int = 0  #: bytes that have come since

    @property
    def blocks(self) -> list[Json]:
        """Give the tool_use blocks of the last answer, if it is the last message."""
        if not self.messages or self.messages[-1]["role"] != "assistant":
            return []
        return _tool_uses(self.messages[-1]["content"])

    @property
    def open_blocks(self) -> list[Json]:
        """Give those of them that have no receipt yet."""
        return [block for block in self.blocks if not self._has_receipt(block["id"])]

    @property
    def text(self) -> str:
        """Give the text of the last answer."""
        content = self.messages[-1]["content"] if self.messages else []
        return "\n\n".join(block["text"] for block in content if block["type"] == "text").strip()

    def next_step(self) -> Step:
        """Say what comes next. Raises `errors.ModelFailure` where the model ended the conversation otherwise."""
        if self.messages[-1]["role"] == "user":
            return Step.ASK
        if self.stop_reason in NEXT_STEP:
            return NEXT_STEP[self.stop_reason]
        raise _ended_otherwise(self.stop_reason)

    @property
    def has_block(self) -> bool:
        """Say whether it begins with a compaction of the service's own, which not every model takes."""
        return self.compaction is not None and self.compaction.kind == "service"

    @property
    def is_overflown(self) -> bool:
        """Say whether the last answer was cut because the model's window was full, and no room was made since."""
        since = self.compaction is not None and self.compaction.at_turn >= self.turn
        return self.stop_reason == OVERFLOWN and not since

    def tokens(self, other: int) -> int:
        """Give about how many tokens are sent, with `other` bytes beside the messages."""
        if self.counted:
            return self.counted + measure.tokens(self.fresh)
        return measure.tokens(other + sum(self.sizes))

    def begin_with(self, made: Compaction) -> None:
        """Begin anew with what stands for the beginning of the conversation."""
        self.__init__()  # type: ignore[misc]  # everything is read again from there on
        self.compaction, self.messages = made, list(made.head)
        self.stored, self.turn, self.chain = made.covers, made.turn, made.chain
        self.words = [(0, text) for text in made.words]
        self.sizes = [measure.size(message["content"]) for message in made.head]

    def take(self, message: Message) -> None:
        """Put the next message of the journal at the end.

        One of the same role as the last goes on with that one: an answer that paused, or a person's word after results.
        """
        self.stored += 1
        content, size = message.content, measure.size(message.content)
        if message.role == "assistant":
            self.turn, self.stop_reason = message.turn, message.stop_reason
            self._count(message, size)
        else:
            self.fresh += size
            self.words += [(message.seq, block["text"]) for block in content if _is_word(block)]
        self.names.update(block["id"] for block in _tool_uses(content))
        if self.messages and self.messages[-1]["role"] == message.role:
            content, size = [*self.messages.pop()["content"], *content], self.sizes.pop() + size
        elif message.role == "assistant" and self.messages:
            self.starts.append(Start(message.seq, len(self.messages), message.turn))
        self.messages.append({"role": message.role, "content": content})
        self.sizes.append(size)

    def _count(self, answer: Message, size: int) -> None:
        """Take over the service's own count, unless it is of what was sent before a compaction."""
        usage = answer.usage or {}
        is_current = self.compaction is None or answer.turn > self.compaction.at_turn
        counted = sum(usage.get(name, 0) for name in COUNTS) if is_current else 0
        self.counted, self.fresh = (counted, 0) if counted else (self.counted, self.fresh + size)

    def _has_receipt(self, tool_use_id: str) -> bool:
        call = self.calls.get(tool_use_id)
        return call is not None and call.receipt_at is not None


class Journal(shortening.Shortening):
    """The owner's hold on the journal of one execution. Every write is fenced by the lease's epoch."""

    def __init__(self, store: Store, execution: Execution) -> None:
        super().__init__(store, execution)

    async def begin(self, prompt: str) -> None:
        """Write down the request, as the first message."""
        await self._append_user(0, _text(prompt))

    async def answered(self, answer: Answer, turn: int, names: Collection[str] = ()) -> None:
        """Write down a complete answer, with its usage and cost, and reject what cannot be read of it.

        `names` are the ids of the calls before it. Raises `errors.ModelFailure` for what could not be gone on from.
        """
        _require_sound(answer, names)
        execution = self._execution

        def work(tx: Tx) -> None:
            executions.count_answer(
                tx, execution.id, execution.epoch, turn=turn, input_tokens=answer.usage.all_input,
                output_tokens=answer.usage.output_tokens, cost_microusd=answer.cost_microusd,
            )  # fmt: skip
            usage = asdict(answer.usage)
            journal.append(
                tx, execution.id, turn=turn, role="assistant", content=answer.content,
                stop_reason=answer.stop_reason, usage=usage, model=answer.model,
            )  # fmt: skip
            blocks = _tool_uses(answer.content)
            for ordinal, block in enumerate(blocks):
                if block["id"] in answer.broken_inputs:
                    self._reject(tx, turn, ordinal, block, f"Not run: {answer.broken_inputs[block['id']]}")
            self._close_turn(tx, turn, len(blocks))
            questions.withdraw(tx, execution, kind=questions.STUCK)
            data = {"turn": turn, "stop_reason": answer.stop_reason}
            tx.emit(events.Kind.TURN, execution_id=execution.id, thread_id=execution.thread_id, data=data)

        await self._store.awrite(work)

    async def hear(self, talk: Conversation) -> bool:
        """Put what a person has said meanwhile at the end of the conversation; say whether there was something.

        Call it where the user may speak: nothing of the last answer is open.
        """
        execution = self._execution
        if not self._store.read(lambda view: said.is_any(view, execution.id)):
            return False

        def work(tx: Tx) -> None:
            self._fence(tx)
            for word in said.hear(tx, execution, talk.turn):
                journal.append(tx, execution.id, turn=talk.turn, role="user", content=_text(word.text))

        await self._store.awrite(work)
        return True

    async def intend(self, turn: int, ordinal: int, block: Json, tool: Tool, notes: Json) -> None:
        """Write down that a tool is about to run."""

        def work(tx: Tx) -> None:
            self._fence(tx)
            journal.intend(tx, self._execution.id, turn, ordinal, block, tool.effect, notes)
            self._tell(tx, events.Kind.TOOL_BEGUN, turn, block["id"], {"name": block["name"]})

        await self._store.awrite(work)

    async def receive(self, turn: int, block: Json, done: Done, *, calls: int) -> None:
        """Write down what came of a call, with its post; the last of the turn's `calls` closes the turn."""
        execution = self._execution

        def work(tx: Tx) -> None:
            self._fence(tx)
            problem = None if done.note is None else shortening.note(tx, execution, turn, done.note)
            result = done.content() if problem is None else _text(problem)
            self._receipt(tx, turn, block, result, is_error=done.is_error or problem is not None)
            questions.withdraw(tx, execution, kind=questions.STUCK)
            if done.post is not None:
                threads.post(
                    tx, self._store.ids.new(), execution.thread_id, kind="report", title=done.post.title,
                    body=done.post.markdown, files=done.post.files, execution_id=execution.id,
                    key=f"{execution.id}/{turn}/{block['id']}",
                )  # fmt: skip
            self._close_turn(tx, turn, calls)

        await self._store.awrite(work)

    async def reject(self, turn: int, ordinal: int, block: Json, why: str, *, calls: int) -> None:
        """Write down that a call is not run at all, with the reason that the model gets."""

        def work(tx: Tx) -> None:
            self._fence(tx)
            self._reject(tx, turn, ordinal, block, why)
            self._close_turn(tx, turn, calls)

        await self._store.awrite(work)

    async def go_on(self, turn: int) -> None:
        """Ask the model to go on with a text that was cut."""
        await self._append_user(turn, [{"type": "text", "text": CUT_TEXT}])

    def load(self) -> Conversation:
        """Read the conversation as far as it is sent. Raises `errors.JournalDamaged`."""
        talk = Conversation()
        self.begin_again(talk)
        return talk

    def begin_again(self, talk: Conversation) -> None:
        """Read a conversation anew, from what stands for its beginning on."""
        made = self._store.read(lambda view: compactions.latest(view, self._execution.id))
        if made is not None:
            talk.begin_with(made)
        self.refresh(talk)

    def refresh(self, talk: Conversation) -> None:
        """Read what has come since the conversation was last read: its cost does not grow with its length."""
        execution_id = self._execution.id

        def work(view: View) -> None:
            news, talk.chain = journal.messages(view, execution_id, talk.stored, talk.chain)
            for message in news:
                talk.take(message)
            talk.calls = {call.tool_use_id: call for call in journal.calls(view, execution_id, talk.turn)}

        self._store.read(work)

    def _fence(self, tx: Tx) -> None:
        executions.require_owner(tx, self._execution.id, self._execution.epoch)

    def _reject(self, tx: Tx, turn: int, ordinal: int, block: Json, why: str) -> None:
        journal.intend(tx, self._execution.id, turn, ordinal, block, Effect.READ, {})
        self._receipt(tx, turn, block, _text(why), is_error=True)

    def _receipt(self, tx: Tx, turn: int, block: Json, result: list[Json], *, is_error: bool) -> None:
        if journal.receive(tx, self._execution.id, turn, block["id"], result, is_error=is_error) is None:
            return  # it has one: an answer to a question came first
        data = {"name": block["name"], "is_error": is_error}
        self._tell(tx, events.Kind.TOOL_ENDED, turn, block["id"], data)

    def _close_turn(self, tx: Tx, turn: int, calls: int) -> None:
        close_turn(tx, self._execution.id, turn, calls)

    def _tell(self, tx: Tx, kind: events.Kind, turn: int, tool_use_id: str, data: Json) -> None:
        about = {"turn": turn, "tool_use_id": tool_use_id, **data}
        tx.emit(kind, execution_id=self._execution.id, thread_id=self._execution.thread_id, data=about)

    async def _append_user(self, turn: int, content: list[Json]) -> None:
        def work(tx: Tx) -> None:
            self._fence(tx)
            journal.append(tx, self._execution.id, turn=turn, role="user", content=content)

        await self._store.awrite(work)


def close_turn(tx: Tx, execution_id: str, turn: int, calls: int) -> bool:
    """Put the results of a turn into the conversation once all its `calls` have receipts; say whether they have.

    They are put there once: an answer to a question may have closed the turn of a call that was still running.
    """
    received = [call for call in journal.calls(tx, execution_id, turn) if call.receipt_at is not None]
    if not calls or len(received) < calls:
        return False
    if journal.last_role(tx, execution_id) == "assistant":
        content = [_tool_result(call) for call in received]
        journal.append(tx, execution_id, turn=turn, role="user", content=content)
    return True


def close_open_calls(tx: Tx, execution_id: str, turn: int, content: list[Json], why: str) -> None:
    """Answer those calls of a turn that have no receipt with an error, so that the conversation can go on."""
    blocks = _tool_uses(content)
    known = {call.tool_use_id for call in journal.calls(tx, execution_id, turn)}
    for ordinal, block in enumerate(blocks):
        if block["id"] not in known:
            journal.intend(tx, execution_id, turn, ordinal, block, Effect.READ, {})
        journal.receive(tx, execution_id, turn, block["id"], _text(why), is_error=True)
    close_turn(tx, execution_id, turn, len(blocks))


def _tool_result(call: ToolCall) -> Json:
    result = {"type": "tool_result", "tool_use_id": call.tool_use_id, "content": call.result}
    return result | {"is_error": True} if call.is_error else result


def _text(text: str) -> list[Json]:
    return [{"type": "text", "text": text}]


def _tool_uses(content: list[Json]) -> list[Json]:
    return [block for block in content if block["type"] == "tool_use"]


def _is_word(block: Json) -> bool:
    """Say whether this is a person's word: what the system itself says to the agent is not pinned."""
    return bool(block["type"] == "text" and block["text"] != CUT_TEXT and not block["text"].startswith(SENT_BACK))


def _require_sound(answer: Answer, names: Collection[str]) -> None:
    """Refuse an answer that could not be gone on from: it would stand in the journal for ever."""
    ids = [block["id"] for block in _tool_uses(answer.content)]
    if len(ids) != len(set(ids)) or not set(ids).isdisjoint(names):
        raise errors.ModelFailure(FailureKind.BROKEN_ANSWER, "The answer names two tool calls alike.")
    if not all(CALL_ID.fullmatch(name) for name in ids):
        raise errors.ModelFailure(FailureKind.BROKEN_ANSWER, "The answer names a tool call as the service may not.")
    if answer.stop_reason == "tool_use" and not ids:
        raise errors.ModelFailure(FailureKind.BROKEN_ANSWER, "The answer speaks of a tool call and has none.")
    if answer.stop_reason == "pause_turn" and ids:
        raise errors.ModelFailure(FailureKind.BROKEN_ANSWER, "The answer pauses at a tool call that is not its own.")
    if not answer.content and answer.stop_reason == "refusal":
        raise _ended_otherwise(answer.stop_reason)
    if not answer.content and NEXT_STEP.get(answer.stop_reason) is not Step.FINISH:
        raise errors.ModelFailure(FailureKind.BROKEN_ANSWER, "The answer is empty.")


def _ended_otherwise(stop_reason: str | None) -> errors.ModelFailure:
    if stop_reason == "refusal":
        return errors.ModelFailure(FailureKind.REFUSAL, "The model declined to go on with this.")
    return errors.ModelFailure(
        FailureKind.REQUEST,
        f"The answer ended for a reason that is not known here ({stop_reason}). A newer version may know it.",
    )
