"""Forks: another execution that goes on from a turn of an earlier one, whatever has become of that.

A fork has the conversation up to its turn, with the results of the tools, so nothing that was done before is done
again. What it does itself it does in a folder of its own: a copy of the folder as it is now, where Baara had made it. A
person's own folder is worked in by both only if somebody says so.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from baara_engine import config, errors, homes, journal, operations, requests, triage
from baara_engine.records import Execution, Kind, ToolCall
from baara_engine.store import executions
from baara_engine.store import journal as rows
from baara_engine.store.transaction import Tx

NOT_RUN = "Not run: the work goes on from here as a copy, and this call had not begun."
UNKNOWN = (
    "The outcome is unknown: the work was copied while this call ran. It may have happened, wholly or in part; look "
    "before it is done again."
)


def fork(place: operations.Place, source: Execution, wanted: requests.Fork) -> Execution:
    """Make and queue a fork. Raises `errors.InvalidInput`, `errors.Refused`, `errors.JournalDamaged`."""
    _require_agent(source)
    fork_id = place.store.ids.new()
    with _folder(place, source, wanted, fork_id) as folder:
        return place.store.write(lambda tx: _fork(tx, place, source.id, wanted, fork_id, folder))


def _fork(
    tx: Tx, place: operations.Place, source_id: str, wanted: requests.Fork, fork_id: str, folder: str
) -> Execution:
    """Store a fork with its journal, all at once."""
    source = executions.get(tx, source_id)
    if wanted.turn > source.turn:
        raise errors.InvalidInput(
            f"Execution {source.id} has come to turn {source.turn}; it has no turn {wanted.turn}."
        )
    submission = requests.parse(requests.Submission, _values(source, wanted, folder))
    said = wanted.prompt or f"Go on from turn {wanted.turn} of execution {source.id}."
    origin = {"forked_from": source.id, "forked_turn": wanted.turn, "turn": wanted.turn, "turns_from": wanted.turn}
    made = operations.add(tx, place, submission, fork_id, said, **origin)
    rows.copy(tx, source.id, fork_id, _last_turn(wanted))
    _close(tx, source.id, fork_id, wanted)
    return made


def _last_turn(wanted: requests.Fork) -> int:
    """Give the last turn to copy: none of them where the very first request is another."""
    return -1 if wanted.turn == 0 and wanted.prompt is not None else wanted.turn


def _values(source: Execution, wanted: requests.Fork, folder: str) -> dict[str, Any]:
    """Give what would have to be submitted; a fork is wanted at once, so no gate is asked."""
    values = triage.as_submitted(source) | {"workspace": folder, "gate": None}
    values |= wanted.model_dump(include={"model", "sandbox"}, exclude_none=True)
    return values | ({"prompt": wanted.prompt} if _last_turn(wanted) < 0 else {})


def _close(tx: Tx, source_id: str, fork_id: str, wanted: requests.Fork) -> None:
    """Bring the copied conversation to where a model can be asked, with a person's new words at its end."""
    stored, _ = rows.messages(tx, fork_id)
    if not stored:
        return
    last = stored[-1]
    if last.role == "assistant":
        for call in _open(rows.calls(tx, fork_id, last.turn)):
            rows.receive(tx, fork_id, last.turn, call.tool_use_id, rows.text(UNKNOWN), is_error=True)
        journal.close_open_calls(tx, fork_id, last.turn, last.content, NOT_RUN)
    if wanted.prompt is not None:
        rows.append(tx, fork_id, turn=wanted.turn, role="user", content=rows.text(wanted.prompt))
    elif last.role == "assistant" and last.stop_reason in journal.ENDS and rows.last_role(tx, fork_id) == "assistant":
        raise errors.InvalidInput(
            f"The work of execution {source_id} ended with turn {wanted.turn}, so nothing is left to be done from "
            "there. Say what is to be done next (--prompt), or go on from an earlier turn."
        )


def _open(calls: list[ToolCall]) -> list[ToolCall]:
    return [call for call in calls if call.receipt_at is None]


def _require_agent(source: Execution) -> None:
    if source.kind is not Kind.AGENT:
        raise errors.InvalidInput("A command has no turns to go on from; submit it again instead.")


@contextmanager
def _folder(place: operations.Place, source: Execution, wanted: requests.Fork, fork_id: str) -> Iterator[str]:
    """Give the folder to work in. One that was made for this is deleted again if the fork is not."""
    ours = place.home.absolute() / config.WORKSPACES
    old, new = Path(source.workspace), ours / fork_id
    if wanted.workspace is not None or wanted.share_workspace:
        chosen = wanted.workspace or source.workspace
        homes.require_apart(place.home, chosen)
        yield chosen
        return
    if old.parent != ours:
        raise errors.Refused(
            f"Execution {source.id} works in a folder of yours ({old}). Say --share-workspace to let the fork work "
            "in it too, or name another folder: --workspace DIR."
        )
    try:
        copy_folder(old, new)
        yield str(new)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def copy_folder(old: Path, new: Path) -> None:
    """Copy a folder with all that is in it; links into it lead into the copy. Raises `errors.StoreError`.

    Raises `errors.Refused` where it changes so much meanwhile that no copy can be made.
    """
    homes.make_folder(new)
    try:
        shutil.copytree(old, new, symlinks=True, ignore=_special, copy_function=_copy_file, dirs_exist_ok=True)
        _turn_links(old, new)
    except OSError as error:  # also shutil.Error, which is one
        homes.require_room(error, new)
        raise errors.Refused(f"The folder {old} cannot be copied ({error}). Try again when it is at rest.") from error


def _special(folder: str, names: list[str]) -> set[str]:
    """Leave out what is no file, folder or link: a pipe would be read for ever."""
    paths = {name: Path(folder, name) for name in names}
    return {name for name, path in paths.items() if not (path.is_symlink() or path.is_file() or path.is_dir())}


def _copy_file(old: str, new: str) -> str:
    """Copy a file; one that vanished meanwhile is not there in the copy either."""
    try:
        return str(shutil.copy2(old, new, follow_symlinks=False))
    except FileNotFoundError:
        return new


def _turn_links(old: Path, new: Path) -> None:
    """Let links that name the old folder in full name the new one: what is written through them must not be shared."""
    for link in [path for path in new.rglob("*") if path.is_symlink()]:
        target = link.readlink()
        if target.is_absolute() and target.is_relative_to(old):
            link.unlink()
            link.symlink_to(new / target.relative_to(old))
