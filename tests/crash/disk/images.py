"""What may stand on a disk after the power went: everything that was synced, and any part of the rest.

A name and the file behind it are kept apart, because a new, replaced or deleted file is on the disk only once its
folder was synced. SQLite does that along with the first sync of a journal or WAL that it has made.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import apsw
from tests.crash.disk import tapped
from tests.crash.disk.tapped import Call

# SQLite syncs the folder together with the first sync of these, if it was ready to create them.
SYNCS_FOLDER = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL

Image = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """Something done to a file, or with a name, that no sync has followed."""

    file: int  #: number of the file, for a life: names come back
    offset: int = 0
    data: bytes | None = None  #: None: the file was cut at `offset`
    name: str | None = None  #: this name now means the file (0: nothing), and the rest does not matter


class Disk:
    """The files of one folder, as far as they are safe, and what has happened since."""

    def __init__(self) -> None:
        self._safe: dict[int, bytes] = {}
        self._safe_names: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._since: list[Change] = []
        self._versions: dict[int, list[bytes]] = {}
        self._fresh: set[int] = set()  # handles whose first sync is one of the folder too
        self._files = 0

    def apply(self, call: Call) -> None:
        """Note what a call has done."""
        match call.kind:
            case "open":
                self._opened(call)
            case "write":
                self._since.append(Change(self._names[call.file], call.offset, call.data))
            case "truncate":
                self._since.append(Change(self._names[call.file], call.offset))
            case "sync":
                self._synced(call)
            case "delete":
                self._name(call.file, 0)
                if call.flags:
                    self._sync_names()

    def put(self, name: str, data: bytes) -> None:
        """Note a small file that was written at once, and synced without its folder."""
        self.apply(Call("open", name))
        self.apply(Call("write", name, data=data))
        self.apply(Call("sync", name))

    def seen(self, name: str, data: bytes) -> None:
        """Note what stands in a file that is written through memory: any of it may reach the disk at any time."""
        self._versions.setdefault(self._names[name], []).append(data)

    def lost(self, call: Call) -> None:
        """Note that a sync failed: what it was about can be read for now, and no later sync will save it."""
        file = self._names[call.file]
        self._since = [change for change in self._since if change.name is not None or change.file != file]

    def images(self, chance: random.Random, *, ordered: bool) -> Iterator[tuple[str, Image]]:
        """Give images for ever, each with the name of the rule it was made by.

        `ordered`: names change on the disk in the order in which they were changed, as journaling file systems have it.
        """
        while True:
            rule = chance.choice(sorted(RULES))
            kept = RULES[rule](self._since, chance)
            yield rule, self._image(self._in_order(kept, chance) if ordered else kept, chance)

    def _in_order(self, kept: list[Change], chance: random.Random) -> list[Change]:
        names = [change for change in self._since if change.name is not None]
        if [change for change in kept if change.name is not None] != names:
            names = names[: chance.randint(0, len(names))]
        return [change for change in kept if change.name is None] + names

    def _image(self, kept: list[Change], chance: random.Random | None = None) -> Image:
        """Make the disk of what is safe and these changes; without chance, without what memory may have left."""
        files = {file: bytearray(data) for file, data in self._safe.items()}
        names = dict(self._safe_names)
        for change in kept:
            if change.name is not None:
                names[change.name] = change.file
            else:
                _change(files.setdefault(change.file, bytearray()), change)
        for file, versions in self._versions.items():
            files[file] = bytearray(chance.choice(versions) if chance else b"")
        return {name: bytes(files.get(file, b"")) for name, file in names.items() if file}

    def safe(self) -> Image:
        """Give the disk of what was synced, and nothing else."""
        return self._image([])

    def _opened(self, call: Call) -> None:
        if not self._names.get(call.file):
            self._files += 1
            self._name(call.file, self._files)
        self._fresh.discard(call.handle)
        if call.flags & SYNCS_FOLDER and call.flags & apsw.SQLITE_OPEN_CREATE:
            self._fresh.add(call.handle)

    def _synced(self, call: Call) -> None:
        file = self._names[call.file]
        data = bytearray(self._safe.get(file, b""))
        for change in self._since:
            if change.name is None and change.file == file:
                _change(data, change)
        self._safe[file] = bytes(data)
        self._since = [change for change in self._since if change.name is not None or change.file != file]
        if call.handle in self._fresh:
            self._fresh.discard(call.handle)
            self._sync_names()

    def _name(self, name: str, file: int) -> None:
        self._names[name] = file
        self._since.append(Change(file, name=name))

    def _sync_names(self) -> None:
        self._safe_names = dict(self._names)
        self._since = [change for change in self._since if change.name is None]


def _change(data: bytearray, change: Change) -> None:
    if change.data is None:
        size = change.offset
        data[size:] = bytes(max(size - len(data), 0))
        return
    if change.offset > len(data):
        data.extend(bytes(change.offset - len(data)))
    data[change.offset : change.offset + len(change.data)] = change.data


def _none(since: list[Change], chance: random.Random) -> list[Change]:
    return []


def _all(since: list[Change], chance: random.Random) -> list[Change]:
    return since


def _prefix(since: list[Change], chance: random.Random) -> list[Change]:
    return since[: chance.randint(0, len(since))]


def _subset(since: list[Change], chance: random.Random) -> list[Change]:
    share = chance.choice((0.1, 0.5, 0.9))
    return [change for change in since if chance.random() < share]


def _files(since: list[Change], chance: random.Random) -> list[Change]:
    """Keep all changes of some files, and none of the others; names by themselves."""
    kept = {change.file: chance.random() < 0.5 for change in since}
    named = chance.random() < 0.5
    return [change for change in since if (named if change.name is not None else kept[change.file])]


def _torn(since: list[Change], chance: random.Random) -> list[Change]:
    return _subset([piece for change in since for piece in _sectors(change)], chance)


def _torn_at_the_end(since: list[Change], chance: random.Random) -> list[Change]:
    """Keep a prefix, of whose last change only some sectors were written."""
    kept = _prefix(since, chance)
    return kept[:-1] + _subset([piece for change in kept[-1:] for piece in _sectors(change)], chance)


def _sectors(change: Change) -> Iterator[Change]:
    if change.data is None:
        yield change
        return
    begin, end = change.offset, change.offset + len(change.data)
    while begin < end:
        after = min((begin // tapped.SECTOR + 1) * tapped.SECTOR, end)
        yield Change(change.file, begin, change.data[begin - change.offset : after - change.offset])
        begin = after


Rule = Callable[[list[Change], random.Random], list[Change]]

RULES: dict[str, Rule] = {
    "none": _none,
    "all": _all,
    "prefix": _prefix,
    "subset": _subset,
    "files": _files,
    "torn": _torn,
    "torn at the end": _torn_at_the_end,
}
