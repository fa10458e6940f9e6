"""A model that is not there any more: a person says which one goes on, and the work is kept."""

import pytest
from tests.engine.waits import has_ended, until

from baara_engine import errors
from baara_engine.agent import successors
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

GONE = errors.ModelFailure(FailureKind.MODEL, "The model service does not have this model, or not any more.")


@pytest.mark.parametrize(
    ("gone", "first"),
    [
        ("claude-opus-4-1-20250805", "claude-opus-5-5"),
        ("claude-3-5-haiku-20241022", "claude-haiku-5-5"),
        ("claude-sonnet-5-5", "claude-sonnet-5"),
    ],
)
def test_the_newest_of_the_same_family_is_offered_first(gone: str, first: str) -> None:
    """Then others; never the one that is gone."""
    offered = successors.of(gone)
    assert offered[0] == first
    assert gone not in offered
    assert len(offered) == successors.MOST == len(set(offered))


def test_an_unknown_model_has_no_family() -> None:
    """What nobody knows may still be followed by one that is known."""
    assert len(successors.of("my-own-model")) == successors.MOST


def test_the_work_goes_on_with_the_model_that_a_person_names(engine: Engine) -> None:
    """It asks, waits without an attempt lost, and goes on where it was; the next question goes to the other model."""
    model = ScriptedModel([calls(("glob", {"pattern": "*"}), turn=1), GONE])
    engine.start(ScriptedModels(model))
    asked = engine.submit(Submission(prompt="Work.", model="claude-opus-4-1"))
    waiting = until(engine, asked.id, lambda one: one.status is Status.WAITING_FOR_INPUT)
    [question] = engine.questions()
    assert (question.options[0], waiting.turn) == ("Use claude-opus-5-5", 1)
    with pytest.raises(errors.InvalidInput, match="and a model"):
        engine.answer(question.id, "whatever", by="a test")
    model._script = [model._script[0], says("Done.")]
    engine.answer(question.id, "Use my-model", by="a test")
    ended = until(engine, asked.id, has_ended)
    engine.stop()
    assert (ended.status, ended.model, ended.attempt, ended.turn) == (Status.COMPLETED, "my-model", 1, 2)
    assert model.requests[-1].model == "my-model"


def test_a_person_may_stop_it(engine: Engine) -> None:
    """Then it is called off."""
    engine.start(ScriptedModels(ScriptedModel([GONE])))
    asked = engine.submit(Submission(prompt="Work.", model="claude-opus-4-1"))
    until(engine, asked.id, lambda one: one.status is Status.WAITING_FOR_INPUT)
    engine.answer(engine.questions()[0].id, "stop", by="a test")
    assert until(engine, asked.id, has_ended).status is Status.CANCELLED
    engine.stop()
