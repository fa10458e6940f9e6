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
        self._made: dict[bytes, float] = {}  # hash → when, in seconds since 1970

    def load(self) -> list[bytes]:
        """Give the hashes of the sessions that still hold; none where the file is missing, or not ours."""
        try:
            told = json.loads(self._path.read_text("ascii"))
            now = time.time()
            made = {bytes.fromhex(key): float(at) for key, at in told["sessions"].items()}
            is_ours = told["port"] == self._port
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return []
        self._made = {key: at for key, at in made.items() if is_ours and 0 <= now - at < KEPT_S}
        return list(self._made)

    def save(self, hashes: Iterable[bytes]) -> None:
        """Write them, whole or not at all."""
        now = time.time()
        self._made = {key: self._made.get(key, now) for key in hashes}
        told = {"port": self._port, "sessions": {key.hex(): at for key, at in self._made.items()}}
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
