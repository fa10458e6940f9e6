"""How long it takes from the start of the program until what a killed engine had in flight is at work again.

    python -m tests.crash.restart [--executions 1000] [--rounds N] [--concurrency 10]

No engine can have a thousand executions in flight, because a queue runs 100 at most; so a process takes the leases
through the store's own functions, with a journal of ten turns behind each and a call in hand, and is killed with
SIGKILL while it holds them. Each round starts `baara serve` on a copy of the home as the kill left it (on the disk that
temporary files are on) and measures with a clock outside, from the start of the process:

    given back    the last of the dead process's leases is back in its queue
    first         the first execution is claimed, its journal loaded, and running
    claimed       so are as many as the queue may run at once
    address       the program says where its web server is
    processor     the processor's time that it had used when all of that was claimed: this does not depend on what else
                  the machine has to do

The SDK's import is begun by the program itself once what it claimed is at work, as ever; until "claimed" it takes
nothing, and what comes later has to compete with it. The last round's database is held against `disk/soundness.py`.
"""

import argparse
import math
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
from tests.crash.disk import rig, soundness

from baara_engine import config, owner, queues, requests
from baara_engine.agent import model
from baara_engine.engine import Engine
from baara_engine.records import Effect, Execution
from baara_engine.states import Status
from baara_engine.store import executions, journal
from baara_engine.store.store import DATABASE
from baara_engine.store.transaction import Tx, View

TURNS = 10
NOTE = "x" * 600  # of a tool result: a thousand journals stay below the size that is checked at each start
LEASE_MS = 60_000  # as an engine's
BATCH = 100  # executions per transaction
POLL_S = 0.005
LONG = 60.0
LEFT = "SELECT count(*) FROM execution WHERE epoch = 1 AND status IN ('assigned', 'running')"
RUNNING = "SELECT count(*) FROM execution WHERE epoch = 2 AND status = 'running'"
ALL = "SELECT count(*) FROM execution WHERE status IN ('queued', 'assigned', 'running')"


