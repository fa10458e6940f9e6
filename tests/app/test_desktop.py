"""`baara` and nothing else: the first becomes the engine and shows its pages, whoever comes later shows them again."""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from baara_app import runtime

LONG_S = 60.0
HIDDEN = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "BAARA_", "ANTHROPIC_")


def started(home: Path, **variables: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    environment = kept | {"BAARA_HOME": str(home), "BAARA_MODEL": "offline"} | variables
    command = [sys.executable, "-m", "baara_app"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def browser(tmp_path: Path) -> tuple[str, Path]:
    """Give a browser that only writes down what it is to show, and where it does."""
    seen, script = tmp_path / "seen", tmp_path / "browser.py"
    script.write_text(f"import sys; open({str(seen)!r}, 'a').write(sys.argv[1] + chr(10))")
    return f"{sys.executable} {script} %s", seen


def links(seen: Path, count: int) -> list[str]:
    deadline = time.monotonic() + LONG_S
    while not seen.exists() or len(seen.read_text().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return seen.read_text().splitlines()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=LONG_S)
    return process.returncode, out, err


def test_the_second_shows_the_first(home: Path, browser: tuple[str, Path]) -> None:
    """The first serves and shows its pages; the second shows the same ones and ends; each link lets one browser in."""
    how, seen = browser
    first = started(home, BROWSER=how)
    [link] = links(seen, 1)
    second = started(home, BROWSER=how)
    assert ended(second)[0] == 0
    assert len({one.partition("/open")[0] for one in links(seen, 2)}) == 1
    with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(link, timeout=LONG_S) as page:
        assert (page.status, b"Baara" in page.read()) == (200, True)
    first.terminate()
    assert ended(first)[0] == 0
    assert not (home / runtime.FILE).exists()


def test_six_at_once_are_one_engine(home: Path, browser: tuple[str, Path]) -> None:
    """Of six that are started together one works, and all of them show its pages."""
    how, seen = browser
    six = [started(home, BROWSER=how) for _ in range(6)]
    assert len({one.partition("/open")[0] for one in links(seen, 6)}) == 1
    port = json.loads((home / runtime.FILE).read_text())["url"].rpartition(":")[2]
    asking = http.client.HTTPConnection("127.0.0.1", int(port), timeout=LONG_S)
    asking.request("GET", "/healthz")
    assert asking.getresponse().read() == b'{"status":"ok"}'
    asking.close()
    deadline = time.monotonic() + LONG_S
    while sum(process.poll() is None for process in six) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [working] = [process for process in six if process.poll() is None]
    working.terminate()
    assert [ended(process)[0] for process in six] == [0] * 6


@pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="only on macOS and only on Windows there is always one")
def test_without_a_display_it_serves_and_says_so(home: Path) -> None:
    """Where nothing can be shown it serves, prints its address, and says in a line how to get in."""
    process = started(home)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["url"].startswith("http://127.0.0.1:")
    assert process.stderr is not None
    assert "no display" in process.stderr.readline()
    process.terminate()
    assert ended(process)[0] == 0
