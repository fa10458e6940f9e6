"""An SQLite VFS named `tapped`: it tells of every call before it happens, and whoever listens may refuse it or die.

It is made of SQLite's own C structs around the system's VFS, so that an error is exactly the code that SQLite gets from
a bad disk. A VFS written with apsw's classes would raise an exception besides, also for errors that SQLite passes over
(a checkpoint that fails after its commit, a close that cannot check-point), and so would test what never happens.
"""

import ctypes
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import apsw

NAME = "tapped"
OK = apsw.SQLITE_OK
SECTOR = 512  # bytes that a disk writes as a whole, or not at all
BROKEN_RIG = 70  # exit status of a rig that failed itself; nothing it found may count

CHANGING = frozenset({"open", "write", "sync", "truncate", "delete"})  #: calls that decide what stands on the disk

INT, LONG, POINTER = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p

# The calls of one file that are told, by their place in `sqlite3_io_methods`, with their arguments after the file.
FILE_CALLS: dict[str, tuple[Any, ...]] = {
    "xClose": (),
    "xRead": (POINTER, INT, LONG),
    "xWrite": (POINTER, INT, LONG),
    "xTruncate": (LONG,),
    "xSync": (INT,),
    "xLock": (INT,),
    "xUnlock": (INT,),
    "xShmMap": (INT, INT, INT, POINTER),
    "xShmLock": (INT, INT, INT),
    "xShmUnmap": (INT,),
}


class IoMethods(ctypes.Structure):
    _fields_ = [
        ("version", INT),
        *(
            (name, POINTER)
            for name in (
                "xClose", "xRead", "xWrite", "xTruncate", "xSync", "xFileSize", "xLock", "xUnlock",
                "xCheckReservedLock", "xFileControl", "xSectorSize", "xDeviceCharacteristics", "xShmMap", "xShmLock",
                "xShmBarrier", "xShmUnmap", "xFetch", "xUnfetch",
            )
        ),
    ]  # fmt: skip


class Vfs(ctypes.Structure):
    _fields_ = [
        ("version", INT), ("file_bytes", INT), ("longest_path", INT), ("next", POINTER), ("name", ctypes.c_char_p),
        ("data", POINTER), ("xOpen", POINTER), ("xDelete", POINTER), ("others", POINTER * 14),
    ]  # fmt: skip