@dataclass(slots=True)
class Figures:
    """Seconds of each round, by what was waited for."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)

    def __str__(self) -> str:
        return "\n".join(
            f"{what:11} p50 {statistics.median(took):.3f} s, p99 {_percentile(took, 99):.3f} s, most {max(took):.3f} s"
            for what, took in self.seconds.items()
        )


def hold(home: Path, count: int, concurrency: int) -> None:
    """Be the engine that is going to be killed: take this many leases, with journals, and wait."""
    engine = Engine(home)
    engine.set_concurrency(queues.TRANSFER, concurrency)
    for number in range(count):
        engine.submit(requests.Submission(prompt=f"Look into {number}.", model=config.OFFLINE))
    for _ in range(0, count, BATCH):
        engine.store.write(partial(_take, most=count))
    print("holding", flush=True)
    sys.stdin.read()


def _take(tx: Tx, most: int) -> None:
    me = str(owner.Owner.me())
    [(leased,)] = tx.sql(executions.COUNT_LEASED, (queues.TRANSFER,))
    for claimed in executions.claim(tx, queues.TRANSFER, min(leased + BATCH, most), me, tx.now + LEASE_MS):
        executions.move(tx, claimed.id, Status.ASSIGNED, Status.RUNNING, started_at=tx.now)
        _work(tx, claimed)


def _work(tx: Tx, execution: Execution) -> None:
    """Write ten turns; the call of the last has no receipt."""
    text = {"type": "text", "text": execution.prompt}
    journal.append(tx, execution.id, turn=0, role="user", content=[text])
    for turn in range(1, TURNS + 1):
        use = {"type": "tool_use", "id": f"toolu_{turn}", "name": "glob", "input": {"pattern": "*"}}
        usage = model.Usage(input_tokens=10, output_tokens=5)
        executions.count_answer(
            tx, execution.id, execution.epoch, turn=turn, input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens, cost_microusd=7,
        )  # fmt: skip
        journal.append(tx, execution.id, turn=turn, role="assistant", content=[text, use], stop_reason="tool_use")
        journal.intend(tx, execution.id, turn, 0, use, Effect.READ, {})
        if turn < TURNS:
            result = [{"type": "text", "text": NOTE}]
            journal.receive(tx, execution.id, turn, str(use["id"]), result, is_error=False)
            answer = {"type": "tool_result", "tool_use_id": use["id"], "content": result}
            journal.append(tx, execution.id, turn=turn, role="user", content=[answer])


def make(home: Path, options: argparse.Namespace) -> None:
    """Leave a home as a kill leaves it with all of this in flight."""
    arguments = ["--hold", home, "--executions", options.executions, "--concurrency", options.concurrency]
    command = [sys.executable, "-m", "tests.crash.restart", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    if process.stdout.readline() != "holding\n":
        raise RuntimeError("the leases could not be taken")
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def measure(home: Path, options: argparse.Namespace, figures: Figures) -> None:
    """Start the program on this home, wait until it is at work, kill it, and count what is there."""
    engine = Engine(home)
    if _count(engine, LEFT) != options.executions:
        raise RuntimeError("the leases are not there")
    began = time.perf_counter()
    process = _serve(home)
    goals: dict[str, Callable[[], bool]] = {
        "given back": lambda: _count(engine, LEFT) == 0,
        "first": lambda: _count(engine, RUNNING) >= 1,
        "claimed": lambda: _count(engine, RUNNING) >= min(options.concurrency, options.executions),
        "address": lambda: _has_told(process),
    }
    while goals and time.perf_counter() - began < LONG:
        for what in [name for name, is_reached in goals.items() if is_reached()]:
            figures.note(what, time.perf_counter() - began)
            if what == "claimed":
                figures.note("processor", sum(psutil.Process(process.pid).cpu_times()[:2]))
            del goals[what]
        time.sleep(POLL_S)
    _end(process)
    there = _count(engine, ALL)
    engine.close()
    if goals or there != options.executions:
        raise RuntimeError(f"not reached: {list(goals)}; {there} of {options.executions} executions are there")


def _serve(home: Path) -> subprocess.Popen[str]:
    """Start the program, with a model that thinks for long, so that what is claimed stays at work."""
    command = [sys.executable, "-m", "baara_app", "--home", str(home), "serve"]
    environment = os.environ | {"BAARA_OFFLINE_PACE": str(LONG)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def _has_told(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return bool(select.select([process.stdout.fileno()], [], [], 0)[0])


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _count(engine: Engine, query: str) -> int:
    def work(view: View) -> int:
        return int(view.sql(query)[0][0])

    return engine.store.read(work)


def _percentile(took: list[float], percent: int) -> float:
    """Give the smallest figure that so many percent do not exceed."""
    return sorted(took)[max(math.ceil(len(took) * percent / 100) - 1, 0)]


def check(home: Path) -> None:
    """Raise `soundness.Unsound` unless the database is whole."""
    engine = Engine(home)
    try:
        engine.store.read(soundness.check)
    finally:
        engine.close()


def main(arguments: list[str]) -> int:
    """Print the figures; give the exit status."""
    parser = argparse.ArgumentParser(prog="restart")
    parser.add_argument("--executions", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--concurrency", type=int, default=queues.DEFAULT_CONCURRENCY[queues.TRANSFER])
    parser.add_argument("--hold", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.hold:
        hold(options.hold, options.executions, options.concurrency)
        return 0
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="baara-restart-") as folder:
        made, home = Path(folder) / "made", Path(folder) / "home"
        make(made, options)
        size = sum((made / f"{DATABASE}{suffix}").stat().st_size for suffix in ("", "-wal"))
        print(f"{options.executions} in flight, {TURNS} turns each: {size / 1e6:.1f} MB")
        for _ in range(options.rounds):
            measure(rig.copied(made, home), options, figures)
        check(home)
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{options.rounds} rounds, from the start of the process; load of the last minutes {load}", figures, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
