"""A desktop of the test's own: a screen without a monitor, a window manager, a tray and a bus.

What is seen is asked of X; what is clicked, is clicked by a pointer.
"""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from websockets.sync.client import connect

T = TypeVar("T")

PROGRAMS = (
    "Xvfb", "openbox", "trayer", "dbus-daemon", "dunst", "wmctrl", "xdotool", "xwininfo", "import",
)  # fmt: skip
LONG_S = 60.0
HIDDEN = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "BAARA_", "ANTHROPIC_", "DBUS_", "XDG_")
# A line of `xwininfo -root -tree`: number, name, class, size and place.
WINDOW = re.compile(r'(0x[0-9a-f]+) (?:"(.*)"|\(has no name\)): .* (\d+)x(\d+)\+-?\d+\+-?\d+  \+(-?\d+)\+(-?\d+)')
FROM_BELOW = {"Quit": 1, "Settings": 2, "Open": 3}  # items of the tray's menu, by keys


def lacking() -> str | None:
    """Say what this computer lacks for a desktop of its own."""
    programs = [name for name in PROGRAMS if shutil.which(name) is None]
    if programs:
        return f"needs {', '.join(programs)}"
    has_qt = importlib.util.find_spec("PySide6") and importlib.util.find_spec("PySide6.QtWebEngineCore")
    return None if has_qt else "needs Qt (uv sync --all-packages --extra qt)"


def until(look: Callable[[], T | None], what: str) -> T:
    """Wait until something is true."""
    deadline = time.monotonic() + LONG_S
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


@dataclass(slots=True)
class Desktop:
    """What the programs of one test see."""

    folder: Path
    environment: dict[str, str]
    port: int  #: where the window's engine can be asked what it shows
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        """Start a program here."""
        log = (self.folder / "desktop.log").open("a")
        process = subprocess.Popen(
            command, env=self.environment | variables, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder
        )
        log.close()
        self.running.append(process)
        return process

    def ask(self, *command: str) -> str:
        """Run a program here, and give what it prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=LONG_S
        )
        return done.stdout

    def baara(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start Baara here."""
        return self.start(sys.executable, "-m", "baara_app", *arguments, **variables)

    def windows(self) -> list[str]:
        """Name the windows that a person could bring to the front."""
        lines = [line.split(None, 3) for line in self.ask("wmctrl", "-l").splitlines()]
        return [line[3] for line in lines if len(line) == 4 and line[3] != "panel"]

    def front(self) -> str:
        """Name the window that takes what is typed."""
        return self.ask("xdotool", "getactivewindow", "getwindowname").strip()

    def tray(self) -> tuple[int, int] | None:
        """Give where Baara's icon is, None if there is none."""
        icons = [one for one in self._tree() if one[0] == "baara" and 8 < one[1] < 64]
        return (icons[0][3] + icons[0][1] // 2, icons[0][4] + icons[0][2] // 2) if icons else None

    def choose(self, item: str) -> None:
        """Open the tray's menu and choose an item."""
        x, y = until(self.tray, "the tray's icon")
        self.ask("xdotool", "mousemove", "700", "600", "mousemove", str(x), str(y), "sleep", "0.3", "click", "3")
        until(self._menu, "the tray's menu")
        for _ in range(FROM_BELOW[item]):
            self.ask("xdotool", "sleep", "0.1", "key", "Up")
        self.ask("xdotool", "sleep", "0.1", "key", "Return")

    def page(self) -> dict[str, Any] | None:
        """Give title and address of what the window shows; None if there is no window."""
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json", timeout=5) as told:
                pages: list[dict[str, Any]] = [one for one in json.load(told) if one["type"] == "page"]
            return pages[0] if pages else None
        return None

    def evaluate(self, script: str) -> Any:
        """Run a script in the page that the window shows, and give its value."""
        page = until(self.page, "a window")
        with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
            wanted = {"expression": script, "returnByValue": True, "awaitPromise": True}
            socket.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": wanted}))
            while True:
                answer = json.loads(socket.recv(timeout=LONG_S))
                if answer.get("id") == 1:
                    return answer["result"]["result"].get("value")

    def click(self, selector: str) -> None:
        """Click in the window, where this element is."""
        centre = (
            f"(() => {{ const box = document.querySelector({selector!r})?.getBoundingClientRect(); "
            "return box && [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        x, y = until(lambda: self.evaluate(centre), selector)
        left, top = until(self._page_corner, "the window")
        self.ask("xdotool", "mousemove", str(left + round(x)), str(top + round(y)), "sleep", "0.2", "click", "1")

    def shot(self, name: str) -> Path:
        """Take a picture of the screen."""
        path = self.folder / f"{name}.png"
        self.ask("import", "-window", "root", str(path))
        return path

    def _page_corner(self) -> tuple[int, int] | None:
        found = [one for one in self._tree() if one[0] == "Baara" and one[1] > 300]
        return (found[-1][3], found[-1][4]) if found else None

    def _menu(self) -> bool:
        return any(name == "baara" and width > 100 and height > 100 for name, width, height, _, _ in self._tree())

    def _tree(self) -> list[tuple[str, int, int, int, int]]:
        found = map(WINDOW.search, self.ask("xwininfo", "-root", "-tree").splitlines())
        return [(one[2] or "", *(int(one[number]) for number in (3, 4, 5, 6))) for one in found if one]  # type: ignore[misc]


@contextlib.contextmanager
def desktop(folder: Path, *, tray: bool = True) -> Iterator[Desktop]:
    """Put up a desktop, and end all that runs on it afterwards."""
    for name in ("run", "home"):
        (folder / name).mkdir(mode=0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    own = kept | {"HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "run"), "BAARA_MODEL": "offline",
                  "BAARA_HOME": str(folder / "data")}  # fmt: skip
    made = Desktop(folder, own, 0)
    try:
        screen = made.start("Xvfb", "-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp")
        made.environment["DISPLAY"] = f":{_line(screen)}"
        bus = made.start("dbus-daemon", "--session", "--nofork", "--print-address=1")
        made.environment["DBUS_SESSION_BUS_ADDRESS"] = _line(bus)
        made.port = _free_port()
        made.environment["QTWEBENGINE_REMOTE_DEBUGGING"] = f"127.0.0.1:{made.port}"
        made.start("openbox")
        until(lambda: "Name: Openbox" in made.ask("wmctrl", "-m"), "a window manager")
        if tray:
            _put_up_a_tray(made)
        yield made
    finally:
        for process in reversed(made.running):
            _end(process)


def _put_up_a_tray(desktop: Desktop) -> None:
    """Start the tray's host, again if it falls over at its start, as it sometimes does."""
    host = desktop.start("trayer", "--edge", "top")

    def is_up() -> bool:
        nonlocal host
        if host.poll() is not None:
            host = desktop.start("trayer", "--edge", "top")
        return "panel" in desktop.ask("xwininfo", "-root", "-tree")

    until(is_up, "a panel")


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(LONG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
