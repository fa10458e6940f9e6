"""An agent that goes round in circles is told of, and asked about before it costs."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from baara_engine import errors
from baara_engine.agent.model import Answer
from baara_engine.engine import Engine
from baara_engine.health import asking
from baara_engine.records import Execution, Question
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Status
from baara_engine.testing import legality
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

LONG = 30.0  # seconds that no wait here takes unless something is wrong
LOOP = [calls(("bash", {"command": "echo x >> runs; echo same"}), turn=turn) for turn in range(1, 30)]
FAILS = [calls(("read", {"file_path": f"nowhere-{turn}"}), turn=turn) for turn in range(1, 30)]

Start = Callable[..., ScriptedModel]


@pytest.fixture
def start(engine: Engine) -> Iterator[Start]:
    """Give a function that lets the engine work with a model that follows a script."""

    def begin(script: list[Answer]) -> ScriptedModel:
        model = ScriptedModel(script)
        engine.start(ScriptedModels(model))
        return model

    yield begin
    engine.stop()


def until(engine: Engine, execution: Execution, *wanted: Status) -> Execution:
    deadline = time.monotonic() + LONG
    while (now := engine.execution(execution.id)).status not in (wanted or ENDED):
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def asked(engine: Engine, execution: Execution) -> Question:
    until(engine, execution, Status.WAITING_FOR_INPUT)
    [question] = engine.questions()
    return question


def told(engine: Engine, kind: str) -> list[str]:
    events = (event.data for event in engine.events(limit=1000) if event.kind == "finding")
    return [data["state"] for data in events if data["kind"] == kind]


def runs(engine: Engine, execution: Execution) -> int:
    return sum(1 for call in engine.journal(execution.id)[1] if call.name == "bash" and not call.is_error)


def test_the_same_call_is_told_after_three_and_asked_about_after_five(engine: Engine, start: Start) -> None:
    """Before the sixth it waits for a person, with the exact call; it holds no worker meanwhile."""
    start(LOOP)
    execution = engine.submit(Submission(prompt="Loop."))
    question = asked(engine, execution)
    assert (question.kind, question.options, question.turn) == ("repeating", (asking.GO_ON, asking.STOP), 6)
    assert question.text.startswith("“bash” was called 5 times in a row, with the same input and result.")
    assert question.detail == {"tool": "bash", "input": {"command": "echo x >> runs; echo same"}}
    assert runs(engine, execution) == 5
    assert told(engine, "repeating") == ["found"]
    assert [one.kind for one in engine.health()] == ["repeating"]


def test_what_may_go_on_is_asked_about_again_after_five_more(engine: Engine, start: Start) -> None:
    """A person's word lets the call run, and counts for five calls."""
    start(LOOP)
    execution = engine.submit(Submission(prompt="Loop."))
    engine.answer(asked(engine, execution).id, "go on", by="test")
    until(engine, execution, Status.RUNNING, Status.WAITING_FOR_INPUT)
    until(engine, execution, Status.WAITING_FOR_INPUT)
    assert runs(engine, execution) == 10
    [question] = engine.questions()
    assert question.turn == 11


def test_work_in_circles_can_be_stopped(engine: Engine, start: Start) -> None:
    """Stopped by its answer it is cancelled, and nothing about it is open any more."""
    start(LOOP)
    execution = engine.submit(Submission(prompt="Loop."))
    question = asked(engine, execution)
    engine.answer(question.id, asking.STOP, by="test")
    assert until(engine, execution).status is Status.CANCELLED
    assert (engine.health(), engine.questions()) == ([], [])
    with pytest.raises(errors.Refused, match="answered already"):
        engine.answer(question.id, asking.GO_ON, by="test")


def test_other_words_are_the_result_of_the_next_call(engine: Engine, start: Start) -> None:
    """The agent reads them in place of the call, which is not run, and the conversation stays legal."""
    model = start([*LOOP[:6], says("Understood.")])
    execution = engine.submit(Submission(prompt="Loop."))
    engine.answer(asked(engine, execution).id, "Look at the log instead.", by="test")
    assert until(engine, execution).output == "Understood."
    [result] = model.requests[-1].messages[-1]["content"]
    assert result["content"][0]["text"] == f"{asking.NOT_RUN} Look at the log instead."
    assert result["is_error"]
    assert runs(engine, execution) == 5
    request = model.requests[-1]
    sent = {"model": "m", "max_tokens": 1, "messages": request.messages, "tools": request.tools}
    assert legality.problem(json.loads(json.dumps(sent))) is None


def test_ten_turns_of_failures_are_asked_about(engine: Engine, start: Start) -> None:
    """Different calls that all fail are no progress: before the eleventh turn's call a person is asked."""
    start(FAILS)
    execution = engine.submit(Submission(prompt="Fail."))
    question = asked(engine, execution)
    assert (question.kind, question.turn) == ("repeating", 11)
    assert question.text.startswith("In the last 10 turns every call failed.")
    assert told(engine, "no_progress") == ["found"]
    assert len(engine.journal(execution.id)[1]) == 10


def test_a_question_about_circles_survives_a_restart(engine: Engine, start: Start) -> None:
    """The engine may stop and start: the execution waits, the question is the same, and its answer counts."""
    start(LOOP)
    execution = engine.submit(Submission(prompt="Loop."))
    question = asked(engine, execution)
    engine.stop()
    engine.start(ScriptedModels(ScriptedModel([*LOOP[:6], says("done")])))
    assert [one.id for one in engine.questions()] == [question.id]
    engine.answer(question.id, asking.GO_ON, by="test")
    assert until(engine, execution).output == "done"
    assert runs(engine, execution) == 6


def test_six_equal_calls_in_one_answer_are_seen_too(engine: Engine, start: Start) -> None:
    """Calls of one answer count like those of several: the sixth is asked about."""
    use = ("bash", {"command": "echo same"})
    start([calls(*[use] * 8, turn=1), says("done")])
    execution = engine.submit(Submission(prompt="Loop."))
    asked(engine, execution)
    assert runs(engine, execution) == 5


def test_work_that_gets_on_is_left_alone(engine: Engine, start: Start) -> None:
    """The same call with another result each time, or a success now and then, is no circle."""
    grows = [calls(("bash", {"command": "echo x >> n; wc -l < n"}), turn=turn) for turn in range(1, 13)]
    start([*grows, says("done")])
    execution = engine.submit(Submission(prompt="Grow."))
    assert until(engine, execution).output == "done"
    assert (told(engine, "repeating"), told(engine, "no_progress")) == ([], [])
