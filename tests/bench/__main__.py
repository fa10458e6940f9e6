"""Figures, each as a ratio against the raw limit measured in the same run. `just bench` prints a table.

    python -m tests.bench [NAME …]

Rates with `synchronous=FULL` swing several-fold on shared disks, so the raw limit and ours are measured in turns and
compared by their medians.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import peewee as pw
from tests.bench import desktop, guests, inbox, sandboxes, timers

from baara_engine import queues, requests
from baara_engine.engine import Engine
from baara_engine.store import connection, journal
from baara_engine.store.store import DATABASE
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, says

ROUNDS = 5
CLIENTS = 16
Figure = tuple[str, str]


def enqueue() -> list[Figure]:
    """Durable submissions of one client and of sixteen, against bare one-row commits."""
    raw, one, many = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "home")
        bare = _bare_table(engine.home)
        for _ in range(ROUNDS):
            raw.append(_rate(200, lambda: connection.execute(bare, "INSERT INTO bare VALUES (?)", ("x" * 300,))))
            one.append(_rate(200, lambda: engine.submit(requests.Submission(prompt="work"))))
            many.append(_rate_together(engine, 1600))
        bare.close()
        engine.close()
    base = statistics.median(raw)
    return [
        ("raw one-row commits /s", f"{base:.0f}"),
        ("durable submissions /s, one client", _against(one, base)),
        ("durable submissions /s, sixteen clients", _against(many, base)),
    ]


def drain() -> list[Figure]:
    """No-op executions from a full queue to their result in the thread."""
    count = 1000
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "home")
        for _ in range(count):
            engine.submit(requests.Submission(prompt="work"))
        begun = time.perf_counter()
        engine.start(ScriptedModels(ScriptedModel([says("done")])))
        with engine.news() as news:
            while _left(engine):
                news.wait(0.2)
        took = time.perf_counter() - begun
        engine.close()
    return [("agent executions of one answer, drained /s", f"{count / took:.0f}")]


def checkpoint() -> list[Figure]:
    """One step written at 10, 1,000 and 3,000 messages, against a bare commit."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "home")
        bare = _bare_table(engine.home)
        execution_id = engine.submit(requests.Submission(prompt="work")).id
        figures, have = [], 0
        for length in (10, 1000, 3000):
            while have < length:
                _append(engine, execution_id, have)
                have += 1
            raw, ours = [], []
            for turn in range(have, have + 100):
                raw.append(_took(lambda: connection.execute(bare, "INSERT INTO bare VALUES (?)", ("x" * 2000,))))
                ours.append(_took(partial(_append, engine, execution_id, turn)))
            have += 100
            ratio = statistics.median(ours) / statistics.median(raw)
            figures.append((f"one step at {length} messages", f"{statistics.median(ours):.2f} ms, {ratio:.2f} × raw"))
        began = time.perf_counter()
        engine.journal(execution_id)
        figures.append((f"load {have} messages", f"{(time.perf_counter() - began) * 1000:.1f} ms"))
        bare.close()
        engine.close()
    return figures


BENCHES: dict[str, Callable[[], list[Figure]]] = {
    "enqueue": enqueue,
    "drain": drain,
    "checkpoint": checkpoint,
    "timers": timers.timers,
    "start": desktop.start,
    "idle": desktop.idle,
    "windows": desktop.windows,
    "guests": guests.program,
    "inbox": inbox.inbox,
    "sandboxes": sandboxes.tool_calls,
}


def main(names: list[str]) -> int:
    """Run the benches named, or all, and print their figures."""
    for name in names or BENCHES:
        for what, figure in BENCHES[name]():
            print(f"{what:55} {figure}")
    return 0


def _left(engine: Engine) -> int:
    transfer = engine.queue(queues.TRANSFER)
    return transfer.queued + transfer.running


def _bare_table(home: Path) -> pw.Database:
    """Open a plain table beside ours, with the same settings: the raw limit of this disk."""
    bare = connection.connect(home / f"bare-{DATABASE}", create=True)
    connection.execute(bare, "PRAGMA journal_mode = WAL")
    connection.execute(bare, "CREATE TABLE bare (text TEXT)")
    return bare


def _append(engine: Engine, execution_id: str, turn: int) -> None:
    content = [{"type": "text", "text": "x" * 2000}]
    engine.store.write(lambda tx: journal.append(tx, execution_id, turn=turn, role="user", content=content))


def _rate(count: int, work: Callable[[], object]) -> float:
    return count * 1000 / _took(lambda: [work() for _ in range(count)])


def _rate_together(engine: Engine, count: int) -> float:
    with ThreadPoolExecutor(CLIENTS) as clients:
        begun = time.perf_counter()
        list(clients.map(lambda _: engine.submit(requests.Submission(prompt="work")), range(count)))
        return count / (time.perf_counter() - begun)


def _took(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def _against(rates: list[float], base: float) -> str:
    return f"{statistics.median(rates):.0f}, {statistics.median(rates) / base:.2f} × raw"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
