"""The inbox with a hundred thousand threads, in a real browser, while a thousand things happen in a second."""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

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
SETTLE_S = 2.0  # seconds that the last of them are given
WINDOWS = 5
MIB = 1024 * 1024
STEP = """() => new Promise(done => {
    const title = () => document.querySelector('.reading-head h1')?.textContent ?? '';
    const before = title(), begun = performance.now();
    const end = () => done(performance.now() - begun);
    const look = () => title() === before ? setTimeout(look, 1) : requestAnimationFrame(end);
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
    look();
})"""
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
                seen = [("events meanwhile, and of how many no page heard", f"{noise.sent:,}, {_behind(page, noise)}")]
                memory = _memory(browser.new_page, house)
                browser.close()
        finally:
            house.stop()
    return [*quiet, *loud, *seen, *memory]


def _fill(home: Path) -> None:
    engine = Engine(home)
    for statement in (THREADS_SQL, MESSAGES_SQL, "UPDATE thread SET unread = unread"):
        engine.store.write(partial(_run, statement=statement))
    begun = time.perf_counter()
    engine.index()
    print(f"indexed {THREADS:,} messages in {time.perf_counter() - begun:.1f} s")
    engine.close()


def _run(tx: Any, statement: str) -> None:
    tx.sql(statement)


def _figures(page: Page, house: House, when: str) -> list[Figure]:
    paints, searches = [], []
    for _ in range(ROUNDS):
        page.goto(house.url, wait_until="commit")
        connected(page)
        begun = time.perf_counter()
        page.locator(".list .row").first.wait_for()
        paints.append(time.perf_counter() - begun)
    steps = [_next_row(page) for _ in range(ROUNDS)]
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


def _next_row(page: Page) -> float:
    """Give the seconds from a key until another thread stands in the pane, by the browser's own clock."""
    return float(page.evaluate(STEP)) / 1000


def _told(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} (at most {max(seconds) * 1000:.0f})"


class _Noise:
    """Events of another process, as many in a second."""

    def __init__(self, home: Path) -> None:
        self.sent = self.last = 0
        self._engine = Engine(home)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._make, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.last = self._engine.last_event()
        self._engine.close()

    def _make(self) -> None:
        while not self._over.wait(0.1):
            for _ in range(EVENTS_A_SECOND // 100):
                self._engine.store.write(self._ten)

    def _ten(self, tx: Any) -> None:
        for _ in range(10):
            tx.emit(events.Kind.STATUS, data={"from": "queued", "to": "assigned"})
        self.sent += 10


def _behind(page: Page, noise: _Noise) -> int:
    """Give how many events the hub has not told the pages, once it had time."""
    time.sleep(SETTLE_S)
    page.goto(page.url.split("/thread")[0].rstrip("/") + "/health")
    connected(page)
    told = int(page.locator("td.num").first.text_content() or 0)
    return max(noise.last - told, 0)


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
