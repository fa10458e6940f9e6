"""`runtime.json`: how a running engine is reached, for this user's eyes only."""

import contextlib
import json
import logging
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import baara_engine
from baara_engine import clock, redaction

log = logging.getLogger(__name__)

FILE = "runtime.json"
LOOPBACK = "127.0.0.1"
TOKEN_BYTES = 32  # 256 bits


@dataclass(frozen=True, slots=True)
class Runtime:
    """What stands in it."""

    pid: int
    url: str
    token: str  #: for the pages and the HTTP interface
    mcp_token: str
    version: str
    started_at: str | None  #: ISO 8601 in UTC


def describe(listening: socket.socket) -> Runtime:
    """Describe this process as what serves on a socket, with tokens of its own."""
    url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    started_at = clock.iso(clock.SystemClock().now())
    return Runtime(os.getpid(), url, _token(), _token(), baara_engine.__version__, started_at)


def renewed(found: Runtime) -> Runtime:
    """Give the same with new tokens."""
    return replace(found, token=_token(), mcp_token=_token())


@contextlib.contextmanager
def announced(home: Path, found: Runtime) -> Iterator[None]:
    """Keep it while the server runs."""
    if (home / FILE).exists():
        log.info("the run before was not stopped: it was killed or fell over, or the computer went off")
    write(home, found)
    try:
        yield
    finally:
        (home / FILE).unlink(missing_ok=True)


def write(home: Path, found: Runtime) -> None:
    """Write it whole or not at all. Raises OSError."""
    unfinished = home / f".{FILE}.{os.getpid()}"
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        json.dump(asdict(found), file)
    unfinished.replace(home / FILE)


def _token() -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    redaction.known.bind(token)
    return token
