"""What is sampled of an engine, and whether it is flat."""

import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from baara_engine.records import Json
from baara_engine.store import layout

MIB = 1024 * 1024
# What may lie in a home; anything else is a temporary file that somebody left.
KNOWN = frozenset(
    {
        "baara.db", "baara.db-wal", "baara.db-shm", "instance.json", "engine.lock", "migrate.lock", "backup.lock",
        "backups", "ballast", "executions", "workspaces", "run", "logs", "lost+found",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """How an engine was at one moment. Sizes in bytes."""

    at: float  #: seconds since the soak began
    life: int  #: how often it has been started
    rss: int
    uss: int
    descriptors: int
    threads: int
    children: int
    wal: int
    database: int
    run: int  #: files in `run`
    strays: int  #: files in the home that do not belong there
    lag_ms: float
    tasks: int
    objects: int  #: of Python, counted now and then
    backlog: int  #: executions that have not ended


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may grow from the second quarter of a life to its last."""

    rss_share: float = 0.10
    rss_bytes: int = 8 * MIB
    descriptors: int = 6  # a pool of connections may still find that it needs one more, with its three files
    threads: int = 3  # likewise
    objects_share: float = 0.10
    wal: int = 64 * MIB
    run: int = 20  #: sockets of whoever listens
    shortest_s: float = 150.0  #: of a life that says something
    warm_up: float = 0.1  #: of a life


def sample(process: psutil.Process, home: Path, told: Json, at: float, life: int, backlog: int) -> Sample:
    """Look at an engine. Raises psutil.Error if it has gone meanwhile."""
    memory = process.memory_full_info()
    return Sample(
        at=at, life=life, rss=memory.rss, uss=memory.uss, descriptors=process.num_fds(), threads=process.num_threads(),
        children=len(process.children(recursive=True)), wal=_size(home / (layout.DATABASE + layout.LOG)),
        database=_size(home / layout.DATABASE), run=len(list((home / "run").iterdir())), strays=len(strays(home)),
        lag_ms=told.get("lag_ms", 0.0), tasks=told.get("tasks", 0), objects=told.get("objects", 0), backlog=backlog,
    )  # fmt: skip


def strays(home: Path) -> list[str]:
    """Name what does not belong into a home."""
    return sorted(path.name for path in home.iterdir() if path.name not in KNOWN)


def judged(samples: list[Sample], limits: Limits) -> list[str]:
    """Say what is not flat, life by life."""
    found = []
    for life in sorted({one.life for one in samples}):
        mine = [one for one in samples if one.life == life]
        if mine[-1].at - mine[0].at >= limits.shortest_s:
            found += [f"life {life}: {what}" for what in _growth(mine, limits)]
    worst = max(samples, key=lambda one: one.wal)
    if worst.wal > limits.wal:
        found.append(f"the WAL had {worst.wal // MIB} MiB at {worst.at:.0f} s")
    if max(one.run for one in samples) > limits.run:
        found.append(f"`run` held {max(one.run for one in samples)} files")
    return found


def quarters(samples: list[Sample], warm_up: float) -> tuple[list[Sample], list[Sample]]:
    """Give the second and the last quarter of a life, after its warm-up."""
    warm = samples[round(len(samples) * warm_up) :]
    quarter = max(len(warm) // 4, 1)
    return warm[quarter : 2 * quarter], warm[-quarter:]


def _growth(life: list[Sample], limits: Limits) -> Iterator[str]:
    second, last = quarters(life, limits.warm_up)
    for name in ("rss", "uss"):
        before, after = (_middle([getattr(one, name) for one in part]) for part in (second, last))
        if after > before * (1 + limits.rss_share) + limits.rss_bytes:
            yield f"{name} grew from {before / MIB:.1f} to {after / MIB:.1f} MiB"
    for name, slack in (("descriptors", limits.descriptors), ("threads", limits.threads)):
        # The least of each: what comes and goes with the work in hand is no leak.
        before, after = (min(getattr(one, name) for one in part) for part in (second, last))
        if after > before + slack:
            yield f"{name} grew from {before} to {after}"
    before, after = (min(one.objects for one in part) for part in (second, last))
    if after > before * (1 + limits.objects_share) + 5000:
        yield f"objects of Python grew from {before} to {after}"


def table(samples: list[Sample], rows: int = 24) -> str:
    """Show some samples, evenly chosen."""
    head = "   at life  rss MiB  uss MiB  fds thr kids  wal MiB  db MiB run stray  lag ms tasks objects backlog"
    step = max(len(samples) // rows, 1)
    return "\n".join([head, *(_row(one) for one in samples[step - 1 :: step])])


def home_bytes(home: Path) -> tuple[int, int]:
    """Count the files of a home and their bytes on the disk; takes a while."""
    files = total = 0
    for folder, _, names in os.walk(home):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - there are many
            except FileNotFoundError:
                continue
            files, total = files + 1, total + found.st_blocks * 512
    return files, total


def _row(one: Sample) -> str:
    return (
        f"{one.at:5.0f} {one.life:4} {one.rss / MIB:8.1f} {one.uss / MIB:8.1f} {one.descriptors:4} {one.threads:3} "
        f"{one.children:4} {one.wal / MIB:8.1f} {one.database / MIB:7.1f} {one.run:3} {one.strays:5} {one.lag_ms:7.1f} "
        f"{one.tasks:5} {one.objects:7} {one.backlog:7}"
    )


def _middle(values: list[int]) -> float:
    return statistics.median(values)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
