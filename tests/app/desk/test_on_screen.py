"""The desktop app as its person has it: on a screen, with a window manager and a tray, driven by a pointer."""

import http.server
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psutil
import pytest
from tests.app.desk import rig
from tests.app.desk.rig import Desktop, until

from baara_app import reaching
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission

LACKING = rig.lacking()
pytestmark = [pytest.mark.skipif(LACKING is not None, reason=str(LACKING)), pytest.mark.timeout(300)]
COUNT = "for i in $(seq {most}); do echo $i > count; sleep 0.2; done"


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """Give a desktop of the test's own."""
    with rig.desktop(tmp_path) as made:
        yield made


@pytest.fixture
def app(desktop: Desktop) -> subprocess.Popen[str]:
    """Give Baara, with its window up and its icon in the tray."""
    return opened(desktop)


def opened(desktop: Desktop) -> subprocess.Popen[str]:
    process = desktop.baara()
    until(lambda: "Baara" in desktop.windows() and desktop.tray(), "window and tray")
    until(lambda: (desktop.page() or {}).get("title") == "Inbox · Baara", "the inbox")
    return process


def data(desktop: Desktop) -> Path:
    return Path(desktop.environment["BAARA_HOME"])


def counting(desktop: Desktop, most: int) -> tuple[str, Path]:
    """Submit a command that counts; give its id and where it writes."""
    folder = desktop.folder / "work"
    folder.mkdir()
    engine = Engine(data(desktop))
    prompt = COUNT.format(most=most)
    made = engine.submit(Submission(prompt=prompt, kind=Kind.COMMAND, name="A count", workspace=str(folder)))
    engine.close()
    until((folder / "count").exists, "the count")
    return made.id, folder / "count"


def status(desktop: Desktop, execution: str) -> str:
    engine = Engine(data(desktop))
    try:
        return str(engine.execution(execution).status)
    finally:
        engine.close()


