"""A real engine on a home, with the SDK and little patience, in a process of its own.

python -m tests.crash.service_faults.host HOME SERVICE_URL
"""

import signal
import sys
import threading
from pathlib import Path

from tests.crash.service_faults import patience

from baara_engine.engine import Engine


def main(arguments: list[str]) -> int:
    """Work until SIGTERM."""
    home, url = arguments
    patience.lose()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    engine = Engine(Path(home), config_=patience.settings(url))
    engine.start(patience.Impatient(url))
    print("at work", flush=True)
    stopped.wait()
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
