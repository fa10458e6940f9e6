"""The monitor inside a working engine, on a clock that stands still."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from baara_engine.agent.model import Answer, OnPiece, Request
from baara_engine.engine import Engine
from baara_engine.health import asking, monitor
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.clocks import FakeClock
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

Until = Callable[[Callable[[], object]], None]


@pytest.fixture
def start(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[ScriptedModel], None]]:
    """Give a function that lets the engine work, with a monitor that looks all the time."""
    monkeypatch.setattr(monitor, "SWEEP_S", 0.1)
    monkeypatch.setattr(monitor, "ASKING_S", 0.1)
    yield lambda model: engine.start(ScriptedModels(model))
    engine.stop()


def sleeping(seconds: str) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", seconds]]


def test_a_stuck_command_is_ended_by_an_answer(
    engine: Engine, clock: FakeClock, start: Callable[[ScriptedModel], None], until: Until
) -> None:
    """The person's words end its processes and are its result; the agent goes on in the same lease."""
    heard = says("I see.")
    start(ScriptedModel([calls(("bash", {"command": "touch begun; sleep 4251"}), turn=1), heard]))
    execution = engine.submit(Submission(prompt="x"))
    until((Path(execution.workspace) / "begun").exists)
    clock.advance(monitor.PATIENCE["bash"].stuck + 1)
    until(engine.questions)
    assert engine.execution(execution.id).status is Status.RUNNING
    engine.answer_execution(execution.id, "Enough.", by="test")
    until(lambda: engine.execution(execution.id).status is Status.COMPLETED)
    messages, [call] = engine.journal(execution.id)
    assert [message.role for message in messages] == ["user", "assistant", "user", "assistant"]
    assert call.result == [{"type": "text", "text": f"{asking.ENDED} Enough."}]
    assert (sleeping("4251"), len(engine.attempts(execution.id))) == ([], 1)
    assert [one for one in engine.health() if one.execution_id] == []


def test_the_command_of_a_check_that_is_stuck_is_ended_by_an_answer(
    engine: Engine, clock: FakeClock, start: Callable[[ScriptedModel], None], until: Until
) -> None:
    """It has not passed then; the agent hears that and the person's words, and the next round may pass."""
    model = ScriptedModel([says("Done."), says("Done now.")])
    start(model)
    execution = engine.submit(Submission(prompt="x", checks=("command:test -e begun || { touch begun; sleep 4252; }",)))
    until((Path(execution.workspace) / "begun").exists)
    clock.advance(monitor.PATIENCE["check"].stuck + 1)
    until(engine.questions)
    [question] = engine.questions()
    assert question.text.startswith("No sign of life from the command of a check for 15 min.")
    engine.answer(question.id, "It hangs.", by="test")
    until(lambda: engine.execution(execution.id).status is Status.COMPLETED)
    [words, sent_back] = [block["text"] for block in model.requests[-1].messages[-1]["content"]]
    assert (words, "A person has ended it." in sent_back) == ("It hangs.", True)
    assert (engine.execution(execution.id).outcome, sleeping("4252")) == ("Done", [])


class Hanging(ScriptedModel):
    """Says nothing the first time, and answers the second."""

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        if not self.requests:
            self.requests.append(request)
            await asyncio.Event().wait()
        return await super().answer(request, on_piece)


def test_a_silent_model_is_asked_once_more_by_an_answer(
    engine: Engine, clock: FakeClock, start: Callable[[ScriptedModel], None], until: Until
) -> None:
    """The call is given up without an attempt being used up, and the next one hears what the person said."""
    model = Hanging([says("Yes.")])
    start(model)
    execution = engine.submit(Submission(prompt="x", max_retries=0))
    until(lambda: model.requests)
    clock.advance(monitor.PATIENCE["model"].stuck + 1)
    until(engine.questions)
    engine.answer_execution(execution.id, "Be brief.", by="test")
    until(lambda: engine.execution(execution.id).status is Status.COMPLETED)
    sent = [block["text"] for message in model.requests[-1].messages for block in message["content"]]
    assert sent == ["x", "Be brief."]
    assert engine.execution(execution.id).attempt == 1