OPEN = ctypes.CFUNCTYPE(INT, POINTER, POINTER, POINTER, INT, POINTER)
DELETE = ctypes.CFUNCTYPE(INT, POINTER, POINTER, INT)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is about to happen."""

    kind: str  #: open, close, read, write, truncate, sync, delete, lock, unlock, shmmap, shmlock, shmunmap
    file: str  #: name without its folder
    handle: int = 0  #: tells the open files of one name apart
    offset: int = 0  #: of a write; the new size, of a truncate
    data: bytes = b""
    flags: int = 0  #: of an open; whether the folder is synced too, of a delete
    half: Callable[[], int] | None = None  #: does the first half of a write, in whole sectors; gives how many bytes


Tap = Callable[[Call], int]


def silent(_: Call) -> int:
    return OK


class Tapped:
    """The VFS of this process. SQLite keeps pointers into it, so it lives for ever."""

    def __init__(self) -> None:
        self.tap: Tap = silent
        self._names: dict[int, str] = {}  # by the address of an open file
        self._methods: dict[int, IoMethods] = {}  # by the address of those that they stand for
        self._kept: list[Any] = []
        self._base = _system_vfs()
        self._vfs = Vfs.from_buffer_copy(self._base)
        self._vfs.name, self._vfs.next = NAME.encode(), None
        self._vfs.xOpen = self._callback(OPEN, partial(self._open, OPEN(self._base.xOpen)))
        self._vfs.xDelete = self._callback(DELETE, partial(self._delete, DELETE(self._base.xDelete)))
        _append(self._base, self._vfs)

    def _callback(self, kind: Any, function: Callable[..., int]) -> Any:
        callback = kind(partial(_or_die, function))
        self._kept.append(callback)
        return ctypes.cast(callback, POINTER).value

    def _open(self, real: Any, _vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        if name is not None:
            refused = self.tap(Call("open", _base_name(name), file, flags=flags))
            if refused != OK:
                ctypes.cast(file, ctypes.POINTER(POINTER))[0] = None  # no methods: SQLite will not close it
                return refused
        code = int(real(ctypes.addressof(self._base), name, file, flags, out))
        if code == OK and name is not None:
            self._names[file] = _base_name(name)
            methods = ctypes.cast(file, ctypes.POINTER(POINTER))
            methods[0] = ctypes.addressof(self._tapped_methods(int(methods[0] or 0)))
        return code

    def _delete(self, real: Any, _vfs: int, name: int, sync_folder: int) -> int:
        refused = self.tap(Call("delete", _base_name(name), flags=sync_folder))
        return refused if refused != OK else int(real(ctypes.addressof(self._base), name, sync_folder))

    def _tapped_methods(self, address: int) -> IoMethods:
        if address not in self._methods:
            methods = IoMethods.from_buffer_copy(IoMethods.from_address(address))
            for name, arguments in FILE_CALLS.items():
                real = getattr(methods, name)
                if real is not None:  # rollback journals have no shared memory
                    kind = ctypes.CFUNCTYPE(INT, POINTER, *arguments)
                    setattr(methods, name, self._callback(kind, partial(self._call, name, kind(real))))
            self._methods[address] = methods
        return self._methods[address]

    def _call(self, name: str, real: Any, file: int, *arguments: int) -> int:
        if file not in self._names:
            return int(real(file, *arguments))
        refused = self.tap(_file_call(name, self._names[file], real, file, *arguments))
        if name == "xClose":
            del self._names[file]
            return int(real(file, *arguments))  # a file is closed whatever is said of it
        return refused if refused != OK else int(real(file, *arguments))


@cache
def vfs() -> Tapped:
    """Give the one of this process, made when it is first asked for."""
    return Tapped()


@contextmanager
def tapping(tap: Tap) -> Iterator[None]:
    """Let `tap` hear of every call meanwhile."""
    vfs().tap = tap
    try:
        yield
    finally:
        vfs().tap = silent


def _file_call(name: str, file: str, real: Any, pointer: int, *arguments: int) -> Call:
    kind = name.removeprefix("x").lower()
    if kind == "write":
        where, size, offset = arguments
        data = ctypes.string_at(where, size)
        return Call(kind, file, pointer, offset, data, half=partial(_half, real, pointer, *arguments))
    return Call(kind, file, pointer, arguments[0]) if kind == "truncate" else Call(kind, file, pointer)


def _half(real: Any, pointer: int, where: int, size: int, offset: int) -> int:
    done = size // 2 // SECTOR * SECTOR
    if done:
        real(pointer, where, done, offset)
    return done


def _system_vfs() -> Vfs:
    """Find the struct of the default VFS: a database in memory points at it."""
    connection = apsw.Connection(":memory:")
    found = POINTER()
    connection.file_control("main", apsw.SQLITE_FCNTL_VFS_POINTER, ctypes.addressof(found))
    connection.close()
    return Vfs.from_address(int(found.value or 0))


def _append(first: Vfs, ours: Vfs) -> None:
    """Put ours at the end of SQLite's list, where it is found by its name and never by default."""
    last = first
    while last.next:
        last = Vfs.from_address(last.next)
    last.next = ctypes.addressof(ours)


def _base_name(pointer: int) -> str:
    return Path(os.fsdecode(ctypes.string_at(pointer))).name


def _or_die(function: Callable[..., int], *arguments: int) -> int:
    """End the process on an exception: none can leave a callback, and a broken rig must not look like a sound store."""
    try:
        return function(*arguments)
    except BaseException:  # noqa: BLE001 - see above
        traceback.print_exc()
        os._exit(BROKEN_RIG)
