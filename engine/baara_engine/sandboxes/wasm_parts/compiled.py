"""The guests that are shipped, and where their compiled forms are kept.

What is compiled is code of this machine that is loaded and run as it lies there, so its folder is the person's alone.
It cannot be shipped: it belongs to one processor and one version of the runtime, both of which its keys name.
"""

import hashlib
import importlib.metadata
import os
from pathlib import Path

import platformdirs

from baara_engine import errors, homes
from baara_engine.sandboxes import JAVASCRIPT, PYTHON

GUESTS = Path(__file__).resolve().parent.parent / "guests"
PATHS = {PYTHON: GUESTS / "python.wasm", JAVASCRIPT: GUESTS / "javascript.wasm"}
LIBRARY = GUESTS / "library"

CACHE_VARIABLE = "BAARA_WASM_CACHE"  #: another folder for what is compiled
CONFIG = "cache.toml"
MODULES = "modules"
DONE = "compiled-"  # begins the name of the mark that the present guests have been compiled


class Compiled:
    """The folder of what is compiled."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take the folder; by itself it is one in the user's cache."""
        named = os.environ.get(CACHE_VARIABLE)
        usual = Path(named) if named else platformdirs.user_cache_path("baara", appauthor=False) / "wasm"
        self._folder = (folder or usual).absolute()

    @property
    def config(self) -> Path:
        """Give the file that tells the runtime of the folder."""
        return self._folder / CONFIG

    def prepare(self) -> None:
        """Make the folder, for this user alone. Raises `errors.SandboxFailure`."""
        try:
            (self._folder / MODULES).mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self._folder, self._folder / MODULES):
                _require_private(folder)
            text = f'[cache]\ndirectory = "{_escaped(self._folder / MODULES)}"\n'
            if not self.config.exists() or self.config.read_text("utf-8") != text:
                self.config.write_text(text, "utf-8")
        except OSError as error:
            homes.require_room(error, self._folder)
            raise errors.SandboxFailure(f"The folder {self._folder} cannot be used: {error.strerror}.") from error

    def done(self) -> bool:
        """Say whether the present guests have been compiled by the present runtime."""
        return self._mark().exists()

    def note(self) -> None:
        """Know from now on that they have been."""
        self._mark().touch()

    def _mark(self) -> Path:
        what = hashlib.sha256((GUESTS / "SHA256SUMS").read_bytes())
        what.update(importlib.metadata.version("extism-sys").encode("ascii"))
        return self._folder / f"{DONE}{what.hexdigest()[:16]}"


def _require_private(folder: Path) -> None:
    about = folder.stat()
    if about.st_uid != os.getuid():
        raise errors.SandboxFailure(f"The folder {folder} belongs to somebody else. Remove it, or name another.")
    folder.chmod(0o700)


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
