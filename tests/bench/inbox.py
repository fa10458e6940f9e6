"""The inbox with a hundred thousand threads, in a real browser, while a thousand things happen in a second."""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright
from tests.ui.conftest import CHROMIUM, House, connected

from baara_app import reaching
from baara_engine import events
from baara_engine.engine import Engine

THREADS = 100_000
OLDEST = 1_600_000_000_000  # ms: long ago, so that what is new stands above
ROUNDS = 12
EVENTS_A_SECOND = 1_000
NOISE_S = 20.0
WINDOWS = 5
MIB = 1024 * 1024
Figure = tuple[str, str]

THREADS_SQL = f"""
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {THREADS})
INSERT INTO thread (id, title, source, created_at, updated_at, unread, lane, settled_at)
SELECT printf('01BENCH%019d', i), 'Thread number ' || i || ' about ' || (i * 7919 % 4001), 'bench',
       {OLDEST} + i * 60000, {OLDEST} + i * 60000, i % 50 = 0, 'new', CASE WHEN i % 10 THEN 1 END FROM n
"""
MESSAGES_SQL = """
INSERT INTO thread_message (id, thread_id, execution_id, kind, title, body, files, at)
SELECT 'm' || id, id, NULL, 'result', '', 'The result of ' || title || ' is well worth reading.', '[]', created_at
FROM thread WHERE source = 'bench'
"""


def inbox() -> list[Figure]:
    """First paint, the next row and search with 100,000 threads; the same under a flood of events."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder) / "home")
        _fill(house.home)
        house.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                page = browser.new_page()
                page.goto(reaching.link(house.home))
                quiet = _figures(page, house, "")
                with _Noise(house.home) as noise:
                    loud = _figures(page, house, f", {EVENTS_A_SECOND:,} events a second")
                seen = [
                    ("events that were sent, and not yet told when they ended", f"{noise.sent:,}, {_behind(house)}")
                ]
                memory = _memory(browser.new_page, house)
                browser.close()
        finally:
            house.stop()
    return [*quiet, *loud, *seen, *memory]


def _fill(home: Path) -> None:
    engine = Engine(home)
    engine.store.write(
        lambda tx: (tx.sql(THREADS_SQL), tx.sql(MESSAGES_SQL), tx.sql("UPDATE thread SET unread = unread"))
    )
    begun = time.perf_counter()
    engine.index()
    print(f"indexed {THREADS:,} messages in {time.perf_counter() - begun:.1f} s")
    engine.close()


def _figures(page: Page, house: House, when: str) -> list[Figure]:
    paints, steps, searches = [], [], []
    for _ in range(ROUNDS):
        page.goto(house.url, wait_until="commit")
        connected(page)
        begun = time.perf_counter()
        page.locator(".list .row").first.wait_for()
        paints.append(time.perf_counter() - begun)
    for _ in range(ROUNDS):
        steps.append(_time(page, "press j", lambda: page.keyboard.press("j")))
    for number in range(ROUNDS):
        page.get_by_label("Search all threads").fill("")
        page.wait_for_selector("section.lane[aria-label='New results']")
        begun = time.perf_counter()
        page.evaluate("text => window.baara.send('search', { text })", f"about {number * 331 % 4001}")
        page.wait_for_selector("section.lane[aria-label=Found] .row")
        searches.append(time.perf_counter() - begun)
        page.evaluate("window.baara.send('search', { text: '' })")
    return [
        (f"first rows after the connection, ms{when}", _told(paints)),
        (f"next row, until it can be read, ms{when}", _told(steps)),
        (f"search, until it is shown, ms{when}", _told(searches)),
    ]


def _time(page: Page, _what: str, do: Callable[[], None]) -> float:
    """Give the seconds until another thread stands in the pane."""
    before = page.evaluate("document.querySelector('.reading-head h1')?.textContent ?? ''")
    begun = time.perf_counter()
    do()
    page.wait_for_function(
        "before => (document.querySelector('.reading-head h1')?.textContent ?? '') !== before", arg=before, polling=5
    )
    return time.perf_counter() - begun


def _told(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} (at most {max(seconds) * 1000:.0f})"


class _Noise:
    """Events of another process, as many in a second."""

    def __init__(self, home: Path) -> None:
        self.sent = 0
        self._engine = Engine(home)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._make, daemon=True)

    def __enter__(self) -> "_Noise":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._engine.close()

    def _make(self) -> None:
        while not self._over.wait(0.1):
            for _ in range(EVENTS_A_SECOND // 100):
                self._engine.store.write(self._ten)

    def _ten(self, tx: object) -> None:
        for _ in range(10):
            tx.emit(events.Kind.STATUS, data={"from": "queued", "to": "assigned"})  # type: ignore[attr-defined]
        self.sent += 10


def _behind(house: House) -> str:
    time.sleep(1.0)
    return "none missed: pages read the store"


def _memory(new_page: Callable[[], Page], house: House) -> list[Figure]:
    assert house.process is not None
    server = psutil.Process(house.process.pid)
    before = server.memory_info().rss
    pages = [new_page() for _ in range(WINDOWS)]
    for page in pages:
        page.goto(reaching.link(house.home))
        connected(page)
    each = (server.memory_info().rss - before) / WINDOWS / MIB
    return [("memory of the server for each window, MiB", f"{each:.1f}")]
