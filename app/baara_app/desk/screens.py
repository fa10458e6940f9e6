"""The three children of the desk: started when they are needed, started again when they fall over, ended in order."""

import logging
import signal
from collections.abc import Callable
from typing import Any

from baara_app import crashes
from baara_app.desk import children

log = logging.getLogger(__name__)

WINDOW, TRAY, NOTIFIER = "window", "tray", "notifier"
AGAIN_S = (1.0, 5.0, 30.0)  # seconds until one that has fallen over is started again; then it is left
KILLED = (signal.SIGTERM, 9)  # from outside, so it is no fault of its own; Windows has no SIGKILL by name
ENOUGH_S = 600.0  # seconds after which a fall is forgotten

Start = Callable[[str, children.Told], children.Child]


class Screen:
    """One kind of child: the process that there is now, if there is one, and why there can be none."""

    def __init__(self, name: str, told: children.Told, start: Start = children.Child) -> None:
        """Start nothing yet."""
        self.name = name
        self.lacks: str | None = None  #: why it cannot be had here, as it has said
        self._told = told
        self._start = start
        self._child: children.Child | None = None
        self._falls: list[float] = []

    @property
    def is_there(self) -> bool:
        """Say whether its process runs."""
        return self._child is not None

    def tell(self, what: str, **more: Any) -> bool:
        """Send it a message, to a new process if there is none; say whether there is one."""
        if self.lacks is not None:
            return False
        if self._child is None:
            try:
                self._child = self._start(self.name, self._told)
            except OSError as error:
                self.lacks = f"The {self.name} cannot be started: {error}."
                return False
        self._child.tell(what, **more)
        return True

    def has_ended(self, pid: int, status: int, now_s: float, last_words: str = "") -> float | None:
        """Note that a process has ended, and give in how many seconds to start it again; None for not at all."""
        if self._child is None or self._child.pid != pid:
            return None
        self._child.close()
        self._child = None
        if status == 0 or self.lacks is not None:
            return None
        self._falls = [at for at in self._falls if now_s - at < ENOUGH_S]
        if -status in KILLED:
            log.warning("the %s was killed", self.name)
        else:
            told = {crashes.WORDS: last_words or "It said nothing."}
            log.warning("the %s fell over (status %d)", self.name, status, extra=told)
        if len(self._falls) >= len(AGAIN_S):
            self.lacks = f"The {self.name} fell over {len(self._falls) + 1} times; it is left until Baara starts anew."
            return None
        self._falls.append(now_s)
        return AGAIN_S[len(self._falls) - 1]

    def close(self) -> None:
        """End it."""
        child, self._child = self._child, None
        if child is not None:
            child.close()
