"""Waking other processes of this home the moment something was committed, at no cost while nothing happens.

Each process that wants to hear binds a datagram socket in `run/`; whoever has committed sends one empty datagram to
each. It carries nothing: the news stands in the store, and whoever misses a nudge finds it at its next look.
Where Unix sockets are missing (Windows), loopback datagrams take their place, with the port in a file.
"""

import contextlib
import logging
import os
import secrets
import select
import socket
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

FOLDER = "run"
UNIX = hasattr(socket, "AF_UNIX")
MAX_PATH = 100  # bytes: a Unix address holds 107, some systems 103
LOOPBACK = "127.0.0.1"


class Listener:
    """A non-blocking socket that becomes readable when something was committed."""

    def __init__(self, home: Path, *, unix: bool = UNIX) -> None:
        """Start to listen in this home."""
        folder = home / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        self.path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.{'sock' if unix else 'port'}"
        self.socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(0)
        if unix:
            with _short(self.path) as address:
                self.socket.bind(address)
        else:
            self.socket.bind((LOOPBACK, 0))
            self.path.write_text(str(self.socket.getsockname()[1]), "ascii")

    def fileno(self) -> int:
        """Give the descriptor to wait on."""
        return self.socket.fileno()

    def wait(self, timeout_s: float) -> bool:
        """Block until a nudge comes, or the time is over; say whether one came."""
        ready, _, _ = select.select([self.socket], [], [], timeout_s)
        self.drain()
        return bool(ready)

    def drain(self) -> None:
        """Take all nudges that have come."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.recv(16)

    def close(self) -> None:
        """Stop listening."""
        self.socket.close()
        self.path.unlink(missing_ok=True)


def send(home: Path) -> None:
    """Nudge every listener of this home in other processes. Never raises: a nudge is a courtesy."""
    try:
        listeners = list((home / FOLDER).iterdir())
    except FileNotFoundError:
        return
    mine = f"{os.getpid()}-"
    for path in listeners:
        if not path.name.startswith(mine):
            send_to(path)


def send_to(path: Path) -> None:
    """Nudge one listener. Never raises."""
    try:
        if path.suffix == ".sock":
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, _short(path) as address:
                sender.settimeout(0)
                sender.sendto(b"", address)
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"", (LOOPBACK, int(path.read_text("ascii"))))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)  # its process died without closing
    except (OSError, ValueError) as error:
        log.debug("no nudge to %s: %s", path.name, error)  # full buffer: it has nudges enough; gone: it needs none


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give an address for a socket path that may be too long for one: by way of the folder's descriptor."""
    if len(os.fsencode(path)) <= MAX_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
