"""Nothing is given to anybody who may not have it: every route that there is, and the socket (FACTS.md, 4.4).

The routes are those of the app that is served, with all that is mounted in it, and some that there are not.
"""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
from tests.ui.conftest import ROOT, House

from baara_app import reaching

ALSO = (
    "/static/baara.js", "/files/01X/a.txt", "/docs", "/openapi.json", "/favicon.ico", "/mcp", "/api/v1/openapi.json",
    "/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/_nicegui/3.18.0/static/nicegui.js", "/../etc/passwd",
    "//evil.example/",
)  # fmt: skip
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE")
HOSTS = ("evil.example", "127.0.0.1", "localhost", "127.0.0.1.evil.example", "[::1]")
ORIGINS = ("null", "file://", "https://evil.example", "http://127.0.0.1:1", "http://localhost:{port}",
           "https://127.0.0.1:{port}", "http://127.0.0.1:{port}.evil.example")  # fmt: skip
SAID = {  # headers that every answer has
    "x-frame-options": "DENY", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
}  # fmt: skip
SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"


@pytest.fixture(scope="module")
def bare_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a Baara without a browser."""
    made = House(tmp_path_factory.mktemp("guarded") / "home")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give every path that is served, and some that are not."""
    home = tmp_path_factory.mktemp("routes") / "home"
    command = [sys.executable, "-m", "tests.ui.routes", str(home)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT, timeout=60).stdout)
    assert {
        "/",
        "/settings",
        "/static/x",
        "/files/x/x",
        "/_nicegui_ws",
        "/api/v1/desk",
        "/api/v1/executions/x/events",
    } <= set(found)
    return [*found, *ALSO]


@pytest.fixture(scope="module")
def key(bare_house: House) -> dict[str, str]:
    """Give the header of somebody who may have everything."""
    return {"Authorization": f"Bearer {reaching.running(bare_house.home).token}"}


def asked(house: House, path: str, method: str = "GET", **headers: str) -> int:
    return answered(house, path, method, **headers)[0]


def answered(house: House, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
    asking = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    asking.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = asking.getresponse()
    answer.read()
    asking.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def test_every_route_wants_a_key(bare_house: House, routes: list[str]) -> None:
    """Each page, file, socket and route of the framework refuses a stranger, whatever the method."""
    told = {(path, method): asked(bare_house, path, method) for path in routes for method in METHODS}
    assert {one: status for one, status in told.items() if status != 401} == {}


def test_mcp_has_a_token_of_its_own(bare_house: House, routes: list[str], key: dict[str, str]) -> None:
    """It opens no page, file or socket; and the token of those opens no MCP."""
    mcp = {"Authorization": f"Bearer {reaching.running(bare_house.home).mcp_token}"}
    opened = {path for path in routes if asked(bare_house, path, **mcp) != 401}
    assert opened <= {"/mcp"}
    assert asked(bare_house, "/mcp", **key) == 401


def test_no_other_origin_is_answered(bare_house: House, routes: list[str], key: dict[str, str]) -> None:
    """Not even with the key, from no route: another scheme, port or name, or a page without an origin."""
    for origin in ORIGINS:
        given = key | {"Origin": origin.format(port=bare_house.port)}
        assert {asked(bare_house, path, method, **given) for path in routes for method in ("GET", "POST")} == {403}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_page_of_another_site_is_answered(
    bare_house: House, routes: list[str], key: dict[str, str], site: str
) -> None:
    """Whatever it asks for; but a link to the front page may be followed."""
    given = key | {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert [path for path in routes if asked(bare_house, path, **given) != 403] == ["/"]
    assert {asked(bare_house, path, "POST", **given) for path in routes} == {403}


def test_every_answer_says_what_may_be_done_with_it(bare_house: House, routes: list[str], key: dict[str, str]) -> None:
    """With the key or without, from every route: the policy, no frames, no guessing, no other origin."""
    policy = f"connect-src 'self' ws://127.0.0.1:{bare_house.port};"
    for given in ({}, key, key | {"Origin": bare_house.url}):
        for path in routes:
            _, headers = answered(bare_house, path, **given)
            assert {name: headers.get(name) for name in SAID} == SAID, path
            assert policy in headers["content-security-policy"], path
            assert not [name for name in headers if name.startswith("access-control")], path
            assert "server" not in headers, path


def test_it_listens_on_the_loopback_address_alone(bare_house: House) -> None:
    """On a port that the system has drawn, and nowhere else."""
    assert bare_house.process is not None
    listening = [
        tuple(one.laddr) for one in psutil.Process(bare_house.process.pid).net_connections()
        if one.status == psutil.CONN_LISTEN
    ]  # fmt: skip
    assert listening == [("127.0.0.1", bare_house.port)]
    assert bare_house.port >= 1024


def test_the_socket_wants_a_key_and_our_page(bare_house: House, key: dict[str, str]) -> None:
    """A socket is refused without a key, and with one from another origin or site, or for another host."""
    assert asked(bare_house, SOCKET, **UPGRADE) in {401, 403}
    for origin in ORIGINS:
        given = key | UPGRADE | {"Origin": origin.format(port=bare_house.port)}
        assert asked(bare_house, SOCKET, **given) == 403
    for site in ("cross-site", "same-site"):
        assert asked(bare_house, SOCKET, **key, **UPGRADE, **{"Sec-Fetch-Site": site}) == 403
    for host in HOSTS:
        assert asked(bare_house, SOCKET, **key, **UPGRADE, Host=host) == 403


@pytest.mark.parametrize("host", HOSTS)
def test_another_host_is_refused(bare_house: House, routes: list[str], key: dict[str, str], host: str) -> None:
    """A name that was made to mean this computer gets nothing, from any route, with any key."""
    assert {asked(bare_house, path, Host=host) for path in routes} == {403}
    assert {asked(bare_house, path, **key, Host=host) for path in routes} == {403}
