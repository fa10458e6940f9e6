"""A model that takes over what the first is turned away with; the rest is met as ever."""

from dataclasses import replace

import pytest
from tests.engine.waits import has_ended, until

from baara_engine import errors
from baara_engine.agent import fallback, windows
from baara_engine.agent.model import Request
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.store import journal as rows
from baara_engine.testing.scripted import Line, ScriptedModel, calls, says

FIRST, OTHER = "claude-opus-5-5", "claude-haiku-4-5"
REFUSED = replace(says("No."), stop_reason="refusal")


def failure(kind: FailureKind) -> errors.ModelFailure:
    return errors.ModelFailure(kind, "Not now.")


class Two:
    """Two models, each with a script of its own."""

    def __init__(self, first: list[Line], other: list[Line]) -> None:
        self.by_name = {FIRST: ScriptedModel(first), OTHER: ScriptedModel(other)}

    def preload(self) -> None:
        """Need nothing."""

    async def get(self, model_id: str) -> ScriptedModel:
        return self.by_name[model_id]

    async def close(self) -> None:
        """Hold nothing."""


@pytest.mark.parametrize("first", [failure(FailureKind.OVERLOADED), failure(FailureKind.MODEL), REFUSED])
def test_the_other_takes_over(engine: Engine, first: Line) -> None:
    """The question goes to the other, without a wait and without an attempt lost; the journal says whose it is."""
    acts = replace(calls(("glob", {"pattern": "*"}), turn=1), model=OTHER)
    two = Two([first, says("Done.")], [acts, says("Done.")])  # the first may still be shut for its next question
    engine.start(two)
    asked = engine.submit(Submission(prompt="Work.", model=FIRST, fallback_model=OTHER))
    ended = until(engine, asked.id, has_ended)
    engine.stop()
    assert (ended.status, ended.output, ended.attempt, ended.turn) == (Status.COMPLETED, "Done.", 1, 2)
    assert {request.model for request in two.by_name[OTHER].requests} == {OTHER}
    assert next(message.model for message in engine.journal(asked.id)[0] if message.role == "assistant") == OTHER


@pytest.mark.parametrize("kind", [FailureKind.RATE_LIMIT, FailureKind.KEY, FailureKind.BROKEN_ANSWER])
def test_what_is_not_about_the_model_is_met_as_ever(engine: Engine, kind: FailureKind) -> None:
    """The other has the same key and account, and a broken answer is asked for again."""
    two = Two([failure(kind)], [])
    engine.start(two)
    asked = engine.submit(Submission(prompt="Work.", model=FIRST, fallback_model=OTHER))
    waiting = until(engine, asked.id, lambda one: one.status is Status.RETRY_SCHEDULED)
    engine.stop()
    assert waiting.turn == 0
    assert two.by_name[OTHER].requests == []


def test_nobody_takes_over_who_was_not_named(engine: Engine) -> None:
    """Without a word of the person's, an overloaded model is waited for."""
    two = Two([failure(FailureKind.OVERLOADED)], [])
    engine.start(two)
    asked = engine.submit(Submission(prompt="Work.", model=FIRST))
    until(engine, asked.id, lambda one: one.waiting_reason == "overloaded")
    engine.stop()
    assert two.by_name[OTHER].requests == []


def test_a_question_is_made_to_fit_the_other() -> None:
    """It asks for no more than the other can write; what only the first can read is not sent to it."""
    betas = (windows.CLEARING, windows.COMPACTING)
    request = Request(FIRST, "", [{"role": "user", "content": rows.text("Work.")}], [], 999_999, {"edits": []}, betas)
    fits = fallback._for(request, OTHER)
    assert fits is not None
    assert (fits.model, fits.context, fits.betas, fits.max_tokens) == (OTHER, None, (), windows.of(OTHER).answer)
    compacted = replace(request, messages=[{"role": "assistant", "content": [{"type": "compaction"}]}])
    assert fallback._for(compacted, OTHER) is None
    same = fallback._for(compacted, "claude-opus-5")
    assert same is not None
    assert same.betas == (windows.COMPACTING,)
