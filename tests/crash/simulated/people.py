"""The people of a simulation: they submit, answer when they have time, call off, and sort out what has failed."""

import random
from collections import Counter
from pathlib import Path
from typing import Any, Protocol

from baara_engine import commands, errors, queues
from baara_engine.engine import Engine
from baara_engine.records import Kind, Question, UnknownEffect
from baara_engine.requests import Submission
from baara_engine.states import Status

HOUR_S = 3600.0
MS_PER_S = 1000
LONGEST_TIMER_S = 3 * 24 * HOUR_S
ANSWERED = 0.4  # share of the open questions that a visit answers
MANY = 10_000


class Verb(Protocol):
    """Something that people do to an execution."""

    __name__: str

    def __call__(self, prefix: str, /) -> Any: ...


class People:
    """Everybody who uses a home, through the engine's operations alone."""

    def __init__(self, engine: Engine, workspace: Path, randomness: random.Random) -> None:
        self.engine = engine
        self.counts: Counter[str] = Counter()
        self._workspace = str(workspace)
        self._random = randomness
        self._submitted = 0

    def submit(self) -> None:
        """Submit an agent or a command, now or for later; some submit twice under one key."""
        draw = self._random
        self._submitted += 1
        kind = draw.choices([Kind.AGENT, Kind.COMMAND], [7, 3])[0]
        submission = Submission(
            prompt=f"job {self._submitted}", kind=kind, workspace=self._workspace,
            queue=draw.choice([queues.TRANSFER, queues.TRANSFER, queues.VISIBILITY]), priority=draw.randint(0, 3),
            max_retries=draw.choice([None, 0, 1, 5]), timeout_s=draw.choice([None, None, 60.0, 900.0]),
            max_turns=draw.choice([3, 40, 40]), unknown_effect=draw.choice([None, *UnknownEffect]),
            not_before=self._some_time() if draw.random() < 0.25 else None,
            idempotency_key=f"key {self._submitted}" if draw.random() < 0.2 else None,
        )  # fmt: skip
        first = self.engine.submit(submission)
        if submission.idempotency_key is not None and self.engine.submit(submission).id != first.id:
            raise AssertionError("the same key gave another execution")

    def visit(self) -> None:
        """Look into the inbox: answer some questions, sort out dead letters, call something off, push something."""
        self.answer(ANSWERED)
        for letter in self.engine.dead_letters():
            if self._random.random() < ANSWERED:
                self._sort_out(letter.execution.id, letter.execution.kind)
        active = [one for one in self.engine.executions(limit=100) if one.completed_at is None]
        if active and self._random.random() < 0.3:
            self._try(self.engine.cancel, self._random.choice(active).id)
        waiting = [one for one in active if one.queue == queues.TIMER and one.status is not Status.WAITING_FOR_INPUT]
        if waiting and self._random.random() < 0.2:
            self._try(self.engine.retry, self._random.choice(waiting).id)

    def answer(self, share: float) -> None:
        """Answer this share of the open questions."""
        for question in self.engine.questions(limit=MANY):
            if self._random.random() < share:
                self.counts["answer"] += 1
                self.engine.answer(question.id, self._words(question), by="somebody")

    def set_concurrency(self) -> None:
        """Change how many may run at once."""
        self.engine.set_concurrency(self._random.choice(queues.WORKING), self._random.randint(1, 6))

    def put_times_right(self) -> None:
        """Let what was put off by a wrong clock go on now: only a person knows what time was meant."""
        farthest = self.engine.store.clock.now() + round(LONGEST_TIMER_S * MS_PER_S)
        for one in self.engine.executions(status=Status.QUEUED, limit=MANY):
            if one.queue == queues.TIMER and (one.not_before or 0) > farthest:
                self._try(self.engine.retry, one.id)

    def _sort_out(self, execution_id: str, kind: Kind) -> None:
        resume, restart, dismiss = self.engine.resume, self.engine.restart, self.engine.dismiss
        verbs: list[Verb] = [resume, restart, dismiss, dismiss, self.engine.retry]
        if kind is Kind.AGENT:
            verbs.append(self._say)
        self._try(self._random.choice(verbs), execution_id)

    def _say(self, execution_id: str) -> None:
        self.engine.resume(execution_id, "Try the other door.")

    def _try(self, verb: Verb, execution_id: str) -> None:
        try:
            verb(execution_id)
        except errors.Refused:
            self.counts["refused"] += 1
        else:
            self.counts[verb.__name__.strip("_")] += 1

    def _some_time(self) -> int:
        return self.engine.store.clock.now() + round(self._random.random() * LONGEST_TIMER_S * MS_PER_S)

    def _words(self, question: Question) -> str:
        if not question.options:
            return "Yes."
        calm = [option for option in question.options if option != commands.GIVE_UP]
        return self._random.choice(calm if self._random.random() < 0.8 else list(question.options))