def children(app: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """Give the processes of window, tray and the like by their names."""
    found = {}
    for process in psutil.Process(app.pid).children():
        try:
            line = process.cmdline()
        except psutil.Error:  # it has just ended
            continue
        if len(line) > 3 and line[3].startswith("baara_app.desk."):
            found[line[3].rpartition(".")[2]] = process
    return found


def test_the_window_goes_and_comes_while_work_goes_on(desktop: Desktop, app: subprocess.Popen[str]) -> None:
    """Closed, it leaves tray and work; the tray opens it again; a second start brings it to the front."""
    _, count = counting(desktop, 600)
    until(lambda: desktop.shot("open").stat().st_size > 15_000, "a picture with something on it")
    desktop.ask("wmctrl", "-c", "Baara")
    until(lambda: "Baara" not in desktop.windows(), "no window")
    before = int(count.read_text())
    until(lambda: int(count.read_text() or 0) > before, "the count to go on")
    assert desktop.tray() is not None
    until(lambda: "window" not in children(app), "the window's process to end")

    desktop.choose("Open")
    until(lambda: "Baara" in desktop.windows(), "the window again")

    other = desktop.start(sys.executable, "-c", WINDOW_BEFORE)
    until(lambda: desktop.front() != "Baara", "another window in front")
    second = desktop.baara()
    assert second.wait(rig.LONG_S) == 0
    until(lambda: desktop.front() == "Baara", "Baara in front")
    assert desktop.windows().count("Baara") == 1
    other.kill()
    assert app.poll() is None


def test_a_window_that_is_asked_for_while_it_closes_comes_back(desktop: Desktop, app: subprocess.Popen[str]) -> None:
    """Its process is still ending: what it is told then is lost on it, and not on its person."""
    for _ in range(5):
        until(lambda: (desktop.page() or {}).get("title") == "Inbox · Baara", "the inbox")
        before = children(app)["window"].pid
        desktop.ask("wmctrl", "-c", "Baara")
        until(lambda: "Baara" not in desktop.windows(), "no window")
        reaching.ask_desk(data(desktop), "show")
        until(lambda: before not in {one.pid for one in children(app).values()}, "its process to end")  # noqa: B023
        until(lambda: "window" in children(app), "the next window")
    assert app.poll() is None


NEW_AND_CONNECTED = "!window.before && document.title === 'Inbox · Baara' && Boolean(window.socket?.connected)"


def test_a_window_that_was_shut_out_comes_back_by_itself(desktop: Desktop, app: subprocess.Popen[str]) -> None:
    """After `baara revoke` it is the app's own window that is let in again, and nobody else's."""
    until(lambda: (desktop.page() or {}).get("title") == "Inbox · Baara", "the inbox")
    desktop.evaluate("window.before = true")
    told = desktop.ask(sys.executable, "-m", "baara_app", "revoke")
    assert told.startswith("1 window or browser shut out, and the tokens are new.")
    until(lambda: desktop.evaluate(NEW_AND_CONNECTED), "the inbox again")
    assert app.poll() is None


# Another program's window, by Qt.
WINDOW_BEFORE = (
    "from PySide6.QtWidgets import QApplication, QLabel; app = QApplication([]); label = QLabel('before'); "
    "label.resize(900, 700); label.setWindowTitle('Before'); label.show(); app.exec()"
)


def test_quitting_lets_work_end_first_if_that_is_wanted(desktop: Desktop, app: subprocess.Popen[str]) -> None:
    """The tray's *Quit* shows both ways; *Finish, then quit* begins nothing new, and quits once the work has ended."""
    execution, count = counting(desktop, 60)
    desktop.choose("Quit")
    until(lambda: (desktop.page() or {}).get("title") == "Quit · Baara", "the page")
    assert app.poll() is None
    desktop.click("[data-do=finish]")
    until(lambda: desktop.evaluate("!!document.querySelector('[data-do=stay]')"), "its word that it will quit")
    engine = Engine(data(desktop))
    later = engine.submit(Submission(prompt="true", kind=Kind.COMMAND))
    engine.close()
    assert app.wait(rig.LONG_S) == 0
    assert count.read_text() == "60\n"
    assert (status(desktop, execution), status(desktop, later.id)) == ("completed", "queued")
    assert "Baara" not in desktop.windows()


def test_quitting_pauses_work_if_that_is_wanted(desktop: Desktop, app: subprocess.Popen[str]) -> None:
    """*Pause and quit* ends at once; what was at work waits, and goes on at the next start."""
    execution, _ = counting(desktop, 3000)
    desktop.choose("Quit")
    desktop.click("[data-do=quit]")
    assert app.wait(rig.LONG_S) == 0
    assert status(desktop, execution) not in {"completed", "dead_lettered"}
    assert not (data(desktop) / "runtime.json").exists()


def test_quitting_with_nothing_at_work_asks_nothing(desktop: Desktop, app: subprocess.Popen[str]) -> None:
    """It ends, and takes window and tray along."""
    left = children(app)
    desktop.choose("Quit")
    assert app.wait(rig.LONG_S) == 0
    assert set(left) >= {"window", "tray"}
    until(lambda: not any(one.is_running() and one.status() != "zombie" for one in left.values()), "no child")
    assert desktop.tray() is None


def test_a_window_and_a_tray_that_are_killed_take_nothing_along(desktop: Desktop, app: subprocess.Popen[str]) -> None:
    """Work goes on; the tray comes back by itself, the window when it is asked for."""
    execution, count = counting(desktop, 600)
    there = children(app)
    there["window"].kill()
    there["tray"].kill()
    until(lambda: "Baara" not in desktop.windows(), "no window")
    until(lambda: "tray" in children(app) and desktop.tray(), "the tray again")
    before = int(count.read_text())
    until(lambda: int(count.read_text() or 0) > before, "the count to go on")
    desktop.choose("Open")
    until(lambda: "Baara" in desktop.windows(), "the window again")
    assert status(desktop, execution) == "running"


def test_an_engine_that_is_killed_leaves_no_window_and_resumes(desktop: Desktop, app: subprocess.Popen[str]) -> None:
    """Window and tray end with it, the next start opens them again, and what was at work is taken up."""
    engine = Engine(data(desktop))
    waiting = engine.submit(Submission(prompt="wait 2 seconds, then write the file done.txt", model="offline"))
    engine.close()
    left = children(app)
    app.send_signal(signal.SIGKILL)
    app.wait()
    until(lambda: not any(one.is_running() and one.status() != "zombie" for one in left.values()), "no child")
    assert "Baara" not in desktop.windows()
    again = opened(desktop)
    until(lambda: status(desktop, waiting.id) in {"completed", "dead_lettered"}, "its end")
    assert again.poll() is None


def test_the_window_shows_nothing_but_the_pages(desktop: Desktop, app: subprocess.Popen[str], tmp_path: Path) -> None:
    """Other hosts, files and ports are neither gone to nor loaded, nothing of this computer can be called by a page."""
    (tmp_path / "secret.html").write_text("<title>canary</title>")
    with Served() as other:
        address = until(desktop.page, "a window")["url"]
        for wanted in (other.url, f"file://{tmp_path}/secret.html", "chrome://version", "data:text/html,x"):
            desktop.evaluate(f"void (location.href = {wanted!r})")
            time.sleep(0.5)
            assert until(desktop.page, "a window")["url"] == address, wanted
        asking = f"fetch({other.url!r}, {{mode: 'no-cors'}}).then(() => 'loaded', () => 'refused')"
        assert desktop.evaluate(asking) == "refused"
        assert desktop.evaluate(PICTURE.format(url=other.url)) == "refused"
        assert desktop.evaluate(f"String(window.open({other.url!r}))") == "null"
        assert desktop.evaluate("typeof window.pywebview + typeof window.external?.call") == "undefinedundefined"
        assert desktop.evaluate("document.cookie") == ""
        assert other.asked == 0


# Loads a picture from there, and says what came of it.
PICTURE = """new Promise(done => {{
  const picture = new Image(); picture.onload = () => done("loaded"); picture.onerror = () => done("refused");
  picture.src = "{url}" }})"""


class Served:
    """A server on another port, which counts who asks it."""

    def __init__(self) -> None:
        self.asked = 0

    def __enter__(self) -> Self:
        outer = self

        class Counting(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"<title>other</title>")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_without_a_tray_the_window_and_the_command_line_do(tmp_path: Path) -> None:
    """On a desktop without one, the window comes all the same, says so in its settings, and `baara quit` ends it."""
    with rig.desktop(tmp_path, tray=False) as desktop:
        app = desktop.baara()
        until(lambda: "Baara" in desktop.windows(), "the window")
        until(lambda: "tray" not in children(app), "no tray")
        asked = desktop.baara("quit", "--json")
        assert asked.wait(rig.LONG_S) == 0
        assert json.loads(asked.stdout.read() if asked.stdout else "") == {"quits": "now"}
        assert app.wait(rig.LONG_S) == 0


def test_without_a_toolkit_the_pages_open_in_the_browser(desktop: Desktop, tmp_path: Path) -> None:
    """It says so, and opens the browser by a link that works once."""
    hidden = tmp_path / "hidden"
    (hidden / "webview").mkdir(parents=True)
    (hidden / "webview" / "__init__.py").write_text("raise ModuleNotFoundError('no toolkit here')")
    seen, browser = tmp_path / "seen", tmp_path / "browser.py"
    browser.write_text(f"import sys; open({str(seen)!r}, 'a').write(sys.argv[1] + chr(10))")
    app = desktop.baara(PYTHONPATH=str(hidden), BROWSER=f"{sys.executable} {browser} %s")
    until(lambda: seen.exists() and "/open?key=" in seen.read_text(), "the browser")
    assert "no toolkit here" in (tmp_path / "desktop.log").read_text()
    assert app.poll() is None
