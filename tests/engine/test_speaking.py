"""Talking to agents: what can be said to whom, and going on in a thread after the end."""

from pathlib import Path

import pytest
from tests.engine.waits import has_ended, until

from baara_engine import errors, events
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

WAIT = "until [ -e go ]; do sleep 0.02; done"


def test_what_is_said_while_it_works_is_heard_after_the_call(engine: Engine, tmp_path: Path) -> None:
    """It is acknowledged at once, stands in the thread, comes with the result of the call, and then is marked heard."""
    model = ScriptedModel([calls(("bash", {"command": WAIT}), turn=1), says("Blue.")])
    engine.start(ScriptedModels(model))
    asked = engine.submit(Submission(prompt="Paint it.", workspace=str(tmp_path)))
    until(engine, asked.id, lambda one: one.turn == 1)
    said = engine.say(asked.id, "Blue, please.", by="a person")
    assert (said.heard_at, engine.said(asked.id)) == (None, [said])
    (tmp_path / "go").touch()
    assert until(engine, asked.id, has_ended).output == "Blue."
    engine.stop()
    [result, word] = model.requests[-1].messages[-1]["content"]
    assert (result["type"], word) == ("tool_result", {"type": "text", "text": "Blue, please."})
    [heard] = engine.said(asked.id)
    assert (heard.turn, heard.heard_at is None) == (1, False)
    thread = engine.thread(asked.thread_id)[1]
    assert [message.body for message in thread if message.kind == "prompt"] == ["Paint it.", "Blue, please."]
    states = [event.data["state"] for event in engine.events() if event.kind == events.Kind.SAID]
    assert states == ["sent", "heard"]


def test_what_is_said_to_queued_work_is_heard_at_its_beginning(engine: Engine) -> None:
    """Nobody has to wait until it begins."""
    asked = engine.submit(Submission(prompt="Paint it."))
    engine.say(asked.id, "Blue, please.", by="a person")
    model = ScriptedModel([says("Blue.")])
    engine.start(ScriptedModels(model))
    until(engine, asked.id, has_ended)
    engine.stop()
    assert [block["text"] for block in model.requests[0].messages[0]["content"]] == ["Paint it.", "Blue, please."]


def test_a_word_opens_a_gate(engine: Engine) -> None:
    """A person who says something wants it done, whether or not there was anything to do by itself."""
    asked = engine.submit(Submission(prompt="Look at the post.", gate="exit 1"))
    engine.say(asked.id, "Look again.", by="a person")
    engine.start(ScriptedModels(ScriptedModel([says("Looked.")])))
    assert until(engine, asked.id, has_ended).output == "Looked."
    engine.stop()


def test_whoever_cannot_hear_says_so(engine: Engine) -> None:
    """A command, and what has ended, refuse with what to do instead; nothing is kept."""
    command = engine.submit(Submission(prompt="true", kind=Kind.COMMAND))
    with pytest.raises(errors.Refused, match="A command hears nothing"):
        engine.say(command.id, "Hello?", by="a person")
    gone = engine.submit(Submission(prompt="Work."))
    engine.cancel(gone.id)
    with pytest.raises(errors.Refused, match="Reply in its thread"):
        engine.say(gone.id, "Hello?", by="a person")
    with pytest.raises(errors.InvalidInput):
        engine.say(gone.id, " ", by="a person")
    assert engine.said(gone.id) == []


def test_a_reply_goes_on_with_the_conversation(engine: Engine, tmp_path: Path) -> None:
    """Where the work has ended, a reply is another execution in the same thread and folder that knows all of it."""
    model = ScriptedModel([says("It is teal."), says("Because of the light.")])
    engine.start(ScriptedModels(model))
    asked = engine.submit(Submission(prompt="Which colour?", workspace=str(tmp_path)))
    until(engine, asked.id, has_ended)
    reply = engine.reply(asked.thread_id, "Why?", by="a person")
    assert until(engine, reply.id, has_ended).output == "Because of the light."
    engine.stop()
    assert (reply.id != asked.id, reply.thread_id, reply.workspace) == (True, asked.thread_id, str(tmp_path))
    told = [(message["role"], message["content"][0]["text"]) for message in model.requests[-1].messages]
    assert told == [("user", "Which colour?"), ("assistant", "It is teal."), ("user", "Why?")]


def test_a_reply_to_work_in_progress_is_heard_by_it(engine: Engine) -> None:
    """No second execution is made beside the one at work."""
    asked = engine.submit(Submission(prompt="Paint it."))
    assert engine.reply(asked.thread_id, "Blue.", by="a person").id == asked.id
    assert [said.text for said in engine.said(asked.id)] == ["Blue."]
    assert engine.execution(asked.id).status is Status.QUEUED


def test_a_thread_without_an_agent_has_nobody_to_reply_to(engine: Engine) -> None:
    """It is said, and nothing is submitted."""
    command = engine.submit(Submission(prompt="true", kind=Kind.COMMAND))
    with pytest.raises(errors.Refused, match="no agent's work"):
        engine.reply(command.thread_id, "And now?", by="a person")
