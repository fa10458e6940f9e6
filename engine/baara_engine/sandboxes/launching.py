"""The engine's end of the launcher: starting it when it is first needed, and handing jobs' sockets to it."""

import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path

from baara_engine import errors

HANDS = Path(__file__).resolve().parent / "hands" / "__main__.py"
SEND_S = 5.0  # seconds after which a launcher that takes nothing counts as broken
EXIT_S = 2.0  # seconds that it gets to leave by itself


def argv(program: str, *arguments: str) -> list[str]:
    """Tell how to start one of our own small programs, `launcher` or `search`."""
    return [sys.executable, "-I", "-S", "-X", "utf8", str(HANDS), program, *arguments]


class Launcher:
    """The process that forks supervisors (`hands.launcher`). Its methods block: call them in a thread."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def hand_over(self, line: socket.socket) -> None:
        """Give this socket to a new supervisor, and close it here. Raises `errors.SandboxFailure`.

        A launcher that has died is started again, once. That is safe: a job begins only when a supervisor reads it
        from the socket.
        """
        with line, self._lock:
            try:
                self._send(line)
            except OSError:
                self._end()
                try:
                    self._send(line)
                except OSError as error:
                    raise errors.SandboxFailure(f"The process that starts commands does not work: {error}.") from error

    def close(self) -> None:
        """End the launcher. Supervisors that still run are independent of it."""
        with self._lock:
            self._end()

    def _send(self, line: socket.socket) -> None:
        control = self._control or self._start()
        socket.send_fds(control, [b"j"], [line.fileno()])

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            # No environment: what commands run as the same user can read that of the launcher.
            self._process = subprocess.Popen(
                argv("launcher"),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        ours.settimeout(SEND_S)
        self._control = ours
        return ours

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(EXIT_S)
            self._process.kill()  # does nothing to one that has ended
            self._process.wait()
        self._control = self._process = None
