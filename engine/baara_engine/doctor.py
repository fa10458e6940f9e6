"""What is well with a home and what is not, with the remedy. Works where the database cannot be opened."""

import asyncio
import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from baara_engine import ballast, clock, errors, homes, owner, resuming, sandboxes
from baara_engine.store import backup, connection, executions, findings, layout, opening, soundness
from baara_engine.store.transaction import View

PRIVATE = 0o700  # the mode that a home should have
OLD_MS = 24 * 3600 * 1000  # a backup older than this, with changes since, is too old
SANDBOX_S = 20.0  # seconds that a command which does nothing may take
NAMED = 3  # things that are named one by one; of more, the number says enough

RESTORE = "Look at the backups (baara restore), then put the newest in place: baara restore --latest"

PERMISSIONS = "Look at who owns the data folder and what is in it, and at the permissions."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None  #: what to do about it, where it is not ok


Check = Callable[[], Finding]


def examine(home: Path, probes: Sequence[Check] = (), clock_: clock.Clock | None = None) -> list[Finding]:
    """Look at everything, and change nothing. Takes seconds, and a thread without a running loop.

    `probes` look at what the engine does not know: keyring, settings.
    """
    clock_ = clock_ or clock.SystemClock()
    outside = (_sqlite, lambda: _home(home), lambda: _place(home), lambda: _room(home))
    rest = (lambda: _files(home), _sandbox, *probes)
    return [*map(_safely, outside), *_store(home, clock_), *map(_safely, rest)]


def _safely(check: Check) -> Finding:
    """Look at one thing; what cannot be looked at is not well."""
    try:
        return check()
    except (errors.BaaraError, OSError) as error:
        return Finding("system", ok=False, detail=f"The system refused: {error}.", remedy=PERMISSIONS)


def _store(home: Path, clock_: clock.Clock) -> list[Finding]:
    """Look at the database and what is in it; where it cannot be opened, at the backups alone."""
    try:
        with opening.looked_at(home, clock_) as view:
            database = _database(view)
            is_readable = view is not None and database.ok and opening.is_current(view)
            inside = list(_inside(view, home)) if view is not None and is_readable else []
            return [database, *inside, _backups(home, clock_, view)]
    except (errors.BaaraError, OSError) as error:
        refused = Finding("database", ok=False, detail=str(error), remedy=RESTORE)
        return [refused, _safely(lambda: _backups(home, clock_, None))]


def _sqlite() -> Finding:
    version = connection.sqlite_version()
    try:
        connection.require_safe_sqlite(version)
    except errors.StoreError as error:
        return Finding("SQLite", ok=False, detail=error.message, remedy="Install Baara again, with its dependencies.")
    return Finding("SQLite", ok=True, detail=version)


def _home(home: Path) -> Finding:
    if not home.is_dir():
        return Finding("home", ok=True, detail=f"{home} is not there yet; it is made when it is first needed")
    found = home.stat()
    if os.name == "posix" and found.st_uid != os.geteuid():
        mine = f"Use a folder of your own, or: sudo chown -R {os.geteuid()} {home}"
        return Finding("home", ok=False, detail=f"{home} belongs to another user", remedy=mine)
    mode = stat.S_IMODE(found.st_mode)
    if os.name == "posix" and mode != PRIVATE:
        return Finding("home", ok=False, detail=f"{home} has mode {mode:o}", remedy=f"chmod 700 {home}")
    return Finding("home", ok=True, detail=f"{home}, for you alone")


def _place(home: Path) -> Finding:
    reason = homes.why_unfit(home)
    if reason is None:
        return Finding("place", ok=True, detail="on a disk of this computer")
    return Finding("place", ok=False, detail=f"{home} {reason}", remedy="Move it to a disk of this computer.")


