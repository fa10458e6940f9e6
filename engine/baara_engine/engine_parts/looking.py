"""Looking at what an execution did: its turns, its files, and what happened while nobody looked."""

from dataclasses import replace
from pathlib import Path

from baara_engine import artifacts, errors
from baara_engine.clock import Millis
from baara_engine.records import Absence, Artifact, Day, Execution, ThreadMessage, Turn
from baara_engine.sandboxes import files
from baara_engine.sandboxes.workspace import Workspace
from baara_engine.store import absences, executions, threads, timeline
from baara_engine.store.store import Store

TURNS = 30  #: of a timeline unless more are asked for
RUNS = 100  #: executions of a thread unless more are asked for
SLACK_MS = 2_000  # a file system's clock may be coarser than ours, and a last write may come just after the last step


class Looking:
    """The operations that only look."""

    store: Store

    def executions_of_thread(self, thread_id: str, *, limit: int = RUNS) -> list[Execution]:
        """Give the executions of a thread, newest first."""
        return self.store.read(lambda view: executions.of_thread(view, thread_id, limit))

    def conversation(self, thread_id: str, *, limit: int) -> tuple[list[ThreadMessage], int]:
        """Give the last messages of a thread, oldest first, and how many there are before them."""
        return self.store.read(lambda view: threads.latest_messages(view, thread_id, limit))

    def turns(self, prefix: str, upto: int, *, limit: int = TURNS) -> list[Turn]:
        """Give the turns of an execution up to this one, oldest first. Raises `errors.NotFound`."""
        found = self._found(prefix)
        return self.store.read(lambda view: timeline.turns(view, found.id, upto, limit))

    def call_result(self, prefix: str, turn: int, tool_use_id: str) -> str:
        """Give the whole result of a tool call as text. Raises `errors.NotFound`."""
        found = self._found(prefix)
        return self.store.read(lambda view: timeline.result(view, found.id, turn, tool_use_id))

    def changed_files(self, prefix: str) -> list[Artifact]:
        """Give the files of the workspace that were changed while an execution worked, the newest first.

        Where others work in the same folder at the same time, theirs are among them. Raises `errors.NotFound`.
        """
        found = self._found(prefix)
        if found.started_at is None:
            return []
        ended = None if found.completed_at is None else found.completed_at + SLACK_MS
        return artifacts.changed(Path(found.workspace), found.started_at - SLACK_MS, ended)

    def artifacts(self, prefix: str) -> list[Artifact]:
        """Give the files that an execution has made or changed with the SHA-256 of what is in them now.

        Raises `errors.NotFound`.
        """
        found = self._found(prefix)
        changed = self.changed_files(found.id)
        if not changed:
            return []
        workspace = Workspace(Path(found.workspace))
        try:
            return [replace(one, sha256=_digest(workspace, one.path)) for one in changed]
        finally:
            workspace.close()

    def file(self, prefix: str, path: str, most: int) -> bytes:
        """Read a file of an execution's workspace; no link leads out of it.

        Raises `errors.NotFound`, or `errors.InvalidInput` for what is no file, too large, or outside.
        """
        found = self._found(prefix)
        if not Path(found.workspace).is_dir():
            raise errors.NotFound("The workspace is gone.")
        workspace = Workspace(Path(found.workspace))
        try:
            return files.read_bytes(workspace, path, most)
        finally:
            workspace.close()

    def absence(self, since: Millis | None = None) -> Absence | None:
        """Give what happened since a moment, or since somebody last had a page open; None if nobody ever had."""
        moment = since if since is not None else self.store.read(absences.seen)
        return None if moment is None else self.store.read(lambda view: absences.since(view, moment))

    def days(self, since: Millis) -> list[Day]:
        """Give what ended on each day since a moment, oldest first; days on which nothing did are left out."""
        return self.store.read(lambda view: absences.by_day(view, since))

    def note_presence(self) -> None:
        """Note that somebody looks now."""
        self.store.write(absences.note)

    def _found(self, prefix: str) -> Execution:
        return self.store.read(lambda view: executions.find(view, prefix))


def _digest(workspace: Workspace, path: str) -> str | None:
    try:
        return files.digest(workspace, path)
    except errors.BaaraError:  # too large, or changed into what is no file
        return None
