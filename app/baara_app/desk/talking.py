"""A child's end of the pipes: lines of JSON on its standard input and output, and its end with theirs."""

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]


class Line:
    """What a child hears and says. Whatever else prints goes to the standard error, where the engine's log takes it."""

    def __init__(self) -> None:
        """Take the two ends, so that no library can write between the lines."""
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def say(self, what: str, **more: Any) -> None:
        """Tell the engine's process; nothing if it has gone."""
        with self._lock:
            try:
                self._out.write(json.dumps({"said": what, **more}) + "\n")
                self._out.flush()
            except OSError:
                return

    def listen(self, told: Callable[[Message], None], ended: Callable[[], None]) -> None:
        """Hand each message on in a thread of its own, and say when there will be no more."""
        threading.Thread(target=self._listen, args=(told, ended), name="baara-line", daemon=True).start()

    def _listen(self, told: Callable[[Message], None], ended: Callable[[], None]) -> None:
        try:
            for line in sys.stdin:
                told(json.loads(line))
        finally:
            ended()