def _room(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = ballast.free_bytes(there)
    detail = f"{free // ballast.MIB:,} MiB free"
    enough = free >= ballast.ROOM
    return Finding("room", ok=enough, detail=detail, remedy=None if enough else "Make room on that disk.")


def _database(view: View | None) -> Finding:
    if view is None:
        return Finding("database", ok=True, detail="there is none yet")
    found = soundness.problems(view)
    if found:
        return Finding("database", ok=False, detail="; ".join(found), remedy=RESTORE)
    older = "" if opening.is_current(view) else "; an earlier version wrote it, and it is migrated when it is next used"
    return Finding("database", ok=True, detail=f"sound: pages, indexes, references and types{older}")


def _inside(view: View, home: Path) -> Iterator[Finding]:
    yield _health(view)
    yield _journals(view)
    leased = executions.leased(view)
    dead = [one.id for one in leased if not owner.alive(one.owner)]
    works = homes.is_worked_on(home)
    again = "Stop the engine and start it again: baara serve" if works else "Start the engine: baara serve"
    yield _listed("leases", dead, "held by engines that are dead", again)
    stuck = [] if works else [one.id for one in leased if one.id not in dead]
    yield _listed(
        "at work", stuck, "held by a process that does not work as an engine", "End that process; then: baara serve"
    )


def _health(view: View) -> Finding:
    """Tell what the engine that works, or worked last, has found about itself."""
    found = findings.listing(view)
    about_itself = [one for one in found if one.execution_id is None]
    detail = " ".join(one.message for one in about_itself) or "The engine has found nothing about itself."
    work = len(found) - len(about_itself)
    more = f" {work} about the work: baara status" if work else ""
    remedy = " ".join(dict.fromkeys(one.advice for one in about_itself)) or None
    return Finding("health", ok=not about_itself, detail=f"{detail}{more}", remedy=remedy)


def _journals(view: View) -> Finding:
    [(count,)] = view.sql("SELECT count(*) FROM execution")
    damaged = [one.execution_id for one in soundness.damaged_journals(view)]
    well = f"{count} read, every message and tool call as it was written"
    return _listed("journals", damaged, "damaged", RESTORE, well=well)


def _backups(home: Path, clock_: clock.Clock, view: View | None) -> Finding:
    """Verify the backups from the newest on, until one is sound."""
    unsound = []
    for one in backup.listing(home):
        try:
            contents = backup.verify(one.path)
        except errors.StoreError as error:
            unsound.append(error.message)
            continue
        age_ms = max(clock_.now() - one.at, 0)
        detail = " ".join([f"{one.path.name} is sound, {resuming.duration(age_ms)} old.", *unsound])
        is_old = view is not None and age_ms > OLD_MS and backup.last_event(view) != contents.last_event
        ok = not unsound and not is_old
        return Finding("backups", ok=ok, detail=detail, remedy=None if ok else "Make one now: baara backup")
    if not unsound and (view is None or backup.last_event(view) is None):
        return Finding("backups", ok=True, detail="there are none yet")
    detail = " ".join(unsound) or "there is none"
    return Finding("backups", ok=False, detail=detail, remedy="Make one now: baara backup")


def _files(home: Path) -> Finding:
    """Look for what a process has left half-done."""
    odd = [path.name for path in _left_over(home)]
    return _listed(
        "files", odd, "left over", "Stop the engine, look at them, and move them away.", well="nothing left over"
    )


def _left_over(home: Path) -> Iterator[Path]:
    if not home.is_dir():
        return
    yield from (path for path in (home / (layout.DATABASE + layout.ROLLBACK),) if path.exists())
    yield from home.glob("restoring-*")
    if not homes.is_worked_on(home):
        yield from home.glob(f"*{backup.UNFINISHED}")
        yield from (home / layout.BACKUPS).glob(f"*{backup.UNFINISHED}*")


def _sandbox() -> Finding:
    try:
        status, strength = asyncio.run(_run_nothing())
    except errors.BaaraError as error:
        return Finding("sandbox", ok=False, detail=error.message, remedy="Choose another sandbox for your tasks.")
    detail = f"native ({strength}): `true` ended with status {status}"
    return Finding("sandbox", ok=status == 0, detail=detail, remedy=None if status == 0 else "Look at your shell.")


async def _run_nothing() -> tuple[int, sandboxes.Strength]:
    sandbox = sandboxes.make("native")
    with tempfile.TemporaryDirectory() as folder:
        workspace, private = Path(folder) / "workspace", Path(folder) / "private"
        workspace.mkdir()
        private.mkdir()
        async with contextlib.AsyncExitStack() as opened:
            opened.push_async_callback(sandbox.close)
            session = await sandbox.open(workspace, private, sandboxes.Limits())
            opened.push_async_callback(session.close)
            ended = await session.run("true", key="doctor", wall_s=SANDBOX_S)
            return ended.exit_code, await sandbox.strength()


def _listed(name: str, ids: Sequence[str], what: str, remedy: str, *, well: str = "none without its engine") -> Finding:
    """Report things that should not be there."""
    if not ids:
        return Finding(name, ok=True, detail=well)
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return Finding(name, ok=False, detail=f"{what}: {', '.join(ids[:NAMED])}{more}", remedy=remedy)
