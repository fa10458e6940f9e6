"""Outputs that were cut or kept whole, without secrets: a secret that is cut in two is known by neither half.

Where all of an output is in a file of the workspace, secrets are hidden in that file first, and what is told is taken
from it. Elsewhere what is told ends and begins again at the end of a line.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace

from baara_engine import errors, redaction
from baara_engine.sandboxes import CommandResult, files
from baara_engine.sandboxes.hands import confined, whole
from baara_engine.sandboxes.workspace import Workspace, require_regular

CHUNK = 64 * 1024  # bytes read at once
# What stands in the place of what was cut out (see `hands.output`).
NOTE = re.compile(
    r"\n\[… \d+ bytes of output cut out here(?:; (all of it is|the first \d+ MiB are) in ([^\n ]+): read or search it"
    r" there)? …\]\n"
)
OURS = re.compile(re.escape("/".join(whole.FOLDERS)) + r"/[0-9a-f]{32}\.txt")  #: the files that hold whole outputs


def cleaned(workspace: Workspace, result: CommandResult, limit: int) -> CommandResult:
    """Give the result of a command of whose output at most `limit` bytes are told, with no half of a secret in it."""
    note = NOTE.search(result.output) if result.output_bytes > limit else None
    if note is None:
        return result
    path = note[2] if note[2] is not None and OURS.fullmatch(note[2]) else None
    if path is not None and _hide(workspace, path) and note[1] == "all of it is":
        head, tail = _ends(workspace, path, limit)
        return replace(result, output=head + note[0] + tail)
    head, tail = result.output[: note.start()], result.output[note.end() :]
    return replace(result, output=head[: head.rfind("\n") + 1] + note[0] + tail[tail.find("\n") + 1 :])


def _hide(workspace: Workspace, path: str) -> bool:
    """Hide the secrets in a file; say whether it can be read now. One that cannot be rewritten is removed."""
    try:
        with workspace.opened(path, confined.FILE) as file:
            require_regular(file, path)
            is_clean = all(piece == told for piece, told in _pieces(file))
        if not is_clean:
            files.rewrite(workspace, path, _clean_bytes(workspace, path))
    except (errors.BaaraError, OSError):
        with contextlib.suppress(errors.BaaraError, OSError):
            files.remove(workspace, path)
        return False
    return True


def _clean_bytes(workspace: Workspace, path: str) -> Iterator[bytes]:
    with workspace.opened(path, confined.FILE) as file:
        for _, told in _pieces(file):
            yield told.encode("utf-8", "surrogateescape")


def _pieces(file: int) -> Iterator[tuple[str, str]]:
    """Give a text piece by piece, as it is and as it can be told; both have been given whole at the end."""
    stream, at, held = redaction.Stream(), 0, ""
    while data := os.pread(file, CHUNK, at):
        at += len(data)
        piece = data.decode("utf-8", "surrogateescape")
        held += piece
        told = stream.feed(piece)
        yield held[: len(told)], told
        held = held[len(told) :]
    yield held, stream.close()


def _ends(workspace: Workspace, path: str, limit: int) -> tuple[str, str]:
    """Give the first two thirds and the last third of what is told of a file."""
    head = limit * 2 // 3
    with workspace.opened(path, confined.FILE) as file:
        size = os.fstat(file).st_size
        first, last = os.pread(file, head, 0), os.pread(file, limit - head, max(size - (limit - head), head))
    return first.decode("utf-8", "replace"), last.decode("utf-8", "replace")
