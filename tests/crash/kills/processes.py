"""The processes of an engine: finding them, and killing some or all of them. Linux only, like the rig."""

import contextlib
import os
import random
import signal
import time

import psutil

from baara_engine.sandboxes.hands import processes

ROLES = ("supervisor", "command", "launcher")  #: there is a launcher nearly always, so it comes last
PAUSE_S = 0.05


def adopt() -> None:
    """Make whatever an engine leaves behind a child of this process, so that nothing can hide."""
    if not processes.adopt_orphans():
        raise OSError("this system cannot hand orphans over, so nobody could find what is left")


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def kill_tree(pid: int) -> None:
    """Kill an engine and all below it at one moment: they are stopped first, so that none can start another."""
    root, stopped = psutil.Process(pid), dict[int, psutil.Process]()
    fresh = [root]
    while fresh:
        for process in fresh:
            _send(process, signal.SIGSTOP)
            stopped[process.pid] = process
        fresh = [one for one in root.children(recursive=True) if one.pid not in stopped]
    for process in stopped.values():
        _send(process, signal.SIGKILL)


def kill_hand(pid: int, role: str, chance: random.Random) -> str | None:
    """Kill one process of the sandbox below an engine, of this role if there is one; say of which it was."""
    hands = _hands(pid)
    for wanted in (role, *ROLES):
        if hands[wanted]:
            _send(chance.choice(hands[wanted]), signal.SIGKILL)
            return wanted
    return None


def _hands(pid: int) -> dict[str, list[psutil.Process]]:
    """Sort what is below an engine: its child is the launcher, whose children are supervisors, and so on."""
    hands: dict[str, list[psutil.Process]] = {role: [] for role in ROLES}
    with contextlib.suppress(psutil.NoSuchProcess):
        for launcher in psutil.Process(pid).children():
            supervisors = launcher.children()
            hands["launcher"].append(launcher)
            hands["supervisor"] += supervisors
            hands["command"] += [one for one in launcher.children(recursive=True) if one not in supervisors]
    return hands


def reap(spared: set[int]) -> None:
    """Collect what was adopted and has ended; `spared` are children that somebody else waits for."""
    for one in psutil.Process().children():
        if one.pid not in spared and _is_zombie(one):
            os.waitpid(one.pid, 0)


def left(within_s: float) -> list[str]:
    """Wait until nothing is below this process; name what is still there after so long, and end it."""
    deadline = time.monotonic() + within_s
    while True:
        reap(set())
        there = psutil.Process().children(recursive=True)
        if not there or time.monotonic() > deadline:
            break
        time.sleep(PAUSE_S)
    named = [_described(one) for one in there]
    for one in there:
        _send(one, signal.SIGKILL)
    return named


def _described(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):
        return f"{process.pid} {process.cmdline()} below {process.ppid()}, {process.status()}"
    return f"{process.pid}, just gone"


def _is_zombie(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
