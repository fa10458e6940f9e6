"""Notifications, as a real daemon shows them."""

import re
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.app.desk import rig
from tests.app.desk.rig import Desktop, until

from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission

LACKING = rig.lacking()
pytestmark = [pytest.mark.skipif(LACKING is not None, reason=str(LACKING)), pytest.mark.timeout(300)]
SHOWN = re.compile(r"summary: '(.*)'\n\tbody: '(.*)'")


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """Give a desktop on which notifications are shown, and Baara without its window."""
    with rig.desktop(tmp_path) as made:
        (tmp_path / "home" / ".config" / "dunst").mkdir(parents=True)
        # A click is the usual action; none goes away by itself.
        (tmp_path / "home" / ".config" / "dunst" / "dunstrc").write_text(
            "[global]\n  mouse_left_click = do_action, close_current\n  idle_threshold = 0\n"
            "[urgency_normal]\n  timeout = 0\n"
        )
        made.environment["XDG_CONFIG_HOME"] = str(tmp_path / "home" / ".config")
        with (tmp_path / "shown").open("w") as shown:
            daemon = subprocess.Popen(["dunst", "-print"], env=made.environment, stdout=shown, text=True)
        made.running.append(daemon)
        until(lambda: "Notifications" in made.ask(*NAMES), "the daemon")
        yield made


NAMES = (
    "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames"
)  # fmt: skip


@pytest.fixture
def engine(desktop: Desktop) -> Iterator[Engine]:
    """Give the home beside the engine that works on it."""
    desktop.baara()
    until(lambda: "Baara" in desktop.windows(), "the window")
    desktop.ask("wmctrl", "-c", "Baara")
    until(lambda: any("works on" in title for title, _ in shown(desktop)), "its word that it works on")
    opened = Engine(Path(desktop.environment["BAARA_HOME"]))
    yield opened
    opened.close()


def shown(desktop: Desktop) -> list[tuple[str, str]]:
    """Give all that was ever shown: titles and bodies."""
    return SHOWN.findall((desktop.folder / "shown").read_text())


def titles(desktop: Desktop) -> list[str]:
    return [title for title, _ in shown(desktop) if "works on" not in title]


def on_screen(desktop: Desktop) -> int:
    """Count what is shown now."""
    return int(desktop.ask("dunstctl", "count", "displayed") or 0)


def command(engine: Engine, prompt: str, name: str, **said: object) -> str:
    given = {"prompt": prompt, "kind": Kind.COMMAND, "name": name, "max_retries": 0, **said}
    return engine.submit(Submission.model_validate(given)).thread_id


def test_what_fails_and_what_was_to_be_announced_is_shown(desktop: Desktop, engine: Engine) -> None:
    """A failure and a result are told, a result that nobody asked for is not; markup is text."""
    command(engine, "echo well", "Quiet one")
    command(engine, "echo '<b>42</b>'", "Sums", announce=True)
    until(lambda: "Ran: Sums" in titles(desktop), "the result")
    command(engine, "exit 3", "Broken <i>one</i>")
    until(lambda: len(titles(desktop)) == 2, "the failure")
    assert titles(desktop)[1] == "Failed: Broken <i>one</i>"
    assert "&lt;b&gt;42&lt;/b&gt;" in dict(shown(desktop))["Ran: Sums"]


def test_one_of_each_thread_is_there_and_a_click_opens_it(desktop: Desktop, engine: Engine) -> None:
    """A second word on the same thread takes the place of the first; the window opens at that thread."""
    thread = command(engine, "exit 3", "Broken")
    until(lambda: titles(desktop) == ["Failed: Broken"], "the failure")
    [failed] = engine.executions_of_thread(thread)
    engine.run_again(failed.id)
    until(lambda: len(titles(desktop)) == 2, "the second failure")
    desktop.ask("dunstctl", "close-all")
    until(lambda: on_screen(desktop) == 0, "an empty screen")
    engine.run_again(failed.id)
    until(lambda: on_screen(desktop) == 1, "one notification")
    desktop.ask("dunstctl", "action", "0")
    until(lambda: thread in str((desktop.page() or {}).get("url")), "the thread")


def test_what_is_settled_is_taken_away(desktop: Desktop, engine: Engine) -> None:
    """A failure that somebody has put aside is no news any more."""
    desktop.ask("dunstctl", "close-all")
    thread = command(engine, "exit 3", "Broken")
    until(lambda: on_screen(desktop) == 1, "the failure")
    engine.dismiss(engine.executions_of_thread(thread)[0].id)
    until(lambda: on_screen(desktop) == 0, "an empty screen")


def test_quiet_hours_hold(desktop: Desktop, engine: Engine) -> None:
    """Within them nothing is shown; when they are over, all of it in one line."""
    now = datetime.now().astimezone()
    hours = {"quiet_from": f"{now - timedelta(hours=1):%H:%M}", "quiet_until": f"{now + timedelta(hours=2):%H:%M}"}
    engine.change_settings(hours, by="test")
    for number in (1, 2):
        command(engine, "exit 3", f"Broken {number}")
    until(lambda: len(engine.dead_letters()) == 2, "two failures")
    time.sleep(2)
    assert titles(desktop) == []
    engine.change_settings({"quiet_from": None, "quiet_until": None}, by="test")
    until(lambda: titles(desktop), "what came meanwhile")
    assert dict(shown(desktop))[titles(desktop)[0]] == "2 failed" or len(titles(desktop)) == 2
