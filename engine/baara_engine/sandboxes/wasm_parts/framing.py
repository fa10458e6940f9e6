"""What the engine and a worker say to each other over two pipes: JSON objects, each with its length before it.

The engine sends one `Setup`, then `Order`s, one at a time; `END` ends the program that runs. The end of the stream
means that the engine is gone. The worker answers with `Said`s: that it is ready, that there is output, how a program
ended. If the stream ends without an answer, the worker has died.
"""

import asyncio
import contextlib
import json
import os
import struct
from typing import Any, TypedDict, cast

from baara_engine.sandboxes.hands import wire

LENGTH = struct.Struct(">I")
MAX_BYTES = 16 * 1024 * 1024  # bytes of one message: the largest is a result, with its output escaped

END = {"end": True}


class Setup(TypedDict):
    """What a worker needs before it can run anything."""

    language: str
    guest: str  #: path of the compiled program that runs programs of the language
    library: str  #: folder that the guest's own files are in
    folder: str  #: the workspace
    inputs: dict[str, str]  #: folders that may be read, by what they are called inside
    memory_bytes: int
    file_bytes: int
    open_files: int


class Order(TypedDict):
    """One program to run."""

    source: str
    wall_s: float  #: seconds until it is ended
    cpu_s: float | None  #: likewise, of processor's time
    grace_s: float  #: seconds that it may go on after the engine has vanished
    output_bytes: int  #: bytes of output kept
    workspace_bytes: int  #: of all files of the workspace together
    marks: str  #: path of its marks without their suffix
    boot: str  #: names the present boot of this computer


class Said(TypedDict, total=False):
    """An answer of the worker: exactly one of the first four."""

    ready: bool  #: the guest is loaded
    beat: bool  #: there is output
    failure: str  #: it cannot work at all
    report: wire.Report  #: how a program ended, or why it did not begin
    lost: bool  #: with a report: the variables of this session are gone
    ending: bool  #: likewise: this process ends now


class BrokenError(Exception):
    """The other side said what makes no sense."""


def pack(message: object) -> bytes:
    """Write a message."""
    body = json.dumps(message).encode("ascii")
    return LENGTH.pack(len(body)) + body


async def receive(reader: asyncio.StreamReader) -> Said | None:
    """Wait for a worker's next message; None if the stream has ended. Raises `BrokenError`."""
    try:
        head = await reader.readexactly(LENGTH.size)
        return cast("Said", _unpacked(await reader.readexactly(_size(head))))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


class Incoming:
    """Messages of the engine, as they come through a pipe that does not block."""

    def __init__(self, pipe: int) -> None:
        """Take the pipe's descriptor."""
        self.ended = False  #: nothing more will come
        self._pipe = pipe
        self._data = bytearray()

    def take(self) -> list[dict[str, Any]]:
        """Give the messages that are complete by now. Raises `BrokenError`."""
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._pipe, wire.CHUNK)
            self.ended = not chunk
            self._data += chunk
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> dict[str, Any] | None:
        if len(self._data) < LENGTH.size:
            return None
        end = LENGTH.size + _size(bytes(self._data[: LENGTH.size]))
        if len(self._data) < end:
            return None
        body = bytes(self._data[LENGTH.size : end])
        del self._data[:end]
        return _unpacked(body)


def _size(head: bytes) -> int:
    (size,) = LENGTH.unpack(head)
    if size > MAX_BYTES:
        raise BrokenError(f"a message of {size} bytes")
    return int(size)


def _unpacked(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise BrokenError("a message that is no JSON") from error
    if not isinstance(message, dict):
        raise BrokenError("a message that is no object")
    return message
