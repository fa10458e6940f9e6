"""A writer without a thread: each write is committed by its caller before `submit` returns.

It obeys the contract of `store.writer.GroupWriter`, and what it does depends on nothing but what it is asked. It also
knows how to die: before or after the commit of any write, as a killed process does.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from baara_engine.store.transaction import Tx
from baara_engine.store.writer import Committer, Write


class Dead(BaseException):
    """Raised to whoever waits for a write of a process that has died: nothing may handle it."""


class Plug:
    """The life of one process: once it is pulled, nothing of that process is written any more."""

    def __init__(self) -> None:
        self.is_pulled = False
        self.writes = 0  #: of the process so far
        self.on_pulled: Callable[[], None] = lambda: None
        self._left: int | None = None
        self._kept = False

    def pull(self) -> None:
        """Let the process die now."""
        self.is_pulled = True
        self.on_pulled()

    def pull_at(self, write: int, *, kept: bool) -> None:
        """Let the process die at its `write`-th write from now on (from 1), after its commit if `kept`, else before."""
        self._left, self._kept = write, kept

    def goes(self, *, committed: bool) -> bool:
        """Say whether the process lives on at this point of a write."""
        if not committed:
            self.writes += 1
            self._left = None if self._left is None else self._left - 1
        if self._left == 0 and self._kept is committed and not self.is_pulled:
            self.pull()
        return not self.is_pulled


class InlineWriter:
    """Commits each write by itself in the calling thread, as long as its process lives."""

    def __init__(self, committer: Committer, plug: Plug | None = None) -> None:
        """Take what commits, and the life of the process."""
        self._committer = committer
        self._plug = plug or Plug()

    def submit(self, work: Callable[[Tx], Any]) -> Future[Any]:
        """Commit a write. The future has ended, or it never ends because the process died."""
        if not self._plug.goes(committed=False):
            return _Never()
        write = Write(work)
        self._committer.commit([write])
        return write.answer if self._plug.goes(committed=True) else _Never()

    def close(self) -> None:
        """Close the connection."""
        self._committer.close()


class _Never(Future[Any]):
    """The answer that a dead process waits for."""

    def result(self, timeout: float | None = None) -> Any:  # noqa: ARG002 - there is nothing to wait for
        """Raise `Dead`."""
        raise Dead
