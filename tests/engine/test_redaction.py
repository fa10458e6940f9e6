"""Secrets: found in every form, hidden before they are written, and nothing else is changed."""

import base64
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from baara_engine import redaction, states
from baara_engine.engine import Engine
from baara_engine.records import Json
from baara_engine.redaction import HIDDEN
from baara_engine.requests import Submission
from baara_engine.store import progress
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

CANARY = 'C4nary-0Vb7/qL+x9Zt"Wk2Rj5'  # of no known shape, with what JSON, URLs and base64 write differently

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "reversed": lambda value: value[::-1],
    "url": lambda value: quote(value, safe=""),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "json": lambda value: json.dumps({"k": value}),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 after one": lambda value: base64.b64encode(b"a" + value.encode() + b"z").decode(),
    "base64 after two": lambda value: base64.b64encode(b"ab" + value.encode()).decode(),
    "url-safe base64": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "header": lambda value: f"Authorization: Bearer {value}",
    "in a sentence": lambda value: f"it was {value}, they say",
}
SHAPES = (
    "sk-ant-api03-abcDEF_123-xyz",
    "sk-proj-abcdefghij0123456789abcd",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijklmnop",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_123",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----",
)
ORDINARY = (
    "task-oriented design of a sk-learn-like-pipeline-with-a-long-name",
    "https://example.org:8080/a@b?token=1 and ssh://host/path",
    "The authorization: it is not needed. A cookie: baked.",
    "toolu_01A09q90qw90lq917835lq9",
    "d41d8cd98f00b204e9800998ecf8427e",
)


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let this process know a secret, and forget it after the test."""
    monkeypatch.setattr(redaction, "known", redaction.Secrets())
    redaction.known.bind(CANARY)
    return CANARY


@pytest.mark.parametrize("form", FORMS)
def test_a_known_value_is_found_in_every_form(form: str) -> None:
    """However it was written down, what is left of it does not tell it any more, and hiding twice is hiding once."""
    secrets = redaction.Secrets()
    secrets.bind(CANARY)
    text = FORMS[form](CANARY)
    hidden = secrets.text(text)
    assert HIDDEN in hidden
    assert not any(part in hidden for part in redaction._forms(CANARY))
    assert secrets.text(hidden) == hidden


@pytest.mark.parametrize("secret", SHAPES)
def test_a_secret_is_known_by_its_shape(secret: str) -> None:
    """A key that nobody has told of is hidden, and the words around it stay."""
    assert redaction.Secrets().text(f"see {secret} there") == f"see {HIDDEN} there"


def test_what_is_named_a_secret_is_one() -> None:
    """The name of a header stays, its value goes; so does the password in an address."""
    hide = redaction.Secrets().text
    assert hide("Authorization: Bearer abcdefgh1") == f"Authorization: Bearer {HIDDEN}"
    assert hide('{"x-api-key": "abcdefgh1"}') == f'{{"x-api-key": "{HIDDEN}"}}'
    assert hide("Cookie: a=b; c=d\nHost: x") == f"Cookie: {HIDDEN}\nHost: x"
    assert hide("https://me:pass@host/x") == f"https://{HIDDEN}@host/x"
    assert HIDDEN in hide(base64.b64encode(b"key=sk-ant-api03-abcdefgh").decode())


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_tells_no_secret_wherever_it_is_cut(form: str) -> None:
    """Two pieces of a form, cut anywhere, tell what the whole text would, and so does a piece for each character."""
    secrets = redaction.Secrets()
    secrets.bind(CANARY)
    around = "and so on, " * 80
    text = around + FORMS[form](CANARY) + " " + around
    for cut in range(len(around) - 1, len(text) - len(around) + 1):
        stream = redaction.Stream(secrets)
        assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.close() == secrets.text(text)
    stream = redaction.Stream(secrets)
    assert "".join(map(stream.feed, text)) + stream.close() == secrets.text(text)


@pytest.mark.parametrize("secret", [*SHAPES, "Authorization: Bearer abcdefgh1", "https://me:password@host/x"])
def test_a_stream_knows_shapes_wherever_it_is_cut(secret: str) -> None:
    """A key that nobody has told of is hidden, too, and the text before it has gone out by then."""
    text = "and so on, " * 80 + secret + " and so on" * 80
    for cut in range(870, 890 + len(secret)):
        stream = redaction.Stream(redaction.Secrets())
        first = stream.feed(text[:cut])
        assert first
        assert first + stream.feed(text[cut:]) + stream.close() == redaction.Secrets().text(text)


def test_a_stream_holds_back_no_more_than_so_much() -> None:
    """A key without an end is hidden, and does not fill the memory."""
    stream = redaction.Stream(redaction.Secrets())
    told = [stream.feed("sk-ant-" + "a" * 1000)] + [stream.feed("a" * 1000) for _ in range(70)]
    assert HIDDEN in "".join(told)
    assert len(stream._held) <= redaction.MOST_HELD


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    """What only looks a little like a secret is not touched."""
    assert redaction.Secrets().text(text) == text


def test_blocks_stay_what_they_are(canary: str) -> None:
    """Ids and signatures come back as they were, inputs stay JSON, and a signed thought is whole or gone."""
    thought = {"type": "thinking", "thinking": f"it is {canary}", "signature": "s"}
    clean = {"type": "thinking", "thinking": "hm", "signature": canary}
    call: Json = {"type": "tool_use", "id": canary, "name": "bash", "input": {"type": "text", "data": [canary]}}
    content = redaction.known.content("assistant", [thought, clean, call])
    assert content == [clean, call | {"input": {"type": "text", "data": [HIDDEN]}}]
    assert redaction.known.content("assistant", [thought])[0]["text"] == redaction.HIDDEN_THOUGHT
    typed = [{"type": "text", "text": canary}]
    assert redaction.known.content("user", typed) == typed


def test_nothing_in_a_home_holds_a_secret_that_was_not_typed(canary: str, engine: Engine, tmp_path: Path) -> None:
    """After work whose model, tools and end speak of a secret in all forms, no file of the home but the work has it."""
    spoken = "\n".join(form(canary) for form in FORMS.values())
    work = tmp_path / "work"
    work.mkdir()
    (work / "secret").write_text(spoken)
    turns = [
        calls(("bash", {"command": "cat secret; cat secret >&2; false"}), ("read", {"file_path": "secret"}), turn=1)
    ]
    turns += [calls(("report", {"title": canary, "markdown": spoken}), turn=2), says(spoken)]
    engine.start(ScriptedModels(ScriptedModel(turns)))
    execution = engine.submit(Submission(prompt="Work.", workspace=str(work)))
    deadline = time.monotonic() + 60
    while engine.execution(execution.id).status not in states.ENDED and time.monotonic() < deadline:
        time.sleep(0.02)
    engine.stop()
    engine.back_up()
    assert HIDDEN in (engine.execution(execution.id).output or "")
    parts = [part.encode() for part in redaction._forms(canary)]
    files = [path for path in engine.home.rglob("*") if path.is_file()]
    assert len(files) > 2
    found = {str(path.relative_to(engine.home)) for path in files if any(part in path.read_bytes() for part in parts)}
    assert found == set()


def test_notes_of_progress_hold_no_secret(canary: str, engine: Engine) -> None:
    """What the agent has noted about its work is stored without the secret, under a checksum that fits."""
    execution = engine.submit(Submission(prompt="Work."))
    told = {"constraints": [canary], "done": [f"used {canary}"], "next_": canary, "replace": False}
    engine.store.write(lambda tx: progress.note(tx, execution.id, **told))  # type: ignore[arg-type]
    noted = engine.store.read(lambda view: progress.get(view, execution.id))
    assert (noted.constraints, noted.done, noted.next) == ((HIDDEN,), (f"used {HIDDEN}",), HIDDEN)


@pytest.mark.expects_log("hidden")
def test_logs_hold_no_secret(canary: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the line, nor its arguments, nor the trace of an error shows it."""
    before = logging.getLogRecordFactory()
    try:
        redaction.guard_logs()
        logging.getLogger("some").error("it was %s", canary, exc_info=ValueError(canary))
    finally:
        logging.setLogRecordFactory(before)
    assert HIDDEN in caplog.text
    assert canary not in caplog.text
