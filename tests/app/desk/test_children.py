"""Processes that show something: their pipes, their lacks, their falls."""

import queue
import signal
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from baara_app.desk import children, screens
from baara_app.desk.children import ENDED, LACKING, Child

LONG_S = 30.0


class Ear:
    """Hears a child."""

    def __init__(self) -> None:
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()

    def __call__(self, _name: str, said: dict[str, Any]) -> None:
        self.said.put(said)

    def hear(self) -> dict[str, Any]:
        return self.said.get(timeout=LONG_S)


@pytest.fixture
def ear() -> Ear:
    """Hear what is said."""
    return Ear()


Begin = Callable[[str], Child]


@pytest.fixture
def begin(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Give what starts a child where there is neither a screen nor a bus."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    made: list[Child] = []

    def start(name: str) -> Child:
        made.append(Child(name, ear))
        return made[-1]

    yield start
    for child in made:
        child.close()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tray", {"state": "idle", "tip": "", "menu": []}),
        ("window", {"home": "/nonexistent", "page": "/", "go": True}),
        ("notifier", {"key": "a", "title": "b", "body": "c"}),
    ],
)
def test_what_cannot_be_had_is_told(begin: Begin, ear: Ear, name: str, message: dict[str, Any]) -> None:
    """Without a screen, a bus or an engine each says why in a sentence, and ends."""
    begin(name).tell("notify" if name == "notifier" else "show", **message)
    said = ear.hear()
    assert (said["said"], len(str(said["why"])) > 10) == ("lacks", True)
    assert (ear.hear()["said"], True) == (ENDED, True)


def test_a_child_ends_with_its_pipe(begin: Begin, ear: Ear) -> None:
    """Closed, it leaves by itself, without a word and without being killed."""
    child = begin("tray")
    child.close()
    said = ear.hear()
    assert (said["said"], said["status"]) == (ENDED, 0)
    assert not psutil.pid_exists(child.pid)


def test_a_child_of_which_nothing_is_left_can_be_told_things(begin: Begin, ear: Ear) -> None:
    """Messages to the dead are lost, and nothing else happens."""
    child = begin("tray")
    psutil.Process(child.pid).kill()
    assert ear.hear()["status"] == -signal.SIGKILL
    child.tell("show", state="idle")


class FallenChild:
    """A child that has no process."""

    def __init__(self, _name: str, _told: children.Told) -> None:
        self.pid = 7
        self.heard: list[str] = []

    def tell(self, what: str, **_more: Any) -> None:
        self.heard.append(what)

    def close(self) -> None:
        """Be gone."""


@pytest.mark.expects_log("fell over")
def test_what_falls_over_again_and_again_is_left(ear: Ear) -> None:
    """It is started again after longer and longer pauses, and then not any more; after a while it is forgiven."""
    start: Any = FallenChild
    screen = screens.Screen("tray", ear, start)
    pauses = []
    for now in (0.0, 1.0, 2.0, 3.0):
        assert screen.tell("show") or screen.lacks
        pauses.append(screen.has_ended(7, -11, now))
    assert pauses == [*screens.AGAIN_S, None]
    assert "fell over 4 times" in str(screen.lacks)
    assert not screen.tell("show")
    patient = screens.Screen("tray", ear, start)
    for now in (0.0, 1000.0, 2000.0, 3000.0, 4000.0):
        patient.tell("show")
        assert patient.has_ended(7, -11, now) == screens.AGAIN_S[0]


def test_the_end_of_another_is_not_its_own(ear: Ear) -> None:
    """What an earlier process says last does not end the one that there is now."""
    start: Any = FallenChild
    screen = screens.Screen("tray", ear, start)
    screen.tell("show")
    assert screen.has_ended(8, 0, 0.0) is None
    assert screen.is_there


def test_what_it_lacks_is_not_tried_again(ear: Ear) -> None:
    """A status of its own says that starting it anew would help nobody."""
    start: Any = FallenChild
    screen = screens.Screen("tray", ear, start)
    screen.tell("show")
    screen.lacks = "There is no tray."
    assert screen.has_ended(7, LACKING, 0.0) is None
    assert not screen.tell("show")
