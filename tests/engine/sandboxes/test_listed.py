"""The proxy of the network `listed`, and commands that have nothing else."""

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from baara_engine.fetching import PUBLIC, Reach
from baara_engine.fetching.resolving import Address
from baara_engine.sandboxes import PYTHON, Limits, Network, bubblewrap, listed
from baara_engine.sandboxes.native import NativeSandbox

INNER = "10.1.2.3"
KNOWN = {"good.example": ["127.0.0.1"], "inner.example": [INNER], "both.example": ["127.0.0.1", INNER]}


async def look_up(host: str, _port: int) -> list[Address]:
    """Know three names."""
    return [ipaddress.ip_address(said) for said in KNOWN[host]]


# To these tests, this computer is the world.
REACH = replace(PUBLIC, look_up=look_up, fits=lambda address: str(address) == "127.0.0.1")


class Hosts:
    """A host on this computer that remembers what it was sent."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say hello to whoever says something."""
        self.heard.append(await reader.read(65536))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()


@pytest.fixture
async def host() -> AsyncIterator[Hosts]:
    """Serve a host on this computer."""
    found = Hosts()
    async with await asyncio.start_server(found.serve, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


@contextlib.asynccontextmanager
async def proxy(private: Path, *allowed: str, reach: Reach = REACH) -> AsyncIterator[listed.Proxy]:
    """Run a proxy for a list."""
    made = listed.Proxy(private, allowed, reach)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def asked(through: listed.Proxy, said: bytes) -> bytes:
    """Send this to the proxy, and give all that comes back."""
    link = f"/tmp/baara-listed-{os.getpid()}"  # a test's own folders have long names
    os.symlink(through.folder, link)  # noqa: PTH211 - a path's methods block as little
    try:
        reader, writer = await asyncio.open_unix_connection(f"{link}/{listed.SOCKET}")
        writer.write(said)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    finally:
        os.unlink(link)  # noqa: PTH108 - likewise
    return answer


async def test_a_listed_host_is_asked_as_if_there_were_no_proxy(tmp_path: Path, host: Hosts) -> None:
    """The host gets its own path, none of the proxy's headers, and one request for each connection."""
    request = (
        f"GET http://good.example:{host.port}/a?b=c HTTP/1.1\r\nHost: good.example\r\nProxy-Authorization: secret\r\n"
        "Connection: keep-alive\r\nX-Mine: 1\r\n\r\n"
    )
    async with proxy(tmp_path, "good.example") as through:
        assert (await asked(through, request.encode())).endswith(b"hello")
    [heard] = host.heard
    assert heard.startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"X-Mine: 1\r\n" in heard
    assert b"Connection: close" in heard
    assert b"secret" not in heard


async def test_a_tunnel_passes_bytes_both_ways(tmp_path: Path, host: Hosts) -> None:
    """CONNECT is answered, and then nothing is looked at."""
    async with proxy(tmp_path, "*.example") as through:
        answer = await asked(through, f"CONNECT good.example:{host.port} HTTP/1.1\r\n\r\n\x00\x01".encode())
    assert answer.startswith(b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert answer.endswith(b"hello")
    assert host.heard == [b"\x00\x01"]


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        ("bad.example", "good.example"),
        ("badgood.example", "*.good.example"),
        ("good.example", "*.good.example"),
        ("inner.example", "inner.example"),  # a listed name that means an address of this network
        ("both.example", "both.example"),  # and one that means it besides
        ("127.0.0.1", "good.example"),  # the address of a listed name
        ("2130706433", "good.example"),
    ],
)
async def test_no_other_host_is_reached(tmp_path: Path, host: Hosts, wanted: str, allowed: str) -> None:
    """What is not on the list, or means an address that is nobody's business, is refused with the reason."""
    async with proxy(tmp_path, allowed) as through:
        answer = await asked(through, f"CONNECT {wanted}:{host.port} HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 Forbidden"), answer
    assert host.heard == []


@pytest.mark.parametrize(
    "said",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET https://good.example/ HTTP/1.1\r\n\r\n",
        b"GET http://me:secret@good.example/ HTTP/1.1\r\n\r\n",
        b"CONNECT good.example:99999 HTTP/1.1\r\n\r\n",
        b"CONNECT [::1 HTTP/1.1\r\n\r\n",
        b"CONNECT \xff\xfe HTTP/1.1\r\n\r\n",
        b"A" * 20_000,
    ],
)
async def test_rubbish_is_refused(tmp_path: Path, said: bytes) -> None:
    """What is no request to a proxy is answered by a 400."""
    async with proxy(tmp_path, "good.example") as through:
        assert (await asked(through, said)).startswith(b"HTTP/1.1 400")


async def test_an_address_is_reached_if_it_is_listed_itself(tmp_path: Path, host: Hosts) -> None:
    """A person who lists an address of their own computer means it."""
    async with proxy(tmp_path, "127.0.0.1", reach=PUBLIC) as through:
        assert (await asked(through, f"GET http://127.0.0.1:{host.port}/ HTTP/1.1\r\n\r\n".encode())).endswith(b"hello")


async def test_a_host_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """Nothing listens there: a 502 that says so."""
    async with proxy(tmp_path, "127.0.0.1") as through:
        answer = await asked(through, b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502")
    assert b"cannot be reached" in answer


MANY = """
import concurrent.futures, os, urllib.request
fetch = lambda n: urllib.request.urlopen(f"http://127.0.0.1:{port}/{{n}}", timeout=9).read().decode()
print(*concurrent.futures.ThreadPoolExecutor(30).map(fetch, range(30)), sep="")
print(os.environ["http_proxy"])
"""


async def test_commands_of_many_connections_are_served(tmp_path: Path, host: Hosts) -> None:
    """A command opens thirty connections at once to a listed host, and all come through bubblewrap."""
    problem = await bubblewrap.problem()
    if problem is not None:
        pytest.skip(f"needs bubblewrap ({problem})")
    workspace, private = tmp_path / ("w" * 60), tmp_path / ("p" * 60)  # longer together than a socket's path may be
    workspace.mkdir()
    private.mkdir()
    sandbox = NativeSandbox()
    session = await sandbox.open(workspace, private, Limits(network=Network.LISTED, hosts=("127.0.0.1",)))
    try:
        done = await session.run(MANY.format(port=host.port), key="a", language=PYTHON)
        helped = await session.run("exec > >(sleep 0.1; cat); echo late", key="b")
        again = await session.run("true", key="c")
    finally:
        await session.close()
        await sandbox.close()
    assert done.output.splitlines() == ["hello" * 30, f"http://127.0.0.1:{listed.PORT}"]
    assert helped.output == "late\n"
    assert again.duration_ms < 5000
