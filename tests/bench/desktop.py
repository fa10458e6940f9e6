"""The app from its start to its window, and in the tray with nothing to do. Needs what `tests/app/desk/rig.py` needs.

python -m tests.bench start idle windows
"""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from tests.app.desk import rig
from tests.app.desk.rig import Desktop

from baara_app import reaching
from baara_engine import homes

ROUNDS = 5
SETTLE_S = 60.0  # until what a start does beside itself is over: imports, the first backup, the ballast
IDLE_S = 180.0
WINDOWS = 200
GONE_S = 45.0  # until the server has let go of pages whose window has closed: they keep their place for half a minute

Figure = tuple[str, str]


def start() -> list[Figure]:
    """From the start of the process to an engine that accepts work, and to a page, against the import of NiceGUI."""
    raw, engine, page = [], [], []
    for _ in range(ROUNDS):
        raw.append(_took(lambda: subprocess.run([sys.executable, "-c", "import nicegui"], check=True)))
        with tempfile.TemporaryDirectory() as folder:
            working, usable = _started(Path(folder))
        engine.append(working)
        page.append(usable)
    base = statistics.median(raw)
    return [
        ("import nicegui", f"{base:.2f} s"),
        ("start → the engine works", f"{statistics.median(engine):.2f} s"),
        ("start → a page", f"{statistics.median(page):.2f} s: {(statistics.median(page) - 1) / base:.2f} × that + 1 s"),
    ]  # fmt: skip


def idle(seconds: float = IDLE_S) -> list[Figure]:
    """Measure the processor's time and the memory of an app in the tray, without a window."""
    lacking = rig.lacking()
    if lacking is not None:
        return [("idle", lacking)]
    with tempfile.TemporaryDirectory() as folder, rig.desktop(Path(folder)) as desktop:
        app = psutil.Process(_in_the_tray(desktop).pid)
        time.sleep(SETTLE_S)
        family = [app, *app.children(recursive=True)]
        before = [_cpu_s(one) for one in family]
        time.sleep(seconds)
        used = [_cpu_s(one) - was for one, was in zip(family, before, strict=True)]
        memory = [one.memory_info().rss / 2**20 for one in family]
    return [
        (f"idle for {seconds:g} s: processor", f"{used[0] / seconds:.3%}, with its children {sum(used) / seconds:.3%}"),
        ("memory", f"{memory[0]:.0f} MiB, its children {sum(memory[1:]):.0f} MiB"),
    ]


def windows(count: int = WINDOWS) -> list[Figure]:
    """Windows opened and closed again and again: what the engine's process keeps of them."""
    lacking = rig.lacking()
    if lacking is not None:
        return [("windows", lacking)]
    with tempfile.TemporaryDirectory() as folder, rig.desktop(Path(folder)) as desktop:
        app = psutil.Process(_in_the_tray(desktop).pid)
        begun, held = time.perf_counter(), []
        for number in range(2 * count):
            open_and_close(desktop)
            if number + 1 in {count // 2, count, 2 * count}:
                time.sleep(GONE_S)
                held.append(_held(app))
        took = time.perf_counter() - begun - len(held) * GONE_S
    return [
        (f"{2 * count} windows, one after the other", f"{took / count / 2:.2f} s each, opened and closed"),
        *(
            (f"{what} after {count // 2}, {count} and {2 * count}", " → ".join(f"{value:.0f}" for value in values))
            for what, values in zip(("MiB", "descriptors", "threads"), zip(*held, strict=True), strict=True)
        ),
    ]


def open_and_close(desktop: Desktop) -> None:
    """Open the window by a second start, wait until it shows a page, and close it."""
    home = Path(desktop.environment["BAARA_HOME"])
    reaching.ask_desk(home, "show")
    rig.until(lambda: (desktop.page() or {}).get("title") == "Inbox · Baara", "the inbox")
    desktop.ask("wmctrl", "-c", "Baara")
    rig.until(lambda: "Baara" not in desktop.windows() and desktop.page() is None, "no window")


def _in_the_tray(desktop: Desktop) -> subprocess.Popen[str]:
    app = desktop.baara()
    rig.until(lambda: "Baara" in desktop.windows() and desktop.tray(), "window and tray")
    rig.until(lambda: (desktop.page() or {}).get("title") == "Inbox · Baara", "the inbox")
    desktop.ask("wmctrl", "-c", "Baara")
    rig.until(lambda: "Baara" not in desktop.windows(), "no window")
    return app


def _started(folder: Path) -> tuple[float, float]:
    home = folder / "home"
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "baara_app", "--home", str(home), "serve"], stdout=subprocess.PIPE, text=True
    ) as process:
        while not (home / homes.LOCK).exists() or not homes.is_worked_on(home):
            time.sleep(0.005)
        working = time.perf_counter() - begun
        url = json.loads(process.stdout.readline())["url"] if process.stdout else ""
        token = reaching.running(home).token
        while not _has_page(url, token):
            time.sleep(0.005)
        usable = time.perf_counter() - begun
        process.terminate()
    return working, usable


def _has_page(url: str, token: str) -> bool:
    asking = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port or 0, timeout=30)
    try:
        asking.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
        answer = asking.getresponse()
        return answer.status == 200 and b"Baara" in answer.read()
    except OSError:
        return False
    finally:
        asking.close()


def _took(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _held(process: psutil.Process) -> tuple[float, int, int]:
    return process.memory_info().rss / 2**20, process.num_fds(), process.num_threads()
