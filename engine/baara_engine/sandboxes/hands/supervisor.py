"""Watching over one job: from its mark, through its output and its limits, to its receipt.

A supervisor is a process of its own, so that the job and the truth about it survive the engine: when the engine
vanishes the job may go on for a short grace, is then ended, and its receipt tells the next engine what happened.
Nothing that the job started survives the supervisor (see `processes` for what a system may not be able to do).
"""

import contextlib
import os
import socket
import time
from pathlib import Path

from . import marks, output, processes, watching, whole, wire

TERM_S = 0.3  # seconds between asking a program to end and ending it: cancelling must take effect within a second
LINGER_S = 0.2  # seconds that an ended shell's helpers get to empty their pipes, as in `exec > >(tee log)`
BEAT_S = 1.0  # seconds between two signs of life: whoever counts them counts minutes
SWEEP_S = 10.0  # seconds after which a process that will not die is left and told of; the rest take milliseconds
DRAIN_S = 0.5  # seconds for what is left in the pipe, in case that such a process still writes to it


def supervise(line: socket.socket) -> None:
    """Do the job that comes through this socket, and report there."""
    job = wire.read_job(line)
    if job is not None:
        wire.send_report(line, _report(job, line))


def _report(job: wire.Job, line: socket.socket) -> wire.Report:
    try:
        run = _begin(job, line)
    except OSError as error:
        return {"failure": str(error), "code": error.errno or 0}
    if run is None:
        return {"refused": True}
    result = run.result()
    if job["marks"] is not None:
        with contextlib.suppress(OSError):  # on a full disk, the living engine still gets its answer
            marks.receipt(job["marks"], job["boot"], result)
    return {"result": result}


def _begin(job: wire.Job, line: socket.socket) -> "_Run | None":
    """Start the program, unless it has begun before (None). Raises OSError, and then no mark says that it began."""
    os.chdir(job["cwd"])
    stem = job["marks"]
    try:
        if stem is not None and not marks.begin(stem, job["boot"]):
            return None
        return _Run(job, line)
    except OSError:
        if stem is not None:
            marks.forget(stem)
        raise


class _Run:
    """The job's program while it runs."""

    def __init__(self, job: wire.Job, line: socket.socket) -> None:
        """Start it. Raises OSError if the system has no process to give."""
        self._job = job
        self._engine = line
        self._line = line.fileno()
        self._next_beat = 0.0
        self._kept = output.Kept(job["output_bytes"], _whole(job))
        self._tree = processes.adopt_orphans()
        self._wake = processes.wake_on_child()
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        self._sources = {self._line, self._wake, self._pipe}
        self._began = time.monotonic()
        self._deadline = self._began + job["wall_s"]
        self._cut_short = False  # by the engine's word or its end, rather than by the limit
        self._exit: int | None = None
        self._ended = 0.0
        self._watch = None if job["most"] is None else watching.Watch(job["most"], job["cwd"])
        self._pid = processes.start(job["argv"], job["env"], theirs, job["limits"])
        os.close(theirs)

    def result(self) -> wire.Result:
        """See it to its end, and end all that it started."""
        over = self._serve()
        if not over:
            self._stop()
        self._sweep()
        self._drain()
        self._kept.close()
        return {
            "exit_code": processes.KILLED if self._exit is None else self._exit,
            "output": self._kept.text(),
            "output_bytes": self._kept.total,
            "timed_out": not over and not self._cut_short and self._over is None,
            "interrupted": not over and self._cut_short and self._over is None,
            "duration_ms": round((self._ended - self._began) * 1000),
            "over": self._over,
        }

    @property
    def _over(self) -> str | None:
        return None if self._watch is None else self._watch.over

    def _serve(self) -> bool:
        """Take what comes until the program is over (True) or its time is up (False)."""
        while True:
            now = time.monotonic()
            if self._exit is not None and (self._pipe not in self._sources or now >= self._ended + LINGER_S):
                return True
            if now >= self._deadline or (self._watch is not None and self._exit is None and self._watch.look()):
                return self._exit is not None
            self._take(processes.wait(self._sources, max(self._until() - time.monotonic(), 0.0)))

    def _until(self) -> float:
        """Give the moment at which something is to be done, whatever comes meanwhile."""
        if self._exit is not None:
            return min(self._deadline, self._ended + LINGER_S)
        return self._deadline if self._watch is None else min(self._deadline, self._watch.due)

    def _take(self, ready: list[int]) -> None:
        if self._pipe in ready:
            self._read()
        if self._wake in ready:
            os.read(self._wake, wire.CHUNK)
            self._note(processes.reap()[0])
        if self._line in ready:
            self._listen()

    def _read(self) -> bool:
        """Take what is in the pipe, and say whether there was anything."""
        try:
            data = os.read(self._pipe, wire.CHUNK)
        except BlockingIOError:
            return False
        self._kept.add(data)
        if data:
            self._beat()
        else:
            self._sources.discard(self._pipe)
        return bool(data)

    def _beat(self) -> None:
        """Tell the engine that there is output, and not too often."""
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + BEAT_S
            wire.beat(self._engine)

    def _listen(self) -> None:
        """Hear that the engine wants an end now, or has vanished."""
        self._sources.discard(self._line)
        try:
            cancelled = bool(os.read(self._line, 1))
        except OSError:
            cancelled = False
        until = time.monotonic() + (0 if cancelled else self._job["grace_s"])
        if until < self._deadline:
            self._deadline = until
            self._cut_short = True

    def _note(self, ended: dict[int, int]) -> None:
        if self._pid in ended:
            self._exit = ended[self._pid]
            self._ended = time.monotonic()

    def _stop(self) -> None:
        processes.ask_to_end(self._pid, wrapped=self._job["wrapped"])
        self._sources.discard(self._line)
        self._deadline = time.monotonic() + TERM_S
        if self._over is None:  # what has gone beyond a limit gets no time to do more
            self._serve()

    def _sweep(self) -> None:
        if self._tree:
            ended, clean = processes.sweep_tree(frozenset(), SWEEP_S)
        else:
            ended, clean = processes.sweep_group(self._pid, SWEEP_S)
        self._note(ended)
        if not clean:
            self._kept.add(b"\n[a process of this command could not be ended]\n")
        if self._exit is None:
            self._ended = time.monotonic()

    def _drain(self) -> None:
        until = time.monotonic() + DRAIN_S
        while self._read() and time.monotonic() < until:
            pass


def _whole(job: wire.Job) -> whole.Whole | None:
    """Give the file for all of a command's output; what has no marks is told whole or not at all."""
    return None if job["marks"] is None else whole.Whole(Path(job["marks"]).name)
