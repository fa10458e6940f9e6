"""Starting one program, and ending everything that it started.

On Linux the calling process adopts the orphans below it (`PR_SET_CHILD_SUBREAPER`), so that a daemon which left its
session and lost its parent is still found and ended. Other systems have nothing of the kind: there the program's own
process group is ended, and what left that group survives.
"""

# Loading pathlib would make a launcher start a quarter later.
# ruff: noqa: PTH110, PTH123, PTH208

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
KILLED = 128 + signal.SIGKILL  # exit code of what was killed, as shells report it
NO_LIMITS: Mapping[str, int] = {}
PAUSE_S = 0.002  # seconds between two rounds of killing: about what a killed process takes to be gone


def adopt_orphans() -> bool:
    """Make orphaned processes below this one its children; False where the system has no such thing."""
    return os.path.exists("/proc/self/stat") and _prctl(PR_SET_CHILD_SUBREAPER, 1)


def wake_on_child() -> int:
    """Give a file descriptor that becomes readable whenever a child ends."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # a wake-up needs some handler
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def start(argv: list[str], env: dict[str, str], output: int, limits: Mapping[str, int] = NO_LIMITS) -> int:
    """Start a program in a session of its own, stdin empty, stdout and stderr to `output`; give its pid.

    `limits` are those of `resource`, by name: neither the program nor what it starts can raise them again.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become(argv, env, output, parent, limits)
        except BaseException as error:  # noqa: BLE001  (nothing may return into the code of the parent)
            os.write(output, f"{argv[0]}: {error}\n".encode("utf-8", "replace"))
        finally:
            os._exit(127)
    return pid


def ask_to_end(pid: int, *, wrapped: bool) -> None:
    """Send SIGTERM to the program's group. Its pid must not have been collected yet.

    A wrapped program is below the one of this pid, which would take all with it: there each process is asked.
    """
    if wrapped:
        for inside in set(below()) - {pid}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(inside, signal.SIGTERM)
        return
    try:
        os.killpg(pid, signal.SIGTERM)
    except ProcessLookupError:  # it has not made its group yet
        os.kill(pid, signal.SIGTERM)


def reap() -> tuple[dict[int, int], bool]:
    """Collect the children that have ended: their exit codes by pid, and whether there are more children."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended, False
        if pid == 0:
            return ended, True
        ended[pid] = exit_code(status)


def exit_code(status: int) -> int:
    """Translate a wait status as shells do: 128 + the signal's number if a signal ended the process."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def sweep_tree(spared: AbstractSet[int], within_s: float) -> tuple[dict[int, int], bool]:
    """Kill every process below this one, except `spared` and what is below those.

    Gives the exit codes of the children that ended meanwhile, and whether all are gone within that many seconds: the
    kernel may hold one, and one that became another user's cannot be killed. Needs `adopt_orphans`.
    """
    until = time.monotonic() + within_s
    ended: dict[int, int] = {}
    while True:
        now_ended, more = reap()
        ended |= now_ended
        targets = _targets(spared - ended.keys()) if more else set()
        if not targets or time.monotonic() > until:
            return ended, not targets
        _kill(targets)
        time.sleep(PAUSE_S)


def sweep_group(group: int, within_s: float) -> tuple[dict[int, int], bool]:
    """Kill a process group, for systems on which orphans cannot be adopted. Gives what `sweep_tree` gives."""
    until = time.monotonic() + within_s
    _kill({-group})
    ended, more = reap()
    while more and time.monotonic() < until:
        time.sleep(PAUSE_S)
        now_ended, more = reap()
        ended |= now_ended
    return ended, not more


def wait(sources: AbstractSet[int], timeout_s: float | None) -> list[int]:
    """Wait until some of these file descriptors are readable, and give those."""
    return select.select(list(sources), [], [], timeout_s)[0]


def below() -> list[int]:
    """Give the pids of all processes below this one."""
    return list(_below(frozenset()))


def _become(argv: list[str], env: dict[str, str], output: int, parent: int, limits: Mapping[str, int]) -> None:
    os.setsid()  # every group in this session or below it holds nothing but the program's own processes
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return  # the parent died before it could be watched
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in enumerate((nothing, output, output)):
        os.dup2(source, target)
    for name, most in limits.items():
        _limit(getattr(resource, name), most)
    os.execve(argv[0], argv, env)  # noqa: S606  (everything else is closed: Python marks all it opens as close-on-exec)


def _limit(which: int, most: int) -> None:
    """Lower a limit for good; one that is lower already stays."""
    _, hard = resource.getrlimit(which)
    now = most if hard == resource.RLIM_INFINITY else min(most, hard)
    # At the hard limit of processor's time the kernel kills; a second before, it says what for.
    resource.setrlimit(which, (now, now + 1 if which == resource.RLIMIT_CPU and now == most else now))


def _targets(spared: AbstractSet[int]) -> set[int]:
    """Choose what to kill: whole groups (negative), out of which nobody can fork, and strays of our own."""
    own = os.getpgrp()
    return {pid if group == own else -group for pid, group in _below(spared).items()}


def _below(spared: AbstractSet[int]) -> dict[int, int]:
    """Find the processes below this one: their groups by pid."""
    children: dict[int, list[tuple[int, int]]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            pid, parent, group = _relations(name)
            children.setdefault(parent, []).append((pid, group))
    found: dict[int, int] = {}
    todo = [os.getpid()]
    while todo:
        for pid, group in children.get(todo.pop(), ()):
            if pid not in spared:
                found[pid] = group
                todo.append(pid)
    return found


def _relations(name: str) -> tuple[int, int, int]:
    """Read pid, parent and group of a process; -1 for one that has just gone."""
    try:
        with open(f"/proc/{name}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return -1, -1, -1
    return int(name), int(fields[1]), int(fields[2])


def _kill(targets: AbstractSet[int]) -> None:
    for target in targets:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(target, signal.SIGKILL)


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    failed: int = ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    return not failed
