"""Change the sections of a WebAssembly module before and after the merge with the shim.

    python sections.py prepare IN OUT PAGES    # give the module's memory so many pages at its start
    python sections.py finish IN OUT           # name WASI's functions as they are, export `memory` and `run` only

Both drop custom sections (names, debug information), which would hold paths of the build.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

CUSTOM, IMPORTS, MEMORY, EXPORTS = 0, 2, 5, 7
HEADER = 8  # bytes: magic and version
REAL, WASI = b"wasi_real", b"wasi_snapshot_preview1"
KEPT = {b"memory", b"run"}


def main(arguments: list[str]) -> None:
    """Read a module, write the changed one."""
    what, source, target, *rest = arguments
    changes = {"prepare": {MEMORY: _starting_with(int(rest[0]) if rest else 0)}, "finish": FINISHED}[what]
    module = Path(source).read_bytes()
    made = bytearray(module[:HEADER])
    for kind, body in _sections(module):
        if kind != CUSTOM:
            changed = changes[kind](body) if kind in changes else body
            made += bytes([kind]) + _number(len(changed)) + changed
    Path(target).write_bytes(made)


def _sections(module: bytes) -> Iterator[tuple[int, bytes]]:
    at = HEADER
    while at < len(module):
        kind = module[at]
        size, at = _read_number(module, at + 1)
        yield kind, module[at : at + size]
        at += size


def _starting_with(pages: int) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        if body[:2] != b"\x01\x00":
            raise SystemExit("The module is expected to have one memory without a maximum.")
        return b"\x01\x00" + _number(pages)

    return change


def _real_names(body: bytes) -> bytes:
    """Rename the module that the shim's own imports name."""
    count, at = _read_number(body, 0)
    made = bytearray(_number(count))
    for _ in range(count):
        module, at = _read_name(body, at)
        name, at = _read_name(body, at)
        if body[at] != 0:
            raise SystemExit(f"{module!r} {name!r} is an import that is no function.")
        kind, after = _read_number(body, at + 1)
        module = WASI if module == REAL else module
        made += _name(module) + _name(name) + b"\0" + _number(kind)
        at = after
    return bytes(made)


def _few_exports(body: bytes) -> bytes:
    count, at = _read_number(body, 0)
    kept = []
    for _ in range(count):
        begin = at
        name, at = _read_name(body, at)
        _, at = _read_number(body, at + 1)
        if name in KEPT:
            kept.append(body[begin:at])
    return _number(len(kept)) + b"".join(kept)


FINISHED = {IMPORTS: _real_names, EXPORTS: _few_exports}


def _read_name(body: bytes, at: int) -> tuple[bytes, int]:
    size, at = _read_number(body, at)
    return body[at : at + size], at + size


def _name(name: bytes) -> bytes:
    return _number(len(name)) + name


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:  # noqa: PLR2004
            return value, at


def _number(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:  # noqa: PLR2004
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


if __name__ == "__main__":
    main(sys.argv[1:])
