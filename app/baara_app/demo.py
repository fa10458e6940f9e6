"""The main job in one command: a real task on a real folder, its engine killed in the middle, its result in the inbox.

It works in a home of its own (`demo` in the home), so nothing of the person's is touched or interrupted; the folder is
only read. The work is done by the offline model, which needs no key and no network.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from baara_engine import errors, requests, resuming, states
from baara_engine.config import EXECUTIONS, OFFLINE, WORKSPACES
from baara_engine.engine import Engine
from baara_engine.events import Kind
from baara_engine.records import Event, Execution

HOME = "demo"
KILL_AT_TURN = 4  # late enough to have something to lose, early enough to have something left to do
PACE_S = "0.3"  # seconds the offline model takes for an answer, so that one can watch
READY_S = 30.0  # until the engine must have said that it is ready
FINISHED_S = 120.0  # until the work must have ended, on a slow machine with a large folder
LOOK_S = 1.0  # the longest wait for a nudge before looking anyway

PROMPT = "Look over this folder and report what is in it."
SAMPLE = {
    "README.md": "# Allotment 14\n\nNotes about a small garden: what grows where, and what is to be done when.\n",
    "beds.csv": "bed,crop,planted\n1,beans,2026-05-02\n2,leeks,2026-04-18\n3,potatoes,2026-03-29\n",
    "notes/spring.md": "# Spring\n\nTODO: order seed potatoes.\nThe water butt leaks at the tap.\n",
    "notes/autumn.md": "# Autumn\n\nLift the potatoes before the first frost. TODO: mend the fence.\n",
    "tools/rain.py": '"""Adds up the rain."""\n\nprint(sum(float(line) for line in open("rain.txt")))\n',
}


def run(home: Path, folder: Path | None, say: Callable[[str], None]) -> int:
    """Show it, telling each step through `say`; give 0 only if everything held. Raises `errors.BaaraError`."""
    if folder is not None and not folder.is_dir():
        raise errors.NotFound(f"{folder} is not a folder.")
    engine = Engine(home / HOME)
    try:
        if engine.is_working():
            raise errors.Refused("Another demo is running. Wait until it has ended.")
        return Demo(engine, folder or _sample(engine.home), say).run()
    finally:
        engine.close()


@dataclass(slots=True)
class Demo:
    """One showing."""

    engine: Engine
    folder: Path
    say: Callable[[str], None]
    begun: float = field(default_factory=time.monotonic)
    seen: int = 0  #: number of the last event told

    def run(self) -> int:
        """Submit, kill, resume, and look whether it held."""
        self.tell(f"a task on {self.folder}, by the offline model: no key, no network, no screen")
        self.seen = self.engine.last_event()
        folder = str(self.folder.absolute())
        wanted = {"prompt": PROMPT, "model": OFFLINE, "workspace": folder, "source": "demo"}
        submission = requests.parse(requests.Submission, wanted)
        execution = self.engine.submit(submission)
        self.tell(f"queued as execution {execution.id}; it is on the disk, and no engine runs yet")
        with working(self.engine.home) as process:
            self.tell(f"engine started (process {process.pid})")
            self.follow(execution.id, until=_in_the_middle)
            process.kill()
            killed = process.wait()
            self.tell(f"SIGKILL sent to the engine in the middle of a turn: process {process.pid} is gone ({killed})")
        with working(self.engine.home) as process:
            self.tell(f"engine started again (process {process.pid})")
            self.follow(execution.id, until=lambda _: False)
        return self.verdict(self.engine.execution(execution.id), killed)

    def follow(self, execution_id: str, until: Callable[[Event], bool]) -> None:
        """Tell events as they come, until one is reached or the execution has ended. Raises `errors.Unavailable`."""
        deadline = time.monotonic() + FINISHED_S
        with self.engine.news() as news:
            while time.monotonic() < deadline:
                for event in self.engine.events(self.seen, execution=execution_id):
                    self.seen = event.seq
                    self.tell_event(event)
                    if until(event):
                        return
                if self.engine.execution(execution_id).status in states.ENDED:
                    return
                news.wait(LOOK_S)
        raise errors.Unavailable(f"The demo did not end within {FINISHED_S:g} s.")

    def verdict(self, execution: Execution, killed: int) -> int:
        """Print the result as it stands in the inbox, and what held."""
        _, messages = self.engine.thread(execution.thread_id)
        self.say("")
        self.say(f"── inbox: {execution.name} ──")
        for message in messages:
            if message.kind in {"note", "report", "result"}:
                self.say(f"[{message.kind}] {message.title}".rstrip())
                self.say(message.body)
                self.say("")
        checks = self.checks(execution, killed)
        for held, text in checks:
            self.say(f"{'✓' if held else '✗'} {text}")
        self.say("")
        self.say(f"Read it again: baara --home {self.engine.home} threads show {execution.thread_id}")
        return 0 if all(held for held, _ in checks) else 1

    def checks(self, execution: Execution, killed: int) -> list[tuple[bool, str]]:
        """Look at the store, not at what was printed: whether everything held."""
        messages, calls = self.engine.journal(execution.id)
        turns = [message.turn for message in messages if message.role == "assistant"]
        notes = _lines(self.engine.home / EXECUTIONS / execution.id)
        kinds = Counter(message.kind for message in self.engine.thread(execution.thread_id)[1])
        resumed = [entry["turn"] for entry in execution.resumed]
        return [
            (killed == -signal.SIGKILL, "the engine was killed by SIGKILL, not stopped"),
            (execution.status is states.Status.COMPLETED, f"the execution ended: {execution.outcome}"),
            (len(resumed) == 1, f"it resumed at turn {resumed[-1] if resumed else '?'} of {execution.turn}"),
            (turns == list(range(1, execution.turn + 1)), f"all {len(turns)} turns stand in the journal once"),
            (bool(calls) and all(call.receipt_at for call in calls), f"all {len(calls)} tool calls have one receipt"),
            (bool(notes) and len(notes) == len(set(notes)), f"nothing was done twice: {len(notes)} notes, each once"),
            (kinds["report"] == 1 and kinds["result"] == 1, "one report and one result are in the inbox thread"),
        ]

    def tell_event(self, event: Event) -> None:
        """Tell one event in a line, if it is worth one."""
        data = event.data
        match event.kind:
            case Kind.STATUS:
                self.tell(f"state: {data['to']}" + (f", outcome: {data['outcome']}" if "outcome" in data else ""))
            case Kind.TURN:
                self.tell(f"turn {data['turn']} answered and journaled")
            case Kind.TOOL_BEGUN:
                self.tell(f"turn {data['turn']}: {data['name']} begins")
            case Kind.TOOL_ENDED:
                self.tell(
                    f"turn {data['turn']}: {data['name']} {'failed' if data['is_error'] else 'done'}, receipt kept"
                )
            case Kind.RESUMED:
                gap = resuming.duration(data["gap_ms"])
                self.tell(f"resumed at turn {data['turn']} after {gap}, from the journal")
            case _:
                pass

    def tell(self, text: str) -> None:
        """Print a line of the timeline."""
        self.say(f"{time.monotonic() - self.begun:6.2f} s  {text}")


@contextlib.contextmanager
def working(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Run an engine in a process of its own; at the end it is stopped in order, if it still runs."""
    environment = os.environ | {"BAARA_MODEL": OFFLINE, "BAARA_OFFLINE_PACE": PACE_S}
    process = subprocess.Popen(
        [sys.executable, "-m", "baara_app", "--home", str(home), "serve"],
        env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        _await_ready(process)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _await_ready(process: subprocess.Popen[str]) -> None:
    """Wait for the line that says that the engine is ready. Raises `errors.Unavailable`."""
    watchdog = threading.Timer(READY_S, process.kill)
    watchdog.start()
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        json.loads(line)["url"]
    except (ValueError, KeyError):
        raise errors.Unavailable("The engine did not start. Try `baara serve` to see why.") from None
    finally:
        watchdog.cancel()


def _in_the_middle(event: Event) -> bool:
    """Say whether this is the moment to kill: a shell command, which must not be done twice, has just begun."""
    data = event.data
    return event.kind == Kind.TOOL_BEGUN and data["name"] == "bash" and data["turn"] >= KILL_AT_TURN


def _lines(private: Path) -> list[str]:
    """Read the notes that the work has appended to, one line for each step."""
    return [line for path in sorted(private.rglob("notes.md")) for line in path.read_text("utf-8").splitlines() if line]


def _sample(home: Path) -> Path:
    folder = home / WORKSPACES / "allotment"
    for name, text in SAMPLE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder
