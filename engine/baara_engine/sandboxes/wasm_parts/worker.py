"""A worker process: `python -I -m baara_engine.sandboxes.wasm_parts.worker`, with pipes to the engine.

It loads one guest when the engine tells it which, and runs programs in it until the engine goes. With `compile` and
paths of guests as arguments it compiles those, so that later loads take a tenth of a second, and ends.
"""

import os
import resource
import select
import signal
import sys
from typing import cast

import extism

from baara_engine.sandboxes.wasm_parts import guests
from baara_engine.sandboxes.wasm_parts.control import Control
from baara_engine.sandboxes.wasm_parts.framing import Incoming, Setup

COMPILE = "compile"
OWN_FILES = 64  # descriptors that this process and Extism need themselves, at most


def main(arguments: list[str]) -> None:
    """Serve the engine, or compile."""
    if arguments[:1] == [COMPILE]:
        for path in arguments[1:]:
            guests.load({"wasm": [{"path": path}]})
        return
    orders, answers = _take_pipes()
    incoming = Incoming(orders)
    setup = _setup(incoming, orders)
    if setup is None:
        return
    control = Control(incoming, orders, answers, setup["folder"])
    try:
        _limit(setup)
        guest = guests.Guest(setup, control.output, control.ended)
    except (extism.Error, OSError) as error:
        control.say({"failure": str(error)})
        return
    control.say({"ready": True})
    control.serve(guest.start)
    os._exit(0)  # the guest's thread waits for programs for ever


def _take_pipes() -> tuple[int, int]:
    """Move the pipes away from stdin and stdout, where anything might write."""
    orders, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.set_blocking(orders, False)
    return orders, answers


def _setup(incoming: Incoming, pipe: int) -> Setup | None:
    """Wait for the first message; None if the engine goes without one."""
    while not incoming.ended:
        select.select([pipe], [], [])
        for message in incoming.take():
            return cast("Setup", message)
    return None


def _limit(setup: Setup) -> None:
    """Hold this process to what a guest cannot be held to otherwise."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is an error for the guest, and no more
    for which, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, setup["file_bytes"]),
        (resource.RLIMIT_NOFILE, setup["open_files"] + OWN_FILES),
    ):
        _, hard = resource.getrlimit(which)
        now = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (now, now))


if __name__ == "__main__":
    main(sys.argv[1:])
