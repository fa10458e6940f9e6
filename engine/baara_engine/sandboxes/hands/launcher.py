"""One small process per engine that forks a supervisor for each job.

Forking this one takes a millisecond or two; starting a program from the engine, with its threads and its memory, takes
many times that. It ends when the engine and its supervisors have; those do not need it. What a supervisor that was
killed leaves behind it adopts, and ends.
"""

import contextlib
import os
import socket

from . import processes, supervisor

LAST_LOOK_S = 1.0  # seconds between looks for supervisors that have ended unnoticed
SWEEP_S = 3.0  # seconds after which a process that will not die is left: others wait for their supervisors


def main(_arguments: list[str]) -> None:
    """Fork a supervisor for each socket that comes through stdin, until that closes."""
    control = _take_stdin()
    adopting = processes.adopt_orphans()
    wake = processes.wake_on_child()
    supervisors: set[int] = set()
    while True:
        ready = processes.wait({control.fileno(), wake}, None)
        if wake in ready:
            os.read(wake, 4096)
            if _bury(supervisors) and adopting:
                ended, _ = processes.sweep_tree(supervisors, SWEEP_S)
                supervisors.difference_update(ended)
        if control.fileno() in ready:
            _, lines, _, _ = socket.recv_fds(control, 1, 1)
            if not lines:
                control.close()
                _see_to_the_end(supervisors, wake, adopting=adopting)
                return
            with socket.socket(fileno=lines[0]) as line:
                supervisors |= _fork(line, control, wake)


def _see_to_the_end(supervisors: set[int], wake: int, *, adopting: bool) -> None:
    """Wait, the engine being gone, until the supervisors have ended too, and end what one of them could not."""
    while supervisors:
        _bury(supervisors)
        if supervisors:
            processes.wait({wake}, LAST_LOOK_S)
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)
    if adopting:
        processes.sweep_tree(frozenset(), SWEEP_S)


def _take_stdin() -> socket.socket:
    """Move the socket away from stdin, so that no child has it there."""
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    return control


def _bury(supervisors: set[int]) -> bool:
    """Collect ended supervisors, and say whether one of them did not end by itself."""
    ended, _ = processes.reap()
    died = any(code != 0 for pid, code in ended.items() if pid in supervisors)
    supervisors.difference_update(ended)  # in place, which `-=` with the keys of a dict is not
    return died


def _fork(line: socket.socket, control: socket.socket, wake: int) -> set[int]:
    """Fork a supervisor and give its pid; nothing if there is none to be had, which the engine sees by its silence."""
    line.set_inheritable(False)
    with contextlib.suppress(OSError):
        pid = os.fork()
        if pid != 0:
            return {pid}
        _be_supervisor(line, control, wake)
    return set()


def _be_supervisor(line: socket.socket, control: socket.socket, wake: int) -> None:
    """Supervise, and exit with 0; with anything else, what is left below this process is for the launcher to end."""
    code = 1
    try:
        control.close()  # or the engine would not see that the launcher has died
        os.close(wake)
        os.setsid()
        os.umask(0o077)
        supervisor.supervise(line)
        code = 0
    finally:
        os._exit(code)
