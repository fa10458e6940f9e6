"""A process that holds the database's lock for some seconds, as a virus scanner or a hung program does.

    python -m tests.crash.locker HOME SECONDS

It says "locked" when it has it. The lock is that of a write, which no other process gets meanwhile.
"""

import sys
import time
from pathlib import Path

import apsw

from baara_engine.store import layout

BUSY_MS = 30_000


def main(arguments: list[str]) -> int:
    """Lock, wait, and let go without having changed anything."""
    home, seconds = arguments
    connection = apsw.Connection(str(Path(home) / layout.DATABASE))
    connection.set_busy_timeout(BUSY_MS)
    connection.execute("BEGIN EXCLUSIVE")
    print("locked", flush=True)
    time.sleep(float(seconds))
    connection.execute("ROLLBACK")
    connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
