"""Reaching the engine of a home, and nobody who only pretends to be it."""

import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.app.test_serve import serving

from baara_app import reaching
from baara_engine import errors

TOKEN = "t" * 43


class Impostor(http.server.BaseHTTPRequestHandler):
    """Answers everything, and notes what it was told."""

    told: list[str] = []  # noqa: RUF012 - the library makes the objects

    def do_GET(self) -> None:
        type(self).told.append(f"{self.requestline} {self.headers}")
        body = json.dumps({"proof": "0" * 64, "path": "/open?key=x"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def impostor(home: Path) -> Iterator[None]:
    """Serve on the port that an engine has left behind in its note."""
    with http.server.HTTPServer(("127.0.0.1", 0), Impostor) as server:
        threading.Thread(target=server.serve_forever, daemon=True, name="impostor").start()
        note(home, url=f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


def note(home: Path, **changed: object) -> None:
    said = {"pid": os.getpid(), "url": "http://127.0.0.1:9", "token": TOKEN, "mcp_token": "m", "version": "0"}
    home.mkdir(exist_ok=True)
    (home / "runtime.json").write_text(json.dumps(said | {"started_at": None} | changed))


def test_a_link_opens_the_pages_once(home: Path) -> None:
    """It is printed, lets a browser in, and then nobody else."""
    with serving(home):
        command = [sys.executable, "-m", "baara_app", "--home", str(home), "--json", "open"]
        link = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)["url"]
        cookies = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with cookies.open(link, timeout=60) as page:
            assert (page.status, page.url.partition("?")[2], b"Baara" in page.read()) == (200, "", True)
        with pytest.raises(urllib.error.HTTPError) as used:
            urllib.request.urlopen(link, timeout=60)
        assert used.value.code == 401
        used.value.close()


def test_everybody_can_be_shut_out(home: Path) -> None:
    """`baara revoke` makes cookies and links worthless, and the tokens new; who reads the new ones goes on."""
    with serving(home) as (_, url):
        link, before = reaching.link(home), reaching.running(home)
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert browser.open(link, timeout=60).status == 200
        unused = reaching.link(home)
        command = [sys.executable, "-m", "baara_app", "--home", str(home), "revoke", "--json"]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        assert json.loads(done.stdout) == {"revoked": 1}
        after = reaching.running(home)
        assert {before.token, before.mcp_token}.isdisjoint({after.token, after.mcp_token})
        assert (after.url, after.pid) == (before.url, before.pid)
        for opener, address in ((browser, url), (urllib.request.build_opener(), unused)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                opener.open(address, timeout=60)
            assert refused.value.code == 401
            refused.value.close()
        assert browser.open(reaching.link(home), timeout=60).status == 200
        assert not [line for line in (home / "logs" / "baara.log").read_text().splitlines() if after.token in line]


def test_nobody_who_took_the_port_gets_the_token(home: Path) -> None:
    """A program on the port of an engine that has gone cannot show that it knows the token, and is told nothing."""
    with impostor(home), pytest.raises(errors.Unavailable, match="Nothing was sent to it"):
        reaching.link(home)
    assert len(Impostor.told) == 1
    assert TOKEN not in Impostor.told[0]


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"pid": "x"}', "\x00" * 100])
def test_a_note_that_is_damaged_is_said(home: Path, said: str) -> None:
    """It is no address, and nothing is sent anywhere."""
    home.mkdir(exist_ok=True)
    (home / "runtime.json").write_text(said)
    with pytest.raises(errors.Unavailable, match="cannot be read"):
        reaching.link(home)


def test_a_note_that_leads_elsewhere_is_not_followed(home: Path) -> None:
    """Only this computer is asked."""
    note(home, url="http://192.0.2.1:80")
    with pytest.raises(errors.Unavailable, match="is not the engine"):
        reaching.link(home)


def test_where_nothing_runs_it_is_said(home: Path) -> None:
    """Status 5 and a sentence that says what to do."""
    command = [sys.executable, "-m", "baara_app", "--home", str(home), "open", "--print"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (5, "")
    assert "baara serve" in ended.stderr
