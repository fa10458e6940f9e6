"""The pages in a real browser, before a Baara in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from baara_app import reaching
from baara_engine.engine import Engine
from baara_engine.requests import Submission

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LONG_S = 60.0  # seconds that nothing here takes unless something is wrong
LONG_MS = LONG_S * 1000
CALM = "*, *::before, *::after { animation: none !important; transition: none !important; }"


@dataclass
class House:
    """A Baara that serves its pages, and the same home opened beside it."""

    home: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    url: str = ""
    wrong: list[str] = field(default_factory=list)  #: what a page has complained of

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.ui.playing", str(self.home), str(self.port)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "BAARA_"))}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=kept)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.port = int(self.url.rpartition(":")[2])

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(LONG_S)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(LONG_S)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def note(self, url: str) -> None:
        """Note a request that leaves."""
        if not url.startswith((self.url, "data:", "blob:")):
            self.wrong.append(f"request: {url}")

    def submit(self, prompt: str, **said: object) -> str:
        """Submit something and give its thread, once it has ended or asks."""
        engine = Engine(self.home)
        execution = engine.submit(Submission.model_validate({"prompt": prompt, **said}))
        deadline = time.monotonic() + LONG_S
        while engine.execution(execution.id).status not in {
            "completed", "cancelled", "dead_lettered", "waiting_for_input",
        }:  # fmt: skip
            assert time.monotonic() < deadline, prompt
            time.sleep(0.05)
        engine.close()
        return execution.thread_id

    def engine(self) -> Engine:
        """Open the home beside it; close it again."""
        return Engine(self.home)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give a browser, where there is one: not for longer, because its loop keeps others from running."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this computer")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[House]:
    """Give a Baara for the tests of a module."""
    made = House(tmp_path_factory.mktemp("pages") / "home")
    made.start()
    yield made
    made.stop()


Open = Callable[..., Page]


@pytest.fixture
def open_page(house: House, chromium: Browser) -> Iterator[Open]:
    """Give a function that opens a page by a link that works once. A page that complains fails the test."""
    contexts = []

    def open_(path: str = "/", *, width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(LONG_MS)
        page.on("pageerror", lambda error: house.wrong.append(f"error: {error}"))
        page.on("console", lambda line: house.wrong.append(f"console: {line.text}") if line.type == "error" else None)
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((house.url, "data:", "blob:"))
                else house.wrong.append(f"request: {request.url}")
            ),
        )
        page.goto(reaching.link(house.home))
        page.goto(house.url + path)
        connected(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    wrong, house.wrong = house.wrong, []
    assert wrong == []


def connected(page: Page) -> None:
    """Wait until the page takes what is done."""
    page.wait_for_function("window.socket && window.socket.connected && document.querySelector('.main')")


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + LONG_S
    while True:
        try:
            if is_so():
                return
        except Error:  # the page is just being changed
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)
