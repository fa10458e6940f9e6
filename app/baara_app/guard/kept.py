"""Sessions that outlive the process: after a crash, a window that is open goes on by itself.

Only hashes are kept, of keys with 256 random bits: whoever reads the file can enter nothing. What is older than a day
is forgotten, and so is everything that is not as it was written.
"""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

FILE = "sessions.json"
KEPT_S = 24 * 3600.0  # since it was made: a window that was open yesterday asks for a new link


class Kept:
    """The file of one home."""

    def __init__(self, home: Path, port: int) -> None:
        """Take the home, and the port: a cookie belongs to one."""
        self._path = home / FILE
        self._port = port

    def load(self) -> list[bytes]:
        """Give the hashes of the sessions that still hold; none where the file is missing, or not ours."""
        try:
            told = json.loads(self._path.read_text("ascii"))
            now = time.time()
            if told["port"] != self._port:
                return []
            return [bytes.fromhex(key) for key, at in told["sessions"].items() if 0 <= now - float(at) < KEPT_S]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []

    def save(self, hashes: Iterable[bytes]) -> None:
        """Write them, whole or not at all."""
        told = {"port": self._port, "sessions": {key.hex(): time.time() for key in hashes}}
        unfinished = self._path.with_name(f".{FILE}.{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            json.dump(told, file)
        unfinished.replace(self._path)


class NotKept:
    """Sessions that end with the process."""

    def load(self) -> list[bytes]:
        """Know none."""
        return []

    def save(self, hashes: Iterable[bytes]) -> None:
        """Keep none."""
