"""What the engine and a supervisor say to each other, over one socket for each job.

The engine sends the job as one line of JSON. Any byte after it means: end it now. The end of the stream means that the
engine is gone. The supervisor answers with one JSON object and closes; if it closes without one, it has died. Before
the object it sends line feeds, which are white space in JSON: one a second at most, while the program writes.
"""

import contextlib
import json
import select
import socket
from typing import TypedDict

from .watching import Most

CANCEL = b"x"
BEAT = b"\n"
CHUNK = 64 * 1024  # bytes read at once; what a pipe holds by default


class Job(TypedDict):
    """One program to run."""

    argv: list[str]  #: the first is the path of the program
    cwd: str
    env: dict[str, str]  #: all of it
    wall_s: float  #: seconds until it is ended
    grace_s: float  #: seconds that it may go on after the engine has vanished
    output_bytes: int  #: bytes of output kept
    wrapped: bool  #: the program runs inside another, which is what is started
    limits: dict[str, int]  #: of each process: numbers of `resource`'s limits by their names, as in "RLIMIT_NOFILE"
    most: Most | None  #: of all processes together; None where nobody has to look
    marks: str | None  #: path of its marks without their suffix; without marks it may run any number of times
    boot: str  #: names the present boot of this computer


class Result(TypedDict):
    """How it ended; the fields are those of `sandboxes.CommandResult`."""

    exit_code: int
    output: str
    output_bytes: int
    timed_out: bool
    interrupted: bool
    duration_ms: int
    over: str | None


class Report(TypedDict, total=False):
    """The supervisor's answer: exactly one of these."""

    result: Result
    refused: bool  #: a job with these marks has begun before
    failure: str  #: it was not begun, for this reason
    code: int  #: of the system for that reason; 0 if it gave none


def job_line(job: Job) -> bytes:
    """Write a job for the socket."""
    return json.dumps(job).encode("ascii") + b"\n"


def read_job(line: socket.socket) -> Job | None:
    """Wait for the job. None if the engine has gone or wants it no more, so that it must not begin."""
    data = bytearray()
    while b"\n" not in data:
        chunk = line.recv(CHUNK)
        if not chunk:
            return None
        data += chunk
    text, _, more = data.partition(b"\n")
    spoken, _, _ = select.select([line], [], [], 0)
    job: Job | None = None if more or spoken else json.loads(text)
    return job


def send_report(line: socket.socket, report: Report) -> None:
    """Answer. An engine that is gone does not hear it, and needs not: it has the receipt."""
    with contextlib.suppress(OSError):
        line.sendall(json.dumps(report).encode("ascii"))


def beat(line: socket.socket) -> None:
    """Say that there is output. It never waits: an engine that is stopped does not read, and then it is not told."""
    with contextlib.suppress(OSError):
        line.send(BEAT, socket.MSG_DONTWAIT)


def read_report(data: bytes) -> Report | None:
    """Read an answer. None if it is missing or broken off, which is how a supervisor's death looks."""
    try:
        report: Report = json.loads(data)
    except ValueError:
        return None
    return report
