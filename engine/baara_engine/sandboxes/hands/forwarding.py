"""The way out of a sandbox that has no network but a list of hosts: `python3 forwarding.py SOCKET PORT PROGRAM …`.

It listens on a port of the sandbox's own loopback, passes what comes there on to the engine's proxy behind a socket in
the file system, and runs the program with the variables that tell programs of a proxy. It runs inside the sandbox, with
whatever Python is there, and is trusted with nothing: whoever gets round it is where there is no network.
"""

import contextlib
import os
import select
import signal
import socket
import sys

CHUNK = 64 * 1024  # bytes passed on at once
WAITING = 64  # connections that may stand in line
PAUSE_S = 0.1  # seconds to wait where there are no descriptors left
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def main(path: str, port: str, program: list[str]) -> None:
    """Become the program, and leave a child behind that forwards."""
    listening = socket.create_server(("127.0.0.1", int(port)), backlog=WAITING)
    if os.fork() == 0:
        try:
            _keep_to_itself()
            _forward(listening, path)
        finally:
            os._exit(0)
    listening.close()
    proxy = f"http://127.0.0.1:{port}"
    os.execvpe(program[0], program, {**os.environ, **dict.fromkeys(VARIABLES, proxy)})  # noqa: S606 - what it is for


def _keep_to_itself() -> None:
    """Hold no output open, and go on while the program is being asked to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)


def _forward(listening: socket.socket, path: str) -> None:
    others: dict[socket.socket, socket.socket] = {}
    while True:
        for ready in select.select([listening, *others], [], [])[0]:
            if ready is listening:
                others |= _accepted(listening, path)
            elif ready in others and not _passed_on(ready, others[ready]):
                _end(others, ready)


def _accepted(listening: socket.socket, path: str) -> dict[socket.socket, socket.socket]:
    """Join a new connection to the proxy; both ways are in what it gives."""
    try:
        here, _ = listening.accept()
    except OSError:
        select.select([], [], [], PAUSE_S)
        return {}
    try:
        there = socket.socket(socket.AF_UNIX)
        there.connect(path)
    except OSError:
        here.close()
        return {}
    return {here: there, there: here}


def _passed_on(source: socket.socket, target: socket.socket) -> bool:
    """Pass on what is there; False where that was the end of it."""
    try:
        data = source.recv(CHUNK)
        target.sendall(data)
        if not data:
            target.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return bool(data)


def _end(others: dict[socket.socket, socket.socket], source: socket.socket) -> None:
    """Read no more from a side that has ended, and close both once the other has too."""
    target = others.pop(source)
    if target not in others:
        for side in (source, target):
            with contextlib.suppress(OSError):
                side.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
