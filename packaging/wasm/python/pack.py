"""Pack CPython's standard library and the guest's own modules, compiled, into one archive that is always the same.

    native/python pack.py LIB ARCHIVE MODULE.py…    # by a Python of the guest's version: bytecode is its own

What a guest can have no use of is left out: tests, screens, processes, and what needs libraries that are not built.
"""

import importlib._bootstrap_external as bootstrap
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = {
    "__phello__", "__pycache__", "_pyrepl", "ctypes", "curses", "dbm", "ensurepip", "idlelib", "lib-dynload", "lib2to3",
    "msilib", "multiprocessing", "pip", "pydoc_data", "site-packages", "test", "tests", "tkinter", "turtledemo", "venv",
    "turtle.py",
}  # fmt: skip
WHEN = (2026, 1, 1, 0, 0, 0)
PLACE = "/lib/python/"  # what tracebacks show


def main(arguments: list[str]) -> None:
    """Write the archive."""
    library, target, *own = arguments
    with zipfile.ZipFile(target, "w") as archive:
        for path, name in [*_library(Path(library)), *((Path(path), Path(path).name) for path in own)]:
            code = compile(path.read_bytes(), PLACE + name, "exec", dont_inherit=True, optimize=0)
            _add(archive, name + "c", bootstrap._code_to_hash_pyc(code, bytes(8), checked=False))


def _library(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        if not LEFT_OUT.intersection(relative.parts):
            yield path, relative.as_posix()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    about = zipfile.ZipInfo(name, WHEN)
    about.compress_type = zipfile.ZIP_DEFLATED
    about.external_attr = 0o644 << 16
    archive.writestr(about, data, compresslevel=9)


if __name__ == "__main__":
    main(sys.argv[1:])
