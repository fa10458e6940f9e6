"""Secrets through every way into Baara, with the engine killed now and then; and nothing of them is found afterwards.

    python -m tests.crash.canaries [--count 1000] [--seed S]

Each execution gets one secret by one way (`secrecy/work.py`) in one form (`secrecy/forms.py`): written by the model,
shown by a command, told by the service in an error, and so on. When all have ended, every byte of the home is looked
through: the database with its free pages, its log, backups, logs, receipts, and what Baara keeps in workspaces. What a
person types as a prompt stays as it was typed, so no prompt here has a secret in it. The exit status is 3 if one is
found.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.disk import rig
from tests.crash.secrecy import work
from tests.crash.secrecy.forms import FORMS, KNOWN

from baara_engine import redaction, states
from baara_engine.agent import failures
from baara_engine.engine import Engine
from baara_engine.housekeeping import Housekeeper
from baara_engine.store.transaction import View
from baara_engine.testing.messages_server import MessagesServer

ROOT = Path(__file__).parents[2]
KILL_EVERY_S = 6.0  # on average
PATIENCE_S = 60.0  # for an execution more than the others
PER_JOB_S = 0.5
UNKEPT = ("broken", "thought", "{")  #: ways of which nothing is kept; and sub-tasks, which their parents tell of
NOT_ENDED = "SELECT count(*) FROM execution WHERE status NOT IN ('completed', 'cancelled', 'dead_lettered')"


@dataclass(slots=True)
class Rig:
    """One run."""

    home: Path
    folder: Path  #: of the files that commands show, which are nobody's business
    draw: random.Random
    kills: int = 0
    found: list[str] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Do all of it. What was found is in `found`."""
        for form in FORMS:
            (self.folder / form.name).write_text(f"{form.text}\n")
        redaction.known.bind(KNOWN)
        engine = Engine(self.home)
        with MessagesServer(work.script(self.folder)) as service:
            for job in work.jobs(count):
                engine.submit(job.submission(self.folder))
            self._work(engine, service.url, time.monotonic() + PATIENCE_S + count * PER_JOB_S)
        self._told(engine)
        Housekeeper(self.home, engine.store).prune()  # as each engine does soon after its start, and each hour
        engine.close()
        self.found += list(self._look())

    def _work(self, engine: Engine, url: str, deadline: float) -> None:
        """Let engines work, answer what they ask, and kill them, until nothing is left to do."""
        process = self._start(url)
        next_kill = time.monotonic() + self.draw.uniform(0.5, 2) * KILL_EVERY_S
        while engine.store.read(_left):
            if time.monotonic() > deadline:
                self.found.append(f"{engine.store.read(_left)} have not ended")
                break
            for number, question in enumerate(engine.questions()):
                form = FORMS[number % len(FORMS)]
                engine.answer(question.id, question.options[0] if question.options else f"It is {form.text}.", by="x")
            if time.monotonic() > next_kill:
                process.kill()
                process.wait()
                self.kills += 1
                process = self._start(url)
                next_kill = time.monotonic() + self.draw.uniform(0.5, 2) * KILL_EVERY_S
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait()

    def _start(self, url: str) -> "subprocess.Popen[str]":
        with (self.folder.parent / "said").open("a") as said:
            command = [sys.executable, "-m", "tests.crash.secrecy.host", str(self.home), url]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        return process

    def _told(self, engine: Engine) -> None:
        rows = engine.store.read(lambda view: view.sql("SELECT status FROM execution"))
        counts = Counter(status for (status,) in rows)
        hidden = sum(redaction.HIDDEN in str(one.data) for one in engine.events(limit=1_000_000))
        print(f"{dict(counts)}; {self.kills} kills; {hidden} events with something hidden")
        assert set(counts) <= {str(one) for one in states.ENDED}, counts
        self.found += sorted(f"“{name}” never came by" for name in self._unseen(engine))

    def _unseen(self, engine: Engine) -> set[str]:
        """Name the ways of which nothing is told with something hidden: their secrets never came by."""
        seen: dict[str, bool] = {}
        for one in engine.executions(limit=1_000_000):
            messages, calls = engine.journal(one.id)
            thread = engine.thread(one.thread_id)[1]
            told = f"{messages} {calls} {thread} {one} {engine.said(one.id)} {engine.progress(one.id)}"
            hides = redaction.HIDDEN in told or failures.HIDDEN in told
            seen[one.name] = seen.get(one.name, False) or hides
        return {name for name, hides in seen.items() if not hides and not name.startswith(UNKEPT)}

    def _look(self) -> Iterator[str]:
        """Look through every byte of the home, and of what the engines said."""
        needles = {form.needle.encode(): form.name for form in FORMS}
        for path in sorted([self.folder.parent / "said", *self.home.rglob("*")]):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                for needle, name in needles.items():
                    at = data.find(needle)
                    if at >= 0:
                        around = data[max(at - 200, 0) : at + 60]
                        yield f"{name} in {path.relative_to(self.home.parent)} at {at}: {around!r}"


def run(count: int, seed: int) -> list[str]:
    """Run so many executions in a new folder; give what was found, which is empty if nothing was."""
    place = Path(tempfile.mkdtemp(prefix="baara-canaries-"))
    try:
        (place / "files").mkdir()
        one = Rig(place / "home", place / "files", random.Random(seed))
        one.run(count)
        return one.found
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Print what was found; give the exit status."""
    parser = argparse.ArgumentParser(prog="canaries")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}: {options.count} executions, {len(work.WAYS)} ways, {len(FORMS)} forms", flush=True)
    began = time.monotonic()
    found = run(options.count, options.seed)
    print(*found, f"{len(found)} found, {time.monotonic() - began:.0f} s", sep="\n")
    return rig.FOUND if found else 0


def _left(view: View) -> int:
    return int(view.sql(NOT_ENDED)[0][0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
