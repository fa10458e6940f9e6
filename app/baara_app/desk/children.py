"""The engine's end of the pipes to one child, such as a window."""

import contextlib
import json
import logging
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

END_S = 5.0  # seconds that a child gets to leave by itself once its pipe has ended
LONGEST = 64 * 1024  # characters of one line: a child that says more has fallen over

LAST_WORDS = 20  # lines of its errors that are kept

Told = Callable[[str, dict[str, Any]], None]
ENDED = "ended"  #: what is told last of each child, with its exit status
LACKING = 3  #: exit status of a child whose toolkit or desktop is not there; it has said why before


class Child:
    """One process that shows something. Its messages, and its end, are told in a thread of its own."""

    def __init__(self, name: str, told: Told) -> None:
        """Start `baara_app.desk.NAME`. Raises OSError."""
        self.name = name
        self._told = told
        # No Python path of the folder that we happen to be in; the key has long left this environment.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"baara_app.desk.{name}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", cwd="/",
        )  # fmt: skip
        self.pid = self._process.pid
        self._errors: deque[str] = deque(maxlen=LAST_WORDS)
        self._threads = [
            threading.Thread(target=work, name=f"baara-{name}-{what}", daemon=True)
            for what, work in (("said", self._hear), ("errors", self._note))
        ]
        for thread in self._threads:
            thread.start()

    def tell(self, what: str, **more: Any) -> None:
        """Send it a message; nothing if it has gone."""
        with contextlib.suppress(OSError, ValueError):
            self._write(json.dumps({"do": what, **more}))

    def close(self) -> None:
        """End it: by its pipe, and by force if that does not help."""
        with contextlib.suppress(OSError, ValueError):
            self._stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            log.warning("the %s did not end by itself, and was killed", self.name)
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(END_S)

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _write(self, line: str) -> None:
        self._stdin.write(line + "\n")
        self._stdin.flush()

    def _hear(self) -> None:
        stream: Any = self._process.stdout
        with stream:
            for line in iter(lambda: stream.readline(LONGEST), ""):
                self._pass_on(line)
        status = self._process.wait()
        self._threads[1].join(END_S)
        self._told(self.name, {"said": ENDED, "status": status, "pid": self.pid, "errors": "\n".join(self._errors)})

    def _pass_on(self, line: str) -> None:
        try:
            said = json.loads(line)
            self._told(self.name, {"said": str(said["said"]), **said, "pid": self.pid})
        except (ValueError, KeyError, TypeError):
            log.info("the %s said what nobody understands: %s", self.name, line[:200])

    def _note(self) -> None:
        """Keep the last that its libraries complain about: they do it all the time, and it matters when it falls."""
        stream: Any = self._process.stderr
        with stream:
            for line in iter(lambda: stream.readline(LONGEST), ""):
                self._errors.append(line.rstrip())
