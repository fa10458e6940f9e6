"""When backups are made, which are kept, and how one is put in the place of the database."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import filelock

from baara_engine import errors, homes
from baara_engine.clock import Millis
from baara_engine.store import backup, layout, replacing
from baara_engine.store.backup import Backup, Contents
from baara_engine.store.store import Store

MS_PER_S = 1000
EVERY_MS = 3600 * MS_PER_S  # the longest that a change is without a backup while an engine works

LOCK_S = 1.0  # whoever only looks whether somebody works holds the lock for a moment

HOURS = 6  #: of the last hours with a backup, the newest of each is kept
DAYS = 7  #: likewise of days (UTC)
LEAST = 3  #: kept whatever their times, so that one bad moment never stands alone


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, and where what was there before is now."""

    source: Path
    contents: Contents
    set_aside: Path | None  #: None where there was nothing


@dataclass(frozen=True, slots=True)
class Listed:
    """One backup, as it is listed."""

    path: Path
    at: Millis
    size: int  #: bytes
    contents: Contents | None  #: None where it cannot be read


class Backups:
    """The backups of one home that is open."""

    def __init__(self, home: Path, store: Store) -> None:
        """Take the home and its store."""
        self._home = home
        self._store = store

    def take(self, go_on: Callable[[], None] = backup.go_on) -> Backup:
        """Make a verified backup now and thin out the older ones. Raises `errors.StoreError` (see `backup.make`)."""
        made = self._store.back_up(go_on)
        thin_out(self._home)
        return made

    def take_if_due(self, go_on: Callable[[], None] = backup.go_on) -> Backup | None:
        """Make one if the last is an hour old and something has changed since."""
        now = self._store.clock.now()
        last = next((one for one in backup.listing(self._home) if one.at <= now), None)  # a clock may have been wrong
        if last is not None and now - last.at < EVERY_MS:
            return None
        newest = self._store.read(backup.last_event)
        if newest is None or (last is not None and _last_event(last) == newest):
            return None
        return self.take(go_on)


def kept(times: Sequence[Millis]) -> set[Millis]:
    """Choose which backups stay, from the times when they were made."""
    newest_first = sorted(times, reverse=True)
    by_hour: dict[str, Millis] = {}
    by_day: dict[str, Millis] = {}
    for at in newest_first:
        moment = datetime.fromtimestamp(at / MS_PER_S, UTC)
        by_hour.setdefault(moment.strftime("%Y-%m-%d %H"), at)
        by_day.setdefault(moment.strftime("%Y-%m-%d"), at)
    return {*newest_first[:LEAST], *list(by_hour.values())[:HOURS], *list(by_day.values())[:DAYS]}


def thin_out(home: Path) -> None:
    """Delete the backups that need not stay."""
    with backup.alone(home):
        found = backup.listing(home)
        staying = kept([one.at for one in found])
        for one in found:
            if one.at not in staying:
                one.path.unlink()


def listing(home: Path) -> list[Listed]:
    """Give the backups of a home with what stands in them, newest first; they are not verified for that."""
    return [Listed(one.path, one.at, one.size, _contents(one)) for one in backup.listing(home)]


def restore(home: Path, wanted: str | None, at: Millis) -> Restored:
    """Put a verified copy of a backup in the place of the database, and what was there aside; nothing is deleted.

    `wanted` is a path, or the name of one of the home's backups; None takes the newest that is sound. Raises
    `errors.Refused` while anybody has the database open, `errors.NotFound`, or `errors.StoreError` for a file that is
    not sound.
    """
    if not home.is_dir():
        raise errors.NotFound(f"There is no data folder {home}.")
    source = _newest_sound(home) if wanted is None else _find(home, wanted)
    with _nobody_at_work(home), _staging(home) as folder:
        staged = replacing.stage(source, folder, home)
        contents = backup.contents(staged)
        set_aside = replacing.set_aside(home, home / layout.DAMAGED / backup.stamp(at))
        replacing.put(staged, home)
    return Restored(source, contents, set_aside)


def _last_event(one: Backup) -> tuple[int, Millis] | None:
    found = _contents(one)
    return None if found is None else found.last_event


def _contents(one: Backup) -> Contents | None:
    try:
        return backup.contents(one.path)
    except errors.StoreError:
        return None


def _newest_sound(home: Path) -> Path:
    problems = []
    for one in backup.listing(home):
        try:
            backup.verify(one.path)
        except errors.StoreError as error:
            problems.append(error.message)
        else:
            return one.path
    raise errors.NotFound(" ".join([f"There is no backup in {home / layout.BACKUPS} that is sound.", *problems]))


def _find(home: Path, wanted: str) -> Path:
    for path in (Path(wanted), home / layout.BACKUPS / wanted):
        if path.is_file():
            return path.absolute()
    raise errors.NotFound(f"There is no file {wanted}, and no backup of that name. List them by: baara restore")


@contextlib.contextmanager
def _staging(home: Path) -> Iterator[Path]:
    """Give a folder on the disk of the home, so that what is made in it can be put in place by one rename."""
    folder = Path(tempfile.mkdtemp(prefix="restoring-", dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _nobody_at_work(home: Path) -> Iterator[None]:
    """Keep engines and other commands away from the database. Raises `errors.Refused` if one is there."""
    with contextlib.ExitStack() as held:
        for name in (homes.LOCK, layout.MIGRATE_LOCK):
            try:
                held.enter_context(filelock.FileLock(home / name, timeout=LOCK_S, mode=0o600))
            except filelock.Timeout:
                raise errors.Refused(f"An engine works on {home}. Stop it first, then restore.") from None
        with replacing.alone(home / layout.DATABASE):
            yield
