"""Making sure that a file, or the names in a folder, are on the disk."""

import os
import sys
from pathlib import Path

if sys.platform == "darwin":
    import fcntl


def sync(path: Path) -> None:
    """Return once a file's content, or a folder's names, are on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no such call for folders: their names are on the disk by themselves
    opened = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        if sys.platform == "darwin":
            fcntl.fcntl(opened, fcntl.F_FULLFSYNC)  # there, fsync alone does not reach the platter
        else:
            os.fsync(opened)
    finally:
        os.close(opened)
