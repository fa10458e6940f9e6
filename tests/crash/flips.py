"""One bit of the journal is flipped on the disk: the start or the reading must show it.

    python -m tests.crash.flips [--flips N] [--seed S] [--only K] [--within KIND] [--blind calls|facts|heads]

The journal is the tables `message`, `tool_call` and `journal_head` with their indexes. Each flip is made in a copy of a
home that holds some of everything, in the database file or in its log; the copy is opened and read as the program does.
`--within` keeps to the pages of one kind, as "message leaf" or "log: tool_call overflow"; `--blind` takes a part of the
checks away, to see that this rig is not blind.
"""

import argparse
import contextlib
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

from tests.crash import journals
from tests.crash.disk import rig

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.journal import Conversation, Journal
from baara_engine.records import Message, ToolCall
from baara_engine.store import checksums, connection, journal, layout
from baara_engine.store.store import DATABASE, SENTINEL
from baara_engine.store.transaction import Row, View

FLIPS = 400
BATCH = 250  # flips that one child judges
LONGEST = 60  # seconds for one flip; a child that hangs is ended by then, and that is found
IN_THE_LOG = 0.2  #: share of the flips
PAGE = 4096
LOG_HEADER, FRAME_HEADER = 32, 24  # bytes
TABLES = ("message", "tool_call", "journal_head")
LOG, INDEX = DATABASE + layout.LOG, DATABASE + layout.INDEX

PAGES = """
SELECT s.name, s.pagetype, s.pageno FROM dbstat AS s JOIN sqlite_master AS m ON m.name = s.name
WHERE m.tbl_name IN ('message', 'tool_call', 'journal_head') ORDER BY s.pageno
"""

# What becomes of a flip. The last two are what this rig looks for.
REFUSED = "refused at the start"
READ = "found when read"
CHECKED = "found by the check at the start, and nothing that is read differs"
UNUSED = "in unused bytes: everything is as it was"
UNREAD = "nothing that is read differs"
ONLY_CHECKED = "WRONG where the start does not check (above 32 MiB)"
WRONG = "WRONG, AND NOTHING SHOWS IT"
BAD = frozenset({ONLY_CHECKED, WRONG})

Read = dict[str, tuple[list[Message], list[ToolCall], Conversation, list[ToolCall]]]


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the journal, where it lies in a file."""

    file: str
    what: str  #: table or index, and kind of page
    offset: int
    size: int = PAGE


@dataclass(frozen=True, slots=True)
class Flip:
    """One bit of one file."""

    number: int
    home: str  #: closed or killed
    place: Place
    bit: int  #: counted from the beginning of the place

    def __str__(self) -> str:
        """Say where it is."""
        at = self.place.offset + self.bit // 8
        return f"flip {self.number}: bit {self.bit % 8} of byte {at} of {self.place.file} ({self.place.what})"


@dataclass(frozen=True, slots=True)
class Home:
    """A home to be damaged."""

    files: dict[str, bytes]
    places: dict[str, list[Place]]  #: by kind


def main(arguments: list[str]) -> int:
    """Print figures and what was found; give the exit status."""
    parser = argparse.ArgumentParser(prog="flips")
    parser.add_argument("--flips", type=int, default=FLIPS)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--only", type=int, help="the number of one flip")
    parser.add_argument("--within", default="", help="the beginning of the name of a kind of page")
    parser.add_argument("--blind", choices=BLINDS, help="a part of the checks that is taken away")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with rig.folder() as folder, BLINDS.get(options.blind, contextlib.nullcontext)():
        homes = {name: made(folder / name, options.within, closed=name == "closed") for name in ("closed", "killed")}
        sizes = {name: sum(map(len, home.places.values())) for name, home in homes.items()}
        print(f"seed {options.seed}: pages of the journal: {sizes}", flush=True)
        flips = list(drawn(homes, options.flips, random.Random(options.seed)))
        figures, found = judged(homes, [one for one in flips if options.only in {None, one.number}], folder / "home")
    for what, counts in sorted(figures.items()):
        print(f"{what}: {dict(counts.most_common())}")
    total = sum(figures.values(), Counter[str]())
    print(f"together: {dict(total.most_common())}")
    print(f"{sum(total.values())} flips, {len(found)} not found, {time.monotonic() - began:.1f} s", *found, sep="\n")
    return rig.FOUND if found else 0


def drawn(homes: dict[str, Home], count: int, chance: random.Random) -> Iterator[Flip]:
    """Draw flips: half of them anywhere, half with each kind of page as often as the others, for some are rare."""
    for number in range(1, count + 1):
        name = "killed" if chance.random() < IN_THE_LOG else "closed"
        name = name if homes[name].places else next(one for one in homes if homes[one].places)
        kinds = homes[name].places
        if chance.random() < 0.5:
            place = chance.choice([place for kind in sorted(kinds) for place in kinds[kind]])
        else:
            place = chance.choice(kinds[chance.choice(sorted(kinds))])
        yield Flip(number, name, place, chance.randrange(place.size * 8))


def judged(homes: dict[str, Home], flips: list[Flip], folder: Path) -> tuple[dict[str, Counter[str]], list[str]]:
    """Judge flips, in children; give figures by kind of page, and what was not found."""
    figures: dict[str, Counter[str]] = defaultdict(Counter)
    found = []
    for first in range(0, len(flips), BATCH):
        batch = flips[first : first + BATCH]
        child = rig.child(partial(judge_all, homes=homes, flips=batch, folder=folder))
        for flip, verdict in zip(batch, child.lines, strict=False):
            figures[flip.place.what][verdict] += 1
            if verdict not in {REFUSED, READ, CHECKED, UNUSED, UNREAD}:
                found.append(f"{flip}: {verdict}")
        if child.status or len(child.lines) != len(batch):
            found.append(f"the child ended with {child.status} at {batch[0]} or later: {child.lines[-20:]}")
    return figures, found


def judge_all(tell: rig.Tell, homes: dict[str, Home], flips: list[Flip], folder: Path) -> None:
    """Judge some flips, in a process of its own."""
    put(homes["closed"].files, folder)
    with opened(folder) as engine:
        sound, stored = everything(engine), rows(engine)
    assert sum(len(one[0]) for one in sound.values()) > 50
    for flip in flips:
        signal.alarm(LONGEST)
        files = dict(homes[flip.home].files)
        content = bytearray(files[flip.place.file])
        content[flip.place.offset + flip.bit // 8] ^= 1 << flip.bit % 8
        put(files | {flip.place.file: bytes(content)}, folder)
        tell(judge(folder, sound, stored))
    signal.alarm(0)


def judge(home: Path, sound: Read, stored: list[list[Row]]) -> str:
    """Open and read a home as the program does, and say whether it shows."""
    try:
        with opened(home) as engine:
            return look(engine, sound, stored)
    except errors.StoreError:
        return REFUSED
    except Exception as error:  # noqa: BLE001 - whatever else is raised is what this rig looks for
        return f"RAISED {error!r}".replace("\n", " ")


def look(engine: Engine, sound: Read, stored: list[list[Row]]) -> str:
    """Read what is open. The start's own check comes last: what reading finds without it, it finds in any database."""
    try:
        same = everything(engine) == sound
    except errors.StoreError:
        return READ
    try:
        engine.store.require_sound()
    except errors.StoreError:
        return CHECKED if same else ONLY_CHECKED
    if not same:
        return WRONG
    return UNUSED if rows(engine) == stored else UNREAD


