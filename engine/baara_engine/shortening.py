"""What the journal holds beside the conversation: what is sent in place of its beginning, and the agent's notes."""

from baara_engine import events
from baara_engine.agent.model import Answer
from baara_engine.records import Compaction, Execution, Progress
from baara_engine.store import compactions, executions, progress
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx
from baara_engine.tools import Note


class Shortening:
    """The part of a journal that shortens what is sent. The conversation itself is never shortened."""

    def __init__(self, store: Store, execution: Execution) -> None:
        self._store = store
        self._execution = execution

    async def compacted(self, made: Compaction, answer: Answer | None) -> None:
        """Write down what stands for the beginning of the conversation from now on, with what the answer has cost.

        Raises `errors.LeaseLost`.
        """
        execution = self._execution

        def work(tx: Tx) -> None:
            executions.require_owner(tx, execution.id, execution.epoch)
            compactions.append(tx, made)
            if answer is not None:
                self._pay(tx, answer)
            data = {"turn": made.at_turn, "covers": made.covers, "kind": made.kind}
            tx.emit(events.Kind.COMPACTED, execution_id=execution.id, thread_id=execution.thread_id, data=data)

        await self._store.awrite(work)

    async def paid(self, answer: Answer) -> None:
        """Write down what an answer has cost that is of no other use. Raises `errors.LeaseLost`."""
        await self._store.awrite(lambda tx: self._pay(tx, answer))

    def progress(self) -> Progress:
        """Give what the agent has noted. Raises `errors.JournalDamaged`."""
        return self._store.read(lambda view: progress.get(view, self._execution.id))

    def _pay(self, tx: Tx, answer: Answer) -> None:
        executions.count_aside(
            tx, self._execution.id, self._execution.epoch, input_tokens=answer.usage.all_input,
            output_tokens=answer.usage.output_tokens, cost_microusd=answer.cost_microusd,
        )  # fmt: skip


def note(tx: Tx, execution: Execution, turn: int, noted: Note) -> str | None:
    """Keep a note of the agent's, and say what is wrong with it; None if nothing is."""
    problem = progress.note(
        tx, execution.id, constraints=noted.constraints, done=noted.done, next_=noted.next, replace=noted.replace
    )
    if problem is None:
        data = {"turn": turn, "done": list(noted.done), "next": noted.next}
        tx.emit(events.Kind.NOTED, execution_id=execution.id, thread_id=execution.thread_id, data=data)
    return problem
