"""A real engine at work in a process of its own, until SIGTERM: `python -m tests.crash.kills.host FOLDER`."""

import signal
import sys
import threading
from pathlib import Path

from tests.crash.kills import service
from tests.crash.kills.work import World

from baara_engine.engine import Engine

SUPERVISE_S = 0.1


def main(folder: Path) -> int:
    """Work on the home of this world; give the exit status."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    world = World(folder)
    engine = Engine(world.home)
    engine.start(service.Service(world.refusals))
    print("working", flush=True)
    while not stopped.wait(SUPERVISE_S):
        if engine.join(0):
            return 1
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