def everything(engine: Engine) -> Read:
    """Read every journal in each way in which it is read: as it is shown, as an agent and as a command goes on."""
    read = {}
    for one in engine.executions(limit=1000):
        messages, calls = engine.journal(one.id)
        talk = Journal(engine.store, one).load()
        latest = engine.store.read(partial(journal.calls, execution_id=one.id, turn=max([0, *(c.turn for c in calls)])))
        read[one.id] = messages, calls, talk, latest
    return read


def rows(engine: Engine) -> list[list[Row]]:
    """Give all that stands in the tables of the journal, by no index."""
    statement = "SELECT rowid, * FROM {} NOT INDEXED ORDER BY rowid"
    return [engine.store.read(partial(View.sql, statement=statement.format(table))) for table in TABLES]


@contextlib.contextmanager
def opened(home: Path) -> Iterator[Engine]:
    """Open a home, and close it."""
    engine = Engine(home)
    try:
        yield engine
    finally:
        engine.close()


# ---------------------------------------------------------------------- homes


def made(folder: Path, within: str, *, closed: bool) -> Home:
    """Make a home in a child, and find the pages of its journal whose kind begins like `within`."""
    rig.child(lambda _: journals.make(folder, closed=closed)).require_well()
    files = {
        name: (folder / name).read_bytes() for name in (SENTINEL, DATABASE, LOG, INDEX) if (folder / name).exists()
    }
    assert closed == (LOG not in files)
    told = rig.child(partial(tell_pages, folder=folder)).require_well()
    kinds = {int(number): f"{one} {kind}" for one, kind, number in map(str.split, told)}
    places = in_database(kinds) if closed else in_log(kinds, files[LOG])
    by_kind: dict[str, list[Place]] = defaultdict(list)
    for place in (one for one in places if one.what.startswith(within)):
        by_kind[place.what].append(place)
    return Home(files, dict(by_kind))


def tell_pages(tell: rig.Tell, folder: Path) -> None:
    db = connection.connect(folder / DATABASE)
    for name, kind, number in connection.execute(db, PAGES):
        tell(f"{name} {kind} {number}")
    db.close()


def in_database(kinds: dict[int, str]) -> list[Place]:
    return [Place(DATABASE, what, (number - 1) * PAGE) for number, what in kinds.items()]


def in_log(kinds: dict[int, str], log: bytes) -> list[Place]:
    """Find the frames that hold pages of the journal, with their headers; not what is left of an earlier log."""
    size = FRAME_HEADER + PAGE
    places = []
    for offset in range(LOG_HEADER, len(log) - size + 1, size):
        what = kinds.get(int.from_bytes(log[offset : offset + 4], "big"))
        if what is not None and log[offset + 8 : offset + 16] == log[16:24]:
            places.append(Place(LOG, f"log: {what}", offset, size))
    return places


def put(files: dict[str, bytes], folder: Path) -> None:
    """Write a home anew."""
    rig.emptied(folder)
    for name, content in files.items():
        (folder / name).write_bytes(content)


# ------------------------------------------------------------- blind on purpose


@contextlib.contextmanager
def blind_to_calls() -> Iterator[None]:
    """Check no tool call, as before there were checksums over them."""
    nothing = mock.patch.object(journal, "_require_these")
    with nothing, mock.patch.object(journal.StoredCall, "sealed", lambda call: call):
        yield


@contextlib.contextmanager
def blind_to_facts() -> Iterator[None]:
    """Cover role and content of a message, and nothing else."""

    def checksum(before: bytes, row: Row) -> bytes:
        return checksums.of((before, row[0], row[1], row[3]), row[4])

    with mock.patch.object(journal, "_checksum", checksum):
        yield


@contextlib.contextmanager
def blind_to_heads() -> Iterator[None]:
    """Do not look whether a row has vanished."""
    with mock.patch.object(journal, "_require_these"), mock.patch.object(journal, "_require_all"):
        yield


BLINDS = {"calls": blind_to_calls, "facts": blind_to_facts, "heads": blind_to_heads}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
