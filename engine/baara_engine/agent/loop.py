"""The agent loop: ask the model, run the tools it asks for, and so on until it is finished.

Each step is in the journal before the next begins, so the loop can be left at any point and taken up again by whoever
holds the lease.
"""

from collections.abc import Callable
from dataclasses import dataclass

from baara_engine import errors, live
from baara_engine.agent import acting
from baara_engine.agent.compacting import Compactor
from baara_engine.agent.model import Answer, Model, Piece
from baara_engine.errors import FailureKind
from baara_engine.health import vitals
from baara_engine.health.vitals import Vitals
from baara_engine.journal import CUT_CALL, Conversation, Journal, Step
from baara_engine.records import Execution, QuestionDraft

MAY_SPEAK = frozenset({Step.ASK, Step.FINISH})  #: where a person's words can stand: no call is open


@dataclass(frozen=True, slots=True)
class Finished:
    """The model has ended its work, with this as its last word."""

    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person has to answer before it can go on."""

    questions: list[QuestionDraft]  #: to be asked; those asked before are in the store


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent at work on one execution."""

    execution: Execution
    journal: Journal
    model: Model
    actor: acting.Actor
    compactor: Compactor
    pause: Callable[[], None]  #: called between steps; raises to stop there
    vitals: Vitals
    watched: live.Live

    async def work(self, talk: Conversation) -> Finished | Waiting:
        """Go on with a conversation until it ends or has to wait. Raises `errors.BaaraError`."""
        while True:
            self.pause()
            step = talk.next_step()
            if step in MAY_SPEAK and await self.journal.hear(talk):
                self.journal.refresh(talk)
                continue
            match step:
                case Step.ASK:
                    await self._ask(talk)
                case Step.ACT:
                    waiting = await self.actor.act(talk)
                    if waiting is not None:
                        return Waiting(waiting)
                case Step.REJECT:
                    await self._reject(talk)
                case Step.FINISH:
                    return Finished(talk.text)
            self.journal.refresh(talk)

    async def _ask(self, talk: Conversation) -> None:
        if talk.turn - self.execution.turns_from >= self.execution.max_turns:
            raise errors.ModelFailure(FailureKind.TURNS, f"It used all its {self.execution.max_turns} turns.")
        with self.watched.writing(self.execution.id, talk.turn + 1) as writing:
            try:
                answer = await self._answer(talk, writing)
            except vitals.CutShort:
                return  # it is asked again, after whatever a person has said meanwhile
            except errors.ModelFailure as failure:
                await self.compactor.mend(talk, failure)
                return
            kept = None if answer is None else await self.compactor.kept(talk, answer)
            if kept is not None:
                await self.journal.answered(kept, talk.turn + 1, talk.names)
                writing.completed()

    async def _answer(self, talk: Conversation, writing: live.Writing) -> Answer | None:
        """Ask the model, while others look on; None if room had to be made first."""
        async with self.vitals.step(vitals.MODEL, talk.turn + 1) as step:
            if await self.compactor.make_room(talk, step.beat):
                return None

            def told(piece: Piece) -> None:
                step.beat()
                writing.take(piece)

            return await self.model.answer(self.compactor.request(talk), told)

    async def _reject(self, talk: Conversation) -> None:
        if not talk.blocks:
            await self.journal.go_on(talk.turn)
        for ordinal, block in enumerate(talk.blocks):
            if block in talk.open_blocks:
                await self.journal.reject(talk.turn, ordinal, block, CUT_CALL, calls=len(talk.blocks))
