"""The network `listed`: a sandbox without a network of its own, and a proxy of the engine's that knows the hosts.

Inside, `hands/forwarding.py` passes connections on to a socket in a folder that is shown to the sandbox; here each is
checked. A name is looked up once, must mean public addresses only, and the connection goes to what was looked at; an
address is reached if it is itself on the list. The proxy speaks CONNECT and plain HTTP (RFC 9110, section 9.3.6; RFC
9112, section 3.2.2).
"""

import asyncio
import contextlib
import ipaddress
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from baara_engine import errors, fetching
from baara_engine.fetching import Reach, hosts
from baara_engine.sandboxes.hands import forwarding

FOLDER = "listed"  #: in the private folder: what a sandbox is shown of it
INSIDE = "/run/listed"  #: where it is shown
PROGRAM, SOCKET = "forwarding.py", "proxy"
PORT = 3128  # of the sandbox's own loopback, where nothing else is
HEAD_BYTES = 16 * 1024  # of a request's head, as most servers have it
HEAD_S = 30.0  # seconds for the head to come
CONNECT_S = 30.0  # seconds for a host to answer
AT_ONCE = 64  # connections of one session: more than any package manager opens


def wrapped(argv: list[str]) -> list[str]:
    """Give what runs a program inside with its way out."""
    return ["python3", "-I", "-S", f"{INSIDE}/{PROGRAM}", f"{INSIDE}/{SOCKET}", str(PORT), *argv]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a connection asks for."""

    host: str
    port: int
    first: bytes  #: what the host is to be sent first; nothing where a tunnel was asked for


class Proxy:
    """The proxy of one session."""

    def __init__(self, private: Path, allowed: tuple[str, ...], reach: Reach = fetching.PUBLIC) -> None:
        """Take the list; `private` is where the folder is made that the sandbox is shown."""
        self.folder = private / FOLDER
        self._allowed = allowed
        self._reach = reach
        self._server: asyncio.Server | None = None
        self._room = asyncio.Semaphore(AT_ONCE)
        self._open: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Serve, if it does not yet. Raises `errors.SandboxFailure`."""
        if self._server is not None:
            return
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(forwarding.__file__, self.folder / PROGRAM)
            self._server = await asyncio.start_unix_server(self._serve, sock=_bound(self.folder), limit=HEAD_BYTES)
        except OSError as error:
            raise errors.SandboxFailure(f"The proxy for the list of hosts cannot be started: {error}.") from error

    async def close(self) -> None:
        """Serve no more, and end the connections."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for connection in self._open:
                connection.cancel()
            (self.folder / SOCKET).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = cast("asyncio.Task[Any]", asyncio.current_task())  # streams are served by tasks
        self._open.add(connection)
        connection.add_done_callback(self._open.discard)
        async with self._room:
            with contextlib.suppress(ConnectionError), contextlib.closing(writer):
                await self._answer(reader, writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._join(reader, writer)
        except errors.BaaraError as error:
            writer.write(_refusal(error))
            await writer.drain()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wanted = _wanted(await _head(reader))
        there_reader, there = await self._connected(wanted)
        try:
            if wanted.first:
                there.write(wanted.first)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pass_on(reader, there), _pass_on(there_reader, writer))
        finally:
            there.close()

    async def _connected(self, wanted: _Wanted) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = await self._address(wanted.host, wanted.port)
        try:
            async with asyncio.timeout(CONNECT_S):
                return await asyncio.open_connection(address, wanted.port)
        except OSError as error:  # the timeout's error is one, too
            raise errors.Unavailable(f"{wanted.host} cannot be reached: {error or 'no answer'}.") from error

    async def _address(self, host: str, port: int) -> str:
        """Give the address to connect to. Raises `errors.Refused` or `errors.Unavailable`."""
        if not any(hosts.fits(host, pattern) for pattern in self._allowed):
            raise errors.Refused(f"{host} is not on this work's list of hosts: {', '.join(self._allowed)}.")
        if _is_address(host):
            return host
        found = await self._reach.look_up(host, port)
        if not found or not all(map(self._reach.fits, found)):
            raise errors.Refused(f"{host} is a name of this computer or of its own network. List the address itself.")
        return str(found[0])


def _bound(folder: Path) -> socket.socket:
    """Bind the socket. The kernel takes 107 bytes of a path, and the folder's may be longer: Linux has a short one."""
    (folder / SOCKET).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listening.bind(f"/proc/self/fd/{place}/{SOCKET}")
    except OSError:
        listening.close()
        raise
    finally:
        os.close(place)
    return listening


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(HEAD_S):
            return await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise errors.InvalidInput(f"That is no request of at most {HEAD_BYTES} bytes.") from error


def _wanted(head: bytes) -> _Wanted:
    """Take a request's head apart. Raises `errors.InvalidInput`."""
    line, _, rest = head.partition(b"\r\n")
    try:
        method, target, version = line.decode("ascii").split(" ")
        if method == "CONNECT":
            place = urlsplit(f"//{target}")
            return _Wanted(_name(place.hostname), place.port or 0, b"")
        place = _page(target)
        path = place._replace(scheme="", netloc="", fragment="").geturl() or "/"
        return _Wanted(_name(place.hostname), place.port or 80, f"{method} {path} {version}\r\n".encode() + _kept(rest))
    except ValueError as error:
        raise errors.InvalidInput(f"That is no request to a proxy: {error}.") from error


def _page(target: str) -> SplitResult:
    place = urlsplit(target)
    if place.scheme != "http" or place.username is not None:
        raise ValueError("only http:// and CONNECT pass")
    return place


def _kept(rest: bytes) -> bytes:
    """Give the headers that are meant for the host. One connection carries one request, so that each is looked at."""
    ours = (b"proxy-", b"connection:", b"keep-alive:")
    lines = [line for line in rest.split(b"\r\n") if line and not line.lower().startswith(ours)]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


def _name(host: str | None) -> str:
    if not host:
        raise ValueError("it names no host")
    return host.lower().removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(forwarding.CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def _refusal(error: errors.BaaraError) -> bytes:
    reason = {errors.Refused: "403 Forbidden", errors.InvalidInput: "400 Bad Request"}.get(type(error))
    body = f"Baara: {error.message}\n".encode()
    head = f"HTTP/1.1 {reason or '502 Bad Gateway'}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
