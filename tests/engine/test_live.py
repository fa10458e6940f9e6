"""What agents write is shown while they write it: in order, without secrets, and taken back if it comes to nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baara_engine import live, redaction
from baara_engine.agent import models
from baara_engine.agent.model import ALIVE, Piece
from baara_engine.config import Config
from baara_engine.engine import Engine
from baara_engine.live import Sight, What
from baara_engine.records import Execution
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Status
from baara_engine.testing import replies
from baara_engine.testing.messages_server import MessagesServer
from baara_engine.testing.replies import Reply

LONG_S = 30.0
LONG_TEXT = "The first sentence says little. " * 30
KEY = "sk-ant-api03-a-canary-of-some-length"


def words(count: int) -> str:
    return "word " * count


def test_pieces_come_in_order_and_together(home: Path) -> None:
    """What was not taken yet is put together, block by block; a mere sign of life is nothing to see."""
    shown = live.Live()
    with shown.watch("one") as watching, shown.writing("one", 3) as writing:
        for piece in (Piece("thinking", words(60)), ALIVE, Piece("text", words(60), 1), Piece("text", words(60), 1)):
            writing.take(piece)
        writing.take(Piece("input", "", 2, "bash"))
        [thought, text, call] = watching.take()
        assert (thought.what, text.what, call.what) == (What.THINKING, What.TEXT, What.INPUT)
        assert (text.index, call.index, call.name) == (1, 2, "bash")
        assert text.text == words(120)[: len(text.text)]
        assert len(text.text) > len(words(60))
        assert watching.take() == []
        writing.completed()
        assert watching.take() == [Sight("one", 3, What.COMPLETE)]
    assert watching.take() == []


def test_what_comes_to_nothing_is_withdrawn() -> None:
    """Whoever saw some of it is told; whoever has not taken it yet sees nothing else of it."""
    shown = live.Live()
    with shown.watch() as quick, shown.watch() as slow, shown.watch("another") as elsewhere:
        with shown.writing("one", 1) as writing:
            writing.take(Piece("text", words(60)))
            assert [sight.what for sight in quick.take()] == [What.TEXT]
        assert quick.take() == slow.take() == [Sight("one", 1, What.WITHDRAWN)]
        assert elsewhere.take() == []


def test_whoever_comes_late_sees_it_from_the_beginning() -> None:
    """And whoever comes when it is over sees nothing: it stands in the journal."""
    shown = live.Live()
    with shown.writing("one", 1) as writing:
        writing.take(Piece("text", words(60)))
        writing.take(Piece("text", words(60)))
        with shown.watch() as late:
            assert late.take()[0].text.startswith(words(60))
        writing.completed()
    with shown.watch() as too_late:
        assert too_late.take() == []


def test_news_is_told_once_until_it_is_taken() -> None:
    """A thousand pieces wake nobody a thousand times."""
    shown, told = live.Live(), []
    with shown.watch("one", lambda: told.append(1)) as watching, shown.writing("one", 1) as writing:
        for _ in range(1000):
            writing.take(Piece("text", words(40)))
        assert len(told) == 1
        watching.take()
        writing.take(Piece("text", words(40)))
        assert len(told) == 2


def test_nobody_fills_the_memory() -> None:
    """An answer without an end is shown up to a limit, and whoever takes nothing holds a bounded number of parts."""
    shown = live.Live()
    with shown.watch() as asleep:
        with shown.writing("one", 1) as writing:
            for _ in range(100):
                writing.take(Piece("text", words(2000)))
            assert sum(len(sight.text) for sight in asleep.take()) < live.MOST_CHARS + len(words(2001))
        for turn in range(live.MOST_WAITING + 100):
            shown.tell(Sight("two", turn, What.COMPLETE))
        assert len(asleep.take()) == live.MOST_WAITING


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(0, 300))
def test_no_secret_is_shown_however_it_comes(cuts: list[int], before: int) -> None:
    """Cut into pieces of any size, with any text before it, a key is hidden, and the rest is shown."""
    text = ("so it is " * 40)[:before] + " " + KEY + " and then " + words(80)
    shown = live.Live()
    with shown.watch() as watching, shown.writing("one", 1) as writing:
        at = 0
        for size in [*cuts, len(text)]:
            writing.take(Piece("text", text[at : at + size]))
            at += size
        seen = "".join(sight.text for sight in watching.take())
    assert "canary" not in seen
    assert redaction.Secrets().text(text).startswith(seen)


def test_people_can_read_along() -> None:
    """Of text with nothing of a secret, no more than the last words are held back."""
    stream = redaction.Stream(redaction.Secrets())
    told = ""
    for number in range(100):
        told += stream.feed(f"word{number} ")
    assert len("".join(f"word{number} " for number in range(100))) - len(told) < redaction.BEFORE_LITERAL + 10


# ---------------------------------------------------------------- with an engine


@contextmanager
def at_work(home: Path, *script: Reply) -> Iterator[Engine]:
    """Let an engine work against a service of ours."""
    with MessagesServer(list(script)) as server:
        settings = Config(base_url=server.url)
        engine = Engine(home, config_=settings)
        engine.start(models.Models(lambda: "a-key-of-no-account", lambda: settings))
        try:
            yield engine
        finally:
            engine.close()


def ended(engine: Engine, execution: Execution) -> Execution:
    deadline = time.monotonic() + LONG_S
    while (now := engine.execution(execution.id)).status not in ENDED and time.monotonic() < deadline:
        time.sleep(0.02)
    return now


def collected(watching: live.Watching, news: threading.Event, is_over: Callable[[list[Sight]], bool]) -> list[Sight]:
    seen: list[Sight] = []
    deadline = time.monotonic() + LONG_S
    while not is_over(seen) and time.monotonic() < deadline:
        news.wait(1)
        news.clear()
        seen += watching.take()
    return seen


@pytest.mark.parametrize("breaks", [False, True])
def test_an_answer_is_seen_while_it_comes(home: Path, breaks: bool) -> None:  # noqa: FBT001 - a table
    """Its text is there before it is complete, and is withdrawn where the stream breaks off."""
    whole = replies.says(LONG_TEXT)
    script = [whole.cut(2500), whole] if breaks else [whole]
    news = threading.Event()
    with at_work(home, *script) as engine, engine.live.watch(None, news.set) as watching:
        asked = engine.submit(Submission(prompt="Tell me.", model="claude-opus-5-5"))
        if breaks:
            seen = collected(watching, news, lambda one: What.WITHDRAWN in {sight.what for sight in one})
            assert seen[-1].what is What.WITHDRAWN
        seen = collected(watching, news, lambda one: What.COMPLETE in {sight.what for sight in one})
        assert seen[-1] == Sight(asked.id, 1, What.COMPLETE)
        done = ended(engine, asked)
        assert (done.status, done.output) == (Status.COMPLETED, LONG_TEXT.strip())
