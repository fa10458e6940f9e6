"""Reading and changing the files of a workspace.

Every file is opened beneath the workspace by `hands.confined`; a file is changed by renaming a complete new one over
it, so nobody ever sees half of it. All of this blocks: call it in a thread.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from baara_engine import errors
from baara_engine.sandboxes import FileText, reading
from baara_engine.sandboxes.hands import confined
from baara_engine.sandboxes.workspace import Workspace, require_regular

MIB = 1024 * 1024
EDIT_BYTES = 16 * MIB  # bytes of the largest file that is edited: several copies of it are in memory at once
DIGEST_BYTES = 1024 * MIB  # bytes of the largest file that is hashed: about a second


def read(workspace: Workspace, path: str, wanted: reading.LineRange | None, limit: int) -> FileText:
    """Read lines of a text file, at most `limit` bytes."""
    with workspace.opened(path, confined.FILE) as file:
        size = require_regular(file, path).st_size
        return reading.read_text(file, path, size, wanted, limit)


def read_bytes(workspace: Workspace, path: str, most: int) -> bytes:
    """Read a whole file of at most so many bytes."""
    with workspace.opened(path, confined.FILE) as file:
        if require_regular(file, path).st_size > most:
            raise errors.InvalidInput(f"“{path}” is larger than {most / MIB:g} MiB.")
        with os.fdopen(os.dup(file), "rb") as whole:
            return whole.read(most)


def digest(workspace: Workspace, path: str) -> str | None:
    """Give the SHA-256 of a file in hex, None if there is no such file."""
    with workspace.root() as root, workspace.explaining(path):
        try:
            opened = confined.open_beneath(root, workspace.relative(path), confined.FILE)
        except FileNotFoundError:
            return None
        with os.fdopen(opened, "rb") as file:
            if require_regular(opened, path).st_size > DIGEST_BYTES:
                raise errors.InvalidInput(f"“{path}” is larger than {DIGEST_BYTES // MIB} MiB.")
            return hashlib.file_digest(file, "sha256").hexdigest()


def write(workspace: Workspace, path: str, content: str) -> None:
    """Write a text file, making the folders above it as needed."""
    data = _encoded(content, "The text")
    with workspace.root() as root, workspace.explaining(path):
        _replace(root, workspace.relative(path), path, [data])


def put(workspace: Workspace, path: str, data: bytes, *, executable: bool) -> None:
    """Write a file of any content, making the folders above it as needed; `executable` lets it be run."""
    with workspace.root() as root, workspace.explaining(path):
        _replace(root, workspace.relative(path), path, [data])
        if executable:
            file = confined.open_beneath(root, workspace.relative(path), confined.FILE)
            try:
                os.fchmod(file, 0o755)
            finally:
                os.close(file)


def rewrite(workspace: Workspace, path: str, pieces: Iterable[bytes]) -> None:
    """Put these pieces in the place of a file, at once; they may be read from it."""
    with workspace.root() as root, workspace.explaining(path):
        _replace(root, workspace.relative(path), path, pieces)


def remove(workspace: Workspace, path: str) -> None:
    """Delete a file."""
    with workspace.root() as root, workspace.explaining(path), _place(root, workspace.relative(path)) as (folder, name):
        os.unlink(name, dir_fd=folder)


def edit(workspace: Workspace, path: str, old: str, new: str, *, replace_all: bool) -> int:
    """Replace text in a file and leave every other byte as it is; give the number of replacements."""
    old_data, new_data = _encoded(old, "The old text"), _encoded(new, "The new text")
    if not old_data:
        raise errors.InvalidInput("The text to be replaced is empty.")
    data = _editable(workspace, path)
    count = data.count(old_data)
    if count == 0:
        raise errors.InvalidInput(f"The text was found 0 times in “{path}”. {_hint(data, old_data)}")
    if count > 1 and not replace_all:
        raise errors.InvalidInput(
            f"The text was found {count} times in “{path}”. Take in lines around it until it is there once only, "
            "or replace all."
        )
    with workspace.root() as root, workspace.explaining(path):
        _replace(root, workspace.relative(path), path, [data.replace(old_data, new_data)])
    return count


def _editable(workspace: Workspace, path: str) -> bytes:
    with workspace.opened(path, confined.FILE) as opened, os.fdopen(opened, "rb", closefd=False) as file:
        if require_regular(opened, path).st_size > EDIT_BYTES:
            raise errors.InvalidInput(f"“{path}” is larger than {EDIT_BYTES // MIB} MiB; change it by a command.")
        data = file.read(EDIT_BYTES)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.InvalidInput(f"“{path}” is not UTF-8 text; change it by a command.") from error
    return data


def _hint(data: bytes, old: bytes) -> str:
    if b"\n" in old and old.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") in data:
        return "The lines of the file end with CR LF."
    return "It must be exactly as in the file, with its spaces and line ends."


def _encoded(text: str, what: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise errors.InvalidInput(f"{what} has characters that cannot be written as UTF-8.") from error


def _replace(root: int, relative: str, path: str, data: Iterable[bytes]) -> None:
    with _place(root, relative) as (folder, name):
        before = _present(folder, name, path)
        part = f".baara-{secrets.token_hex(8)}.part"
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
        try:
            with os.fdopen(file, "wb") as writer:
                _keep_access(file, before)
                writer.writelines(data)
                writer.flush()
                os.fsync(file)  # the journal will say that this was written
            os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)
            raise
        os.fsync(folder)


@contextlib.contextmanager
def _place(root: int, relative: str) -> Iterator[tuple[int, str]]:
    """Give the folder (open, made if need be) and the name that a file has once links have been followed."""
    for _ in range(confined.MAX_LINKS):
        above, name = os.path.split(relative)
        if name in {"", ".", ".."}:
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), relative)
        folder = _folder(root, above)
        try:
            target = confined.link_target(name, folder)
            if target is None:
                yield folder, name
                return
        finally:
            os.close(folder)
        relative = str(PurePosixPath(above, target))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), relative)


def _folder(root: int, path: str) -> int:
    with contextlib.suppress(FileNotFoundError):
        return confined.open_beneath(root, path, confined.FOLDER)
    parts = [part for part in path.split("/") if part]
    for count, part in enumerate(parts):
        above = confined.open_beneath(root, "/".join(parts[:count]), confined.FOLDER)
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=above)
        finally:
            os.close(above)
    return confined.open_beneath(root, path, confined.FOLDER)


def _present(folder: int, name: str, path: str) -> os.stat_result | None:
    """Look at the file that will be replaced. Raises unless it is a regular file that may be written."""
    try:
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(about.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(about.st_mode):
        raise errors.InvalidInput(f"“{path}” is not a regular file.")
    if not os.access(name, os.W_OK, dir_fd=folder, effective_ids=True):
        raise errors.InvalidInput(f"“{path}” is read-only.")
    return about


def _keep_access(file: int, before: os.stat_result | None) -> None:
    """Give a new file the owner, as far as we may, and the permissions of the one that it replaces."""
    if before is None:
        return
    with contextlib.suppress(PermissionError):
        os.fchown(file, before.st_uid, before.st_gid)
    os.fchmod(file, stat.S_IMODE(before.st_mode) & 0o777)
