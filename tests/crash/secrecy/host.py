"""A real engine in a process of its own that knows a secret, as it knows the API key.

python -m tests.crash.secrecy.host HOME SERVICE_URL
"""

import signal
import sys
import threading
from pathlib import Path

from tests.crash.secrecy.forms import KNOWN

from baara_app import logs
from baara_engine import config, redaction
from baara_engine.agent.models import Models
from baara_engine.engine import Engine


def main(arguments: list[str]) -> int:
    """Work until SIGTERM."""
    home, url = arguments
    redaction.guard_logs()
    redaction.known.bind(KNOWN)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    settings = config.Config(base_url=url)
    engine = Engine(Path(home), config_=settings)
    with logs.kept(Path(home)):
        engine.start(Models(lambda: "a-key-of-no-account", lambda: settings))
        print("at work", flush=True)
        stopped.wait()
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
