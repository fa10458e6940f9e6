"""Keeping the computer awake while something is at work, where the system offers it and the person wants it.

On Linux `systemd-inhibit` holds the lock for as long as the program that it runs, which ends when this process does,
however it ends. macOS has `caffeinate`, which watches over the process that it is told. On Windows the thread that
asked keeps it awake until it says otherwise or ends. The display may go dark everywhere. The ways of macOS and Windows
are by their documentation.
"""

import ctypes
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)

WHY = "work is in progress"
END_S = 2.0  # for a helper program to end by itself

# SetThreadExecutionState
ES_CONTINUOUS, ES_SYSTEM_REQUIRED = 0x80000000, 0x00000001


class Awake(Protocol):
    """Keeps the computer awake, or not."""

    def set(self, *, on: bool) -> None:
        """Say whether it is to stay awake. Call it in one and the same thread; saying the same again costs nothing."""
        ...


class Sleepy:
    """Leaves the computer alone: nobody asked for it, or the system has no way."""

    def set(self, *, on: bool) -> None:
        """Do nothing."""


SLEEPY = Sleepy()


class Wanted:
    """Keeps it awake as long as a person wants that, which may change while something is at work."""

    def __init__(self, keeper: Awake, is_wanted: Callable[[], bool]) -> None:
        """Take what keeps it awake, and whom to ask."""
        self._keeper = keeper
        self._is_wanted = is_wanted

    def set(self, *, on: bool) -> None:
        """Pass it on, if it is wanted."""
        self._keeper.set(on=on and self._is_wanted())


class Program:
    """Keeps it awake by a program of the system that runs for as long as that is wanted."""

    def __init__(self, command: list[str]) -> None:
        """Take the command line. It ends when its standard input does, or by itself with this process."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def set(self, *, on: bool) -> None:
        """Start the program, or end it. One that has ended by itself is not started again: the system refuses it."""
        if on and self._process is None:
            self._begin()
        elif not on and self._process is not None:
            process, self._process = self._process, None
            _end(process)

    def _begin(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            log.info("the computer cannot be kept awake: %s", error)


class Windows:
    """Keeps it awake by the thread that calls."""

    def __init__(self) -> None:
        self._on = False

    def set(self, *, on: bool) -> None:
        """Tell the system, if that is news."""
        if on != self._on and sys.platform == "win32":
            ctypes.windll.kernel32.SetThreadExecutionState(ES_CONTINUOUS | (ES_SYSTEM_REQUIRED if on else 0))
        self._on = on


def for_system(platform: str = sys.platform) -> Awake:
    """Give what this system has."""
    if platform == "win32":
        return Windows()
    command = _command(platform)
    return Sleepy() if command is None else Program(command)


def _command(platform: str) -> list[str] | None:
    if platform == "darwin":
        return ["caffeinate", "-i", "-w", str(os.getpid())]
    if platform == "linux" and shutil.which("systemd-inhibit"):
        return ["systemd-inhibit", "--what=idle:sleep", "--mode=block", "--who=Baara", f"--why={WHY}", "cat"]
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
