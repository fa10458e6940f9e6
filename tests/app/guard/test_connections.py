"""Connections that say nothing, or say it slowly, at a real server (FACTS.md, 4.4, numbers 1 and 22)."""

import http.client
import socket
import time
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from baara_app.guard import connections, doors
from baara_app.server import Server

LONG_S = 30.0
TOKEN = "t" * 43
MANY = 1000  # sockets that somebody opens


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Serve on a free port, with little patience."""
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = Server(listening, doors.Doors(TOKEN, "m" * 43, time.monotonic, "baara"), FastAPI())
    yield listening.getsockname()[1]
    server.stop()
    listening.close()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LONG_S)


def is_well(port: int) -> bool:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG_S)
    asking.request("GET", "/healthz")
    answer = asking.getresponse()
    asking.close()
    return answer.status == 200


def is_broken_off(one: socket.socket) -> bool:
    try:
        return one.recv(1) == b""
    except ConnectionError:
        return True


def is_cut_while_dripping(one: socket.socket) -> bool:
    deadline = time.monotonic() + LONG_S
    try:
        while time.monotonic() < deadline:
            one.sendall(b"x")
            time.sleep(0.05)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"GET"])
def test_half_a_head_is_not_waited_for(port: int, said: bytes) -> None:
    """Whoever does not get on with it is broken off, and everybody else is served."""
    with connected(port) as slow:
        slow.sendall(said)
        assert is_well(port)
        assert is_broken_off(slow)


def test_one_that_drips_is_broken_off(port: int) -> None:
    """A byte now and then buys no time."""
    with connected(port) as slow:
        assert is_cut_while_dripping(slow)


def test_the_second_request_of_a_connection_has_as_little_time(port: int) -> None:
    """A good beginning buys none either."""
    with connected(port) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        assert slow.recv(15) == b"HTTP/1.1 200 OK"
        slow.sendall(b"GET /heal")
        while slow.recv(4096):
            pass


def test_a_thousand_that_say_nothing_keep_nobody_out(port: int) -> None:
    """The oldest of them give way."""
    crowd = [connected(port) for _ in range(MANY)]
    try:
        assert is_well(port)
    finally:
        for one in crowd:
            one.close()
    assert is_well(port)


def test_it_listens_on_this_computer_alone(port: int) -> None:
    """No other address of this computer answers."""
    mine = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for address in {*mine, "127.0.0.2", "::1"} - {"127.0.0.1"}:
        with socket.socket(socket.AF_INET6 if ":" in str(address) else socket.AF_INET) as other:
            other.settimeout(2)
            assert other.connect_ex((str(address), port)) != 0


@pytest.mark.parametrize(
    "junk", [b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"x" * 200_000, b"\r\n" * 1000, b"GET  HTTP/1.1\r\n\r\n"]
)
@pytest.mark.expects_log("Invalid HTTP request received")
def test_rubbish_is_answered_as_such(port: int, junk: bytes) -> None:
    """What is no request gets no further, and the server goes on."""
    with connected(port) as one:
        try:
            one.sendall(junk)
            assert one.recv(10) in {b"HTTP/1.1 4", b""}
        except ConnectionError:
            pass
    assert is_well(port)
