"""An engine that works by a script until it needs a person."""

import time
from collections.abc import Iterator

import pytest

from baara_engine.engine import Engine
from baara_engine.records import Execution, Permission, Question
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Status
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels

LONG = 60.0  # seconds that no wait here takes unless something is wrong


class Desk:
    """A person's view of an engine at work."""

    def __init__(self, engine: Engine) -> None:
        """Let nothing work yet."""
        self.engine = engine
        self.model = ScriptedModel([])

    def work(self, *script: Line) -> None:
        """Let a new engine work with a model that follows a script."""
        self.engine.stop()
        self.model = ScriptedModel(script)
        self.engine.start(ScriptedModels(self.model))

    def submit(self, permission: Permission = Permission.ASK, **options: object) -> Execution:
        """Queue some work of an agent."""
        given = {"prompt": "Do it.", "permission": permission, **options}
        return self.engine.submit(Submission.model_validate(given))

    def until(self, execution: Execution, *wanted: Status) -> Execution:
        """Wait until an execution is in one of these states, or has ended."""
        deadline = time.monotonic() + LONG
        while (now := self.engine.execution(execution.id)).status not in (wanted or ENDED):
            assert time.monotonic() < deadline, now
            time.sleep(0.02)
        return now

    def asked(self, execution: Execution) -> list[Question]:
        """Wait until it needs a person, and give what it asks."""
        self.until(execution, Status.WAITING_FOR_INPUT)
        return self.engine.questions()

    def answer(self, question: Question, text: str) -> None:
        """Answer a question."""
        self.engine.answer(question.id, text, by="test")

    def results(self) -> list[str]:
        """Give what the model was told of its last calls."""
        return [block["content"][0]["text"] for block in self.model.requests[-1].messages[-1]["content"]]


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    """Give a person's view of an engine."""
    yield Desk(engine)
    engine.stop()
