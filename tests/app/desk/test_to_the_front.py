"""On Wayland a window comes to the front by a word that a person's click has given, which is handed on to it."""

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from baara_app import browsing, desktop, handshake, reaching
from baara_app.desk import desk, routes, window
from baara_engine import errors
from baara_engine.engine import Engine

TOKEN = "kwin-17-of-a-click"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Wayland is a matter of Linux")


class Told:
    """A child that is told things."""

    pid = 1

    def __init__(self, name: str, _told: Any) -> None:
        self.name = name
        self.heard: list[dict[str, Any]] = []
        MADE.append(self)

    def tell(self, what: str, **more: Any) -> None:
        self.heard.append({"do": what, **more})

    def close(self) -> None: ...


MADE: list[Told] = []


@pytest.fixture(autouse=True)
def _on_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    MADE.clear()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")


def test_it_is_taken_once_and_by_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the shell has set it or a toolkit, which Python does not hear of."""
    monkeypatch.setenv(browsing.TOKEN, TOKEN)
    assert (browsing.take_activation(), browsing.take_activation(), browsing.TOKEN in os.environ) == (TOKEN, "", False)
    ctypes.CDLL(None).setenv(browsing.TOKEN.encode(), TOKEN.encode(), 1)
    assert (browsing.take_activation(), browsing.take_activation()) == (TOKEN, "")


@pytest.mark.parametrize("given", ["x" * 257, "two\nlines", "schlüssel"])
def test_what_is_no_such_word_is_none(monkeypatch: pytest.MonkeyPatch, engine: Engine, given: str) -> None:
    """Rubbish in the environment is left alone; from another process it is refused."""
    monkeypatch.setenv(browsing.TOKEN, given)
    assert browsing.take_activation() == ""
    asked: Any = desk.Desk(engine.home, engine, lambda: None, on_screen=True)
    with pytest.raises(errors.InvalidInput, match="An activation token"):
        routes._done(asked, None, {"do": "show", "token": given})  # type: ignore[arg-type]


def test_a_second_start_hands_it_on(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """With what it asks the first one for."""
    asked: list[dict[str, str]] = []

    def ask(_home: Path, do: str, **more: str) -> dict[str, str]:
        asked.append({"do": do, **more})
        return {"by": "window"}

    monkeypatch.setattr(reaching, "ask_desk", ask)
    monkeypatch.setenv(browsing.TOKEN, TOKEN)
    assert desktop.open_app(home) == 0
    assert asked == [{"do": "show", "token": TOKEN}]


def test_the_window_is_given_it(engine: Engine) -> None:
    """And its toolkit finds it where it looks, before it shows itself."""
    start: Any = Told
    asked = desk.Desk(engine.home, engine, lambda: None, on_screen=True, start=start)
    assert routes._done(asked, None, {"do": "show", "token": TOKEN}) != {"by": handshake.NOBODY}  # type: ignore[arg-type]
    asked._todo.get()()
    [told] = [one for made in MADE if made.name == "window" for one in made.heard]
    assert told == {"do": "show", "home": str(engine.home), "page": "/", "go": False, "token": TOKEN}

    class Shown:
        seen: list[str | None] = []  # noqa: RUF012 - one test, one list

        def show(self) -> None:
            self.seen.append(os.environ.get(browsing.TOKEN))

        restore = show

    class Line:
        def listen(self, *_: Any) -> None: ...
        def say(self, *_: Any, **__: Any) -> None: ...

    line: Any = Line()
    shown = window.Window(line)
    shown._window = Shown()
    shown._first.set()
    shown._told(told)
    assert Shown.seen == [TOKEN, TOKEN]
    browsing.take_activation()
