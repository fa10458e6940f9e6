"""Somebody else's page in the browser of a person who has Baara open, and somebody else on the same computer.

`BAARA_HOSTILE_S` says for how many seconds each page goes on; some by itself.
"""

import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.ui.conftest import CHROMIUM, House

from baara_app import reaching
from baara_engine.engine import Engine
from baara_engine.records import Kind

SECONDS = float(os.environ.get("BAARA_HOSTILE_S") or 5)
NOBODY = 65534
EVIL = "evil.example"  # a name that its owner has made to mean this computer

ATTACK = (Path(__file__).parent / "hostile.js").read_text()


class Page(http.server.BaseHTTPRequestHandler):
    """An empty page of somebody else's."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Free kittens</title><body>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser in which one foreign name means this computer."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this computer")
    rules = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", rules])
        yield made
        made.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a Baara for the tests of this module."""
    made = House(tmp_path_factory.mktemp("hostile") / "home")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """Serve somebody else's page on a port of this computer."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.timeout(60 + 2 * SECONDS)
@pytest.mark.parametrize("host", ["127.0.0.1", EVIL], ids=["another port", "a name made to mean this computer"])
def test_a_hostile_page_gets_nothing(house: House, browser: Browser, elsewhere: int, host: str) -> None:
    """Beside an open Baara, in the same browser with its cookie, it reads, opens and changes nothing."""
    context = browser.new_context()
    mine = context.new_page()
    mine.goto(reaching.link(house.home))
    engine = Engine(house.home)
    before = (engine.last_event(), engine.settings(), engine.paused())
    theirs = context.new_page()
    theirs.goto(f"http://{host}:{elsewhere}/")
    told: dict[str, Any] = theirs.evaluate(ATTACK, [house.url, EVIL, house.port, SECONDS])
    print(f"{told['tries']} tries")
    assert told["won"] == []
    assert told["tries"] > 50
    assert (engine.last_event(), engine.settings(), engine.paused()) == before
    assert house.process is not None
    assert house.process.poll() is None
    mine.goto(house.url)
    assert "Baara" in mine.title()
    engine.close()
    context.close()


ASKING = """
import json, sys, urllib.error, urllib.request
url, home = sys.argv[1:]
try:
    print("read", open(f"{home}/runtime.json").read()[:1])
except OSError as error:
    print("file", type(error).__name__)
for path in ("/", "/api/v1/links", "/api/v1/desk?do=quit&how=pause", "/mcp", "/static/baara.js"):
    for data in (None, b"{}"):
        try:
            print("got", path, urllib.request.urlopen(urllib.request.Request(url + path, data), timeout=20).status)
        except urllib.error.HTTPError as error:
            print("refused", error.code)
"""


def test_another_user_of_this_computer_is_refused(house: House) -> None:
    """They can reach the port, and neither read the token nor get an answer without it."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs a user who may become another")
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "/usr/bin/env", "python3"]
    done = subprocess.run(
        [*become, "-I", "-c", ASKING, house.url, str(house.home)], capture_output=True, text=True, check=False, cwd="/"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "file PermissionError", done
    assert set(lines[1:]) == {"refused 401"}, done
    assert (house.home / "runtime.json").stat().st_mode & 0o777 == 0o600


def test_a_command_in_a_sandbox_is_refused(house: House, tmp_path: Path) -> None:
    """It has the person's network, and neither the token nor the cookie."""
    engine = Engine(house.home)
    (tmp_path / "asking.py").write_text(ASKING)
    command = f"python3 -I asking.py {house.url} {house.home} > told 2>&1"
    house.submit(command, kind=Kind.COMMAND, workspace=str(tmp_path))
    lines = (tmp_path / "told").read_text().splitlines()
    assert lines[0].startswith("file "), lines
    assert set(lines[1:]) == {"refused 401"}
    engine.close()
