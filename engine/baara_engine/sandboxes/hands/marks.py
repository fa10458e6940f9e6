"""The two files that say what became of a job: `.begun`, there before it starts, and `.receipt`, when it has ended.

Neither is flushed to disk: the death of a process loses nothing that was written, and after a power cut the marks of
an earlier boot are not trusted anyway.
"""

# Loading pathlib would make a launcher start a quarter later.
# ruff: noqa: PTH104, PTH108, PTH123

import contextlib
import json
import os

from . import wire

BEGUN = ".begun"
RECEIPT = ".receipt"
PART = ".part"  # a receipt that is being written


def begin(stem: str, boot: str) -> bool:
    """Leave the mark that this process now begins the job; False if there is one already. Raises OSError."""
    try:
        mark = os.open(stem + BEGUN, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(mark, "w", encoding="ascii") as file:
        json.dump({"pid": os.getpid(), "started": _started(), "boot": boot}, file)
    return True


def receipt(stem: str, boot: str, result: wire.Result) -> None:
    """Write down how the job ended, all of it or nothing. Raises OSError."""
    with open(stem + PART, "w", encoding="ascii") as file:
        json.dump({"boot": boot, "result": result}, file)
    os.rename(stem + PART, stem + RECEIPT)


def forget(stem: str) -> None:
    """Remove all marks of a job."""
    for suffix in (BEGUN, RECEIPT, PART):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(stem + suffix)


def _started() -> str | None:
    """Give the start time of this process as `owner.process_start` does, None where only psutil could tell."""
    try:
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return None
