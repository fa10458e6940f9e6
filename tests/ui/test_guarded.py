"""Nothing of the pages is given to anybody without a key: every route that there is, and the socket."""

import http.client
import re
from collections.abc import Iterator

import psutil
import pytest
from nicegui import app as nicegui_app
from tests.ui.conftest import House

from baara_ui import mounting

ALSO = (
    "/static/baara.js", "/files/01X/a.txt", "/docs", "/openapi.json", "/favicon.ico", "/mcp", "/api/v1/openapi.json",
    "/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/../etc/passwd", "//evil.example/",
)  # fmt: skip
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip
SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"


@pytest.fixture(scope="module")
def bare_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a Baara without a browser."""
    made = House(tmp_path_factory.mktemp("guarded") / "home")
    made.start()
    yield made
    made.stop()


def routes() -> list[str]:
    found = [str(getattr(route, "path", "")) for route in nicegui_app.routes] + list(mounting.TABLE) + list(ALSO)
    return sorted({re.sub(r"\{[^}]*\}", "x", path) for path in found if path.startswith("/")})


def asked(house: House, path: str, method: str = "GET", **headers: str) -> int:
    asking = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    asking.request(method, path, headers=headers)
    answer = asking.getresponse()
    answer.read()
    asking.close()
    return answer.status


def test_every_route_wants_a_key(bare_house: House) -> None:
    """Each page, file, socket and route of the framework refuses a stranger, whatever the method."""
    assert len(routes()) > 20
    told = {(path, method): asked(bare_house, path, method) for path in routes() for method in ("GET", "POST")}
    assert {one: status for one, status in told.items() if status != 401} == {}


def test_it_listens_on_the_loopback_address_alone(bare_house: House) -> None:
    """On a port that the system has drawn, and nowhere else."""
    assert bare_house.process is not None
    listening = [
        tuple(one.laddr) for one in psutil.Process(bare_house.process.pid).net_connections()
        if one.status == psutil.CONN_LISTEN
    ]  # fmt: skip
    assert listening == [("127.0.0.1", bare_house.port)]
    assert bare_house.port >= 1024


def test_the_socket_wants_a_key_and_our_page(bare_house: House) -> None:
    """A socket is refused without a key, from another origin, and for another host."""
    assert asked(bare_house, SOCKET, **UPGRADE) in {401, 403}
    assert asked(bare_house, SOCKET, **UPGRADE, Origin="https://evil.example") == 403
    assert asked(bare_house, SOCKET, **UPGRADE, Host="evil.example") == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", "127.0.0.1.evil.example", "[::1]"])
def test_another_host_is_refused(bare_house: House, host: str) -> None:
    """A name that was made to mean this computer gets nothing, from any route."""
    assert {asked(bare_house, path, Host=host) for path in routes()} == {403}
