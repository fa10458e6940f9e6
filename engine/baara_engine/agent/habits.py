"""What one agent has done of late: whether it goes round in circles, which is told, and asked about before it costs."""

from baara_engine.health import asking, patterns
from baara_engine.journal import Conversation
from baara_engine.records import Execution, Json, QuestionDraft, ToolCall
from baara_engine.store import executions, findings, journal, questions
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx, View

REPEATING_ADVICE = "Look at what it does. It asks you before it goes on like this for long."


class Habits:
    """The last calls of one execution, as its owner counts them."""

    def __init__(self, store: Store, execution: Execution) -> None:
        """Read what was done before this lease, as far as it still counts."""
        self._store = store
        self._execution = execution
        self._past = patterns.seen(store.read(self._read))
        self._told: set[str] = set()

    async def note(self, talk: Conversation) -> None:
        """Count what has come of the calls of this turn. Raises `errors.LeaseLost`."""
        earlier = [call for call in self._past if call.turn < talk.turn]
        self._past = patterns.recent([*earlier, *patterns.seen(talk.calls.values())])
        times = patterns.repeats(self._past)
        if times >= patterns.TOLD_AFTER or findings.REPEATING in self._told:
            message = f"“{self._execution.name}”: the same call gave the same result {times} times in a row."
            await self._tell(findings.REPEATING, message, is_so=times >= patterns.TOLD_AFTER)
        turns = patterns.failed_turns(earlier if talk.open_blocks else self._past)
        if turns >= patterns.FAILED_TURNS or findings.NO_PROGRESS in self._told:
            message = f"“{self._execution.name}”: every call failed in the last {turns} turns."
            await self._tell(findings.NO_PROGRESS, message, is_so=turns >= patterns.FAILED_TURNS)

    def worry(self, block: Json, turn: int) -> QuestionDraft | None:
        """Give the question that a person has to answer before this call of a turn may run."""
        times = patterns.repeats(self._past)
        if times >= patterns.ASKED_AFTER and patterns.is_next(self._past, block):
            return asking.repeating(block, times)
        turns = patterns.failed_turns(self._past)
        if turns >= patterns.FAILED_TURNS and self._past[-1].turn < turn:
            return asking.no_progress(block, turns)
        return None

    def _read(self, view: View) -> list[ToolCall]:
        """Read the last turns, from where a person has last let it go on."""
        execution = self._execution
        answered = questions.last_answered(view, execution.id, questions.REPEATING)
        first = max(answered, execution.turns_from, execution.turn - patterns.FAILED_TURNS)
        return journal.calls_since(view, execution.id, first)

    async def _tell(self, kind: str, message: str, *, is_so: bool) -> None:
        """Write down what is found, once, and that it is over."""
        if is_so == (kind in self._told):
            return
        execution = self._execution

        def work(tx: Tx) -> None:
            executions.require_owner(tx, execution.id, execution.epoch)
            if is_so:
                findings.found(tx, kind, message, REPEATING_ADVICE, execution.id)
            else:
                findings.clear(tx, findings.key_of(kind, execution.id))

        await self._store.awrite(work)
        self._told ^= {kind}
