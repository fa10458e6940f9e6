import asyncio
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from baara_engine.fetching import Reach
from baara_engine.fetching.resolving import Address

HERE = "127.0.0.1"


@dataclass
class World:
    """A web of names that all lie on this computer: what it answers, and what it was asked."""

    port: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)  #: path → the whole answer, head and all
    names: dict[str, list[str]] = field(default_factory=dict)  #: host → addresses; this computer where none is given
    looked_up: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  #: the Host and the path of each question

    @property
    def reach(self) -> Reach:
        return Reach(self.look_up, lambda address: str(address) == HERE, frozenset({self.port}), limit_s=5.0)

    async def look_up(self, host: str, _port: int) -> list[Address]:
        self.looked_up.append(host)
        return [ipaddress.ip_address(address) for address in self.names.get(host, [HERE])]

    def url(self, host: str, path: str) -> str:
        return f"http://{host}:{self.port}{path}"

    def page(self, path: str, body: bytes, kind: str = "text/html; charset=utf-8") -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"
        self.pages[path] = head.encode() + body

    def redirect(self, path: str, to: str) -> None:
        self.pages[path] = f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        self.asked.append((head.lower().partition("host: ")[2].partition("\r\n")[0], path))
        writer.write(self.pages.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
        await writer.drain()
        if path == "/stalls":
            await reader.read()  # until whoever asked has gone
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Give a small web with one server behind all its names."""
    world = World()
    server = await asyncio.start_server(world.answer, HERE, 0)
    world.port = server.sockets[0].getsockname()[1]
    yield world
    server.close()
    await server.wait_closed()
