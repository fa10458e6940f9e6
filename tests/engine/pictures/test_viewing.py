"""An agent looks at a picture: the model gets it, and goes on getting it after a restart."""

import base64
import time
from pathlib import Path

from PIL import Image

from baara_engine.agent import shrinking
from baara_engine.engine import Engine
from baara_engine.records import Json
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Status
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels, calls, says

LONG_S = 30.0


def looked(home: Path, workspace: Path, model_id: str) -> list[Json]:
    """Let an agent look at `plot.png`; give the content that the model got for it."""
    Image.new("RGB", (64, 48), "teal").save(workspace / "plot.png")
    script: list[Line] = [calls(("view", {"file_path": "plot.png"}), turn=1), says("It is teal.")]
    model, engine = ScriptedModel(script), Engine(home)
    engine.start(ScriptedModels(model))
    asked = engine.submit(Submission(prompt="Look.", workspace=str(workspace), model=model_id))
    deadline = time.monotonic() + LONG_S
    while engine.execution(asked.id).status not in ENDED and time.monotonic() < deadline:
        time.sleep(0.02)
    assert engine.execution(asked.id).status is Status.COMPLETED
    engine.close()
    again = Engine(home)  # whatever it was, it is in the journal and fits its checksum
    messages, _ = again.journal(asked.id)
    again.close()
    assert model.requests[-1].messages[2]["content"] == messages[2].content
    content: list[Json] = messages[2].content[0]["content"]
    return content


def test_a_model_that_sees_gets_the_picture(home: Path, tmp_path: Path) -> None:
    """Its bytes are in the tool's result, beside its name and size."""
    text, picture = looked(home, tmp_path, "claude-opus-5-5")
    assert text["text"] == "plot.png: 64 × 48 pixels"
    assert picture["source"]["media_type"] == "image/png"
    assert base64.b64decode(picture["source"]["data"]) == (tmp_path / "plot.png").read_bytes()


def test_a_model_that_may_not_see_is_told(home: Path, tmp_path: Path) -> None:
    """A service that takes no pictures would refuse the whole conversation, for good."""
    [text] = looked(home, tmp_path, "some-local-model")
    assert text["text"] == "plot.png: 64 × 48 pixels\n[not shown: this model is not known to see pictures]"


def test_no_question_has_more_pictures_than_the_service_takes() -> None:
    """The oldest go, many at a time, so that what is sent seldom changes at its beginning."""
    picture = {"type": "image", "source": {"data": "…"}}
    results = [{"type": "tool_result", "tool_use_id": str(n), "content": [picture]} for n in range(130)]
    sent: list[list[Json]] = [
        [block["content"][0] for message in shrinking.thinned([{"role": "user", "content": results[:count]}])
         for block in message["content"]]
        for count in range(130)
    ]  # fmt: skip
    assert all(seen.count(picture) <= shrinking.MOST_PICTURES for seen in sent)
    assert [seen.count(picture) for seen in sent[80:83]] == [80, 41, 42]
    assert all(seen.index(picture) % shrinking.AT_ONCE == 0 for seen in sent[1:])
    assert results[0]["content"] == [picture]


def test_a_summary_is_asked_for_without_pictures() -> None:
    """Where the room is short, pictures go before words do."""
    picture = {"type": "image", "source": {"data": "x" * 100}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "w" * 300}, picture, picture]}]
    assert shrinking.fitted(messages, 600)[0]["content"] == [messages[0]["content"][0], *[shrinking.LEFT_OUT] * 2]
