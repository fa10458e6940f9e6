"""A real engine in a process that is stopped and continued, as a shell's Ctrl-Z does it.

That is no sleep of the computer: the time since boot and the working time both go on, so it is not told as one. What
it shows is that the engine's loop stood still.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from baara_engine import events
from baara_engine.clock import SystemClock
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission
from baara_engine.states import Status

LONG = 30.0  # seconds that no wait here takes unless something is wrong
STOPPED_S = 3.0

ENGINE = """
import sys
from pathlib import Path
from baara_engine.engine import Engine
from baara_engine.health import monitor
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels
monitor.SWEEP_S = 0.3
engine = Engine(Path(sys.argv[1]))
engine.start(ScriptedModels(ScriptedModel([])))
sys.stdin.readline()
engine.close()
"""


@pytest.fixture
def engine(home: Path) -> Engine:
    """Give an opened engine on the computer's own clock; the test closes it."""
    return Engine(home, clock_=SystemClock())


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_engine_that_was_stopped_stood_still_and_did_not_sleep(engine: Engine, home: Path) -> None:
    """Continued after seconds, it tells of the stand-still and of nothing else; its work ends once."""
    wait = "while ! test -e go; do echo tick; sleep 0.1; done; echo once >> done"
    execution = engine.submit(Submission(prompt=wait, kind=Kind.COMMAND))
    go, done = Path(execution.workspace) / "go", Path(execution.workspace) / "done"
    with subprocess.Popen([sys.executable, "-c", ENGINE, str(home)], stdin=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: engine.execution(execution.id).status is Status.RUNNING)
            time.sleep(1.0)
            process.send_signal(signal.SIGSTOP)
            until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
            time.sleep(STOPPED_S)
            process.send_signal(signal.SIGCONT)
            until(lambda: [one.kind for one in engine.health()] == ["lag"])
            go.touch()
            until(lambda: engine.execution(execution.id).status is Status.COMPLETED)
            process.communicate("stop\n", timeout=LONG)
        finally:
            process.kill()
    told = {event.kind for event in engine.events(limit=10_000)}
    notes = [message.kind for message in engine.thread(execution.thread_id)[1]]
    engine.close()
    assert not told & {events.Kind.SLEPT, events.Kind.CLOCK_JUMPED, events.Kind.QUESTION, events.Kind.RESUMED}
    assert (done.read_text(), notes.count("note")) == ("once\n", 0)
