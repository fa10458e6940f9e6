"""Reading, writing and editing files of the workspace, and nothing else."""

import asyncio
import hashlib
import os
import socket
import stat
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from baara_engine import errors
from baara_engine.sandboxes import KIB, FileText, Limits
from baara_engine.sandboxes.native import NativeSandbox, NativeSession

Use = Callable[[NativeSession, str], Awaitable[Any]]

USES: dict[str, Use] = {
    "read": lambda session, path: session.read(path),
    "write": lambda session, path: session.write(path, "evil"),
    "edit": lambda session, path: session.edit(path, "secret", "evil", replace_all=True),
    "digest": lambda session, path: session.digest(path),
    "glob": lambda session, path: session.glob("*", path),
    "grep": lambda session, path: session.grep("secret", path),
}


@pytest.fixture(params=USES)
def use(request: pytest.FixtureRequest) -> Use:
    """Give each way to use a path."""
    return USES[request.param]


async def test_no_use_of_a_path_leads_outside(session: NativeSession, places: Any, use: Use) -> None:
    """Relative, absolute, sibling and linked ways out are refused by name, and nothing is touched."""
    outside = places.workspace.parent
    evil = outside / "ws-evil"
    evil.mkdir()
    (evil / "file").write_text("secret")
    (places.workspace / "link").symlink_to(evil)
    (places.workspace / "file-link").symlink_to(evil / "file")
    (places.workspace / "relative-link").symlink_to("../ws-evil/file")
    ways = ["../ws-evil/file", str(evil / "file"), f"{places.workspace}-evil/file", "link/file", "file-link"]
    ways += [
        "relative-link",
        f"{places.workspace}/../ws-evil/file",
        "link",
        "..",
        "/",
        "/proc/self/environ",
        "link/new/x",
    ]
    for path in ways:
        with pytest.raises(errors.InvalidInput, match=r"is outside the workspace|is a folder"):
            await use(session, path)
    assert (evil / "file").read_text() == "secret"
    assert [path.name for path in evil.iterdir()] == ["file"]


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800"])
async def test_what_is_no_path_is_refused(session: NativeSession, use: Use, path: str) -> None:
    """Empty paths, NUL and impossible characters make no sense."""
    with pytest.raises(errors.InvalidInput):
        await use(session, path)


@pytest.mark.parametrize("use", [USES["read"], USES["write"], USES["edit"], USES["digest"]])
async def test_only_regular_files_are_used_and_nothing_waits(session: NativeSession, places: Any, use: Use) -> None:
    """Pipes without a writer, sockets, devices and folders are refused at once."""
    os.mkfifo(places.workspace / "pipe")
    (places.workspace / "folder").mkdir()
    if os.geteuid() == 0:  # nobody else can make a device
        os.mknod(places.workspace / "device", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    else:
        os.mkfifo(places.workspace / "device")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(places.workspace)  # the path of a socket is short
        listening.bind("socket")
        os.chdir("/")
        async with asyncio.timeout(5):
            for name in ("pipe", "socket", "device", "folder", ".", "folder/"):
                with pytest.raises(errors.InvalidInput, match=r"not a regular file|is a folder"):
                    await use(session, name)


async def test_absolute_paths_within_the_workspace_work(sandbox: NativeSandbox, places: Any) -> None:
    """A path may be absolute, by the name the workspace was given or by its true one."""
    (places.workspace.parent / "alias").symlink_to(places.workspace)
    session = await sandbox.open(places.workspace.parent / "alias", places.private, Limits())
    await session.write(str(places.workspace / "a"), "one")
    assert (await session.read(str(places.workspace.parent / "alias" / "a"))).text == "one"
    assert (await session.glob(str(places.workspace / "*"))).lines == ("a",)
    await session.close()


async def test_a_missing_file_is_told_with_the_workspace(session: NativeSession, places: Any) -> None:
    """The message for a missing file says where it was looked for."""
    with pytest.raises(errors.InvalidInput, match=f"There is no “none” in the workspace {places.workspace}"):
        await session.read("none")
    with pytest.raises(errors.InvalidInput, match="There is no “none”"):
        await session.edit("none", "a", "b", replace_all=False)
    assert await session.digest("none") is None


async def test_a_digest_is_that_of_the_bytes(session: NativeSession, places: Any) -> None:
    """The digest is the SHA-256 of what is in the file."""
    (places.workspace / "a").write_bytes(b"\0\xff")
    assert await session.digest("a") == hashlib.sha256(b"\0\xff").hexdigest()


async def test_a_huge_file_is_not_hashed(session: NativeSession, places: Any) -> None:
    """A file that would take minutes is told to be too large."""
    with (places.workspace / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(errors.InvalidInput, match="larger than"):
        await session.digest("sparse")
    with pytest.raises(errors.InvalidInput, match="larger than"):
        await session.edit("sparse", "a", "b", replace_all=False)


async def test_writing_makes_folders(session: NativeSession, places: Any) -> None:
    """Folders on the way to a new file are made, and all of its text is in it."""
    await session.write("a/b/../b/c/file", "äöü\r\n")
    assert (places.workspace / "a/b/c/file").read_bytes() == "äöü\r\n".encode()


async def test_writing_keeps_the_permissions(session: NativeSession, places: Any) -> None:
    """An executable file stays executable, and nothing is left beside it."""
    script = places.workspace / "script"
    script.write_text("old")
    script.chmod(0o750)
    await session.write("script", "new")
    assert (script.read_text(), stat.S_IMODE(script.stat().st_mode)) == ("new", 0o750)
    assert [path.name for path in places.workspace.iterdir()] == ["script"]


async def test_writing_keeps_the_owner(session: NativeSession, places: Any) -> None:
    """When root changes a person's file, it stays that person's."""
    (places.workspace / "a").write_text("old")
    owner = (1234, 2345) if os.geteuid() == 0 else (os.getuid(), os.getgid())  # nobody else can give files away
    os.chown(places.workspace / "a", *owner)
    await session.write("a", "new")
    assert ((places.workspace / "a").stat().st_uid, (places.workspace / "a").stat().st_gid) == owner


async def test_writing_follows_links_that_stay_within(session: NativeSession, places: Any) -> None:
    """Writing through a link changes what it leads to, and the link stays one."""
    (places.workspace / "docs").mkdir()
    (places.workspace / "docs" / "real").write_text("old")
    (places.workspace / "link").symlink_to("docs/real")
    (places.workspace / "to-new").symlink_to("docs/new")
    await session.write("link", "new")
    await session.write("to-new", "fresh")
    assert (places.workspace / "link").is_symlink()
    assert (places.workspace / "docs" / "real").read_text() == "new"
    assert (places.workspace / "docs" / "new").read_text() == "fresh"


async def test_writing_breaks_hard_links(session: NativeSession, places: Any) -> None:
    """A file outside that shares its content with one inside is not changed."""
    (places.workspace.parent / "database").write_text("precious")
    (places.workspace / "hard").hardlink_to(places.workspace.parent / "database")
    await session.write("hard", "new")
    assert (places.workspace.parent / "database").read_text() == "precious"


async def test_a_circle_of_links_is_refused(session: NativeSession, places: Any) -> None:
    """Links that lead to each other end in an error."""
    (places.workspace / "a").symlink_to("b")
    (places.workspace / "b").symlink_to("a")
    for use in (USES["read"], USES["write"]):
        with pytest.raises(errors.InvalidInput, match="leads nowhere"):
            await use(session, "a")


async def test_a_reader_never_sees_half_of_a_file(session: NativeSession, places: Any) -> None:
    """While a file is written over and over, whoever reads it finds one version, whole."""
    versions = {letter * 300_000 for letter in "ab"}
    await session.write("file", min(versions))
    seen: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.add((places.workspace / "file").read_text())

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(10):
        for version in versions:
            await session.write("file", version)
    stop.set()
    watcher.join()
    assert seen <= versions


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 3000 + "x"])
async def test_overlong_names_are_refused(session: NativeSession, name: str) -> None:
    """Names that no file system takes are told."""
    with pytest.raises(errors.InvalidInput):
        await session.write(name, "")


@pytest.mark.parametrize("name", ["new\nline", "\u202ertl", "trailing.", "CON", "a:b", " ", "-rf", "\udcff"])
async def test_odd_names_are_just_names(session: NativeSession, name: str) -> None:
    """Whatever the file system takes works, also bytes that are no UTF-8."""
    await session.write(name, "text")
    assert (await session.read(name)).text == "text"


async def test_a_file_in_the_way_is_told(session: NativeSession, places: Any) -> None:
    """A file where a folder should be is an error that the caller can mend."""
    (places.workspace / "file").touch()
    with pytest.raises(errors.InvalidInput, match="is a file, not a folder"):
        await session.write("file/below", "")


async def test_text_that_is_no_unicode_is_refused(session: NativeSession) -> None:
    """A lone surrogate cannot be written, so nothing is."""
    with pytest.raises(errors.InvalidInput, match="UTF-8"):
        await session.write("a", "\ud800")
    assert await session.digest("a") is None


async def test_an_edit_replaces_one_place(session: NativeSession, places: Any) -> None:
    """A text that is there once is replaced, and every other byte stays."""
    (places.workspace / "a").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\nthree")
    assert await session.edit("a", "two", "2", replace_all=False) == 1
    assert (places.workspace / "a").read_bytes() == b"\xef\xbb\xbfone\r\n2\r\nthree"


async def test_an_edit_must_be_unique_unless_all_are_meant(session: NativeSession, places: Any) -> None:
    """A text that is there several times needs `replace_all`."""
    (places.workspace / "a").write_text("x y x y x")
    with pytest.raises(errors.InvalidInput, match="found 3 times"):
        await session.edit("a", "x", "z", replace_all=False)
    assert await session.edit("a", "x", "z", replace_all=True) == 3
    assert (places.workspace / "a").read_text() == "z y z y z"


@pytest.mark.parametrize("replace_all", [True, False])
async def test_an_edit_needs_its_text(session: NativeSession, places: Any, *, replace_all: bool) -> None:
    """A text that is not there is told, with a hint where line ends are the reason; nothing changes."""
    (places.workspace / "a").write_bytes(b"one\r\ntwo\r\n")
    with pytest.raises(errors.InvalidInput, match="found 0 times"):
        await session.edit("a", "three", "3", replace_all=replace_all)
    with pytest.raises(errors.InvalidInput, match="end with CR LF"):
        await session.edit("a", "one\ntwo", "3", replace_all=replace_all)
    with pytest.raises(errors.InvalidInput, match="empty"):
        await session.edit("a", "", "3", replace_all=replace_all)
    assert (places.workspace / "a").read_bytes() == b"one\r\ntwo\r\n"


async def test_an_edit_leaves_other_encodings_alone(session: NativeSession, places: Any) -> None:
    """A file that is not UTF-8 is not edited."""
    (places.workspace / "a").write_bytes(b"caf\xe9 one")
    with pytest.raises(errors.InvalidInput, match="not UTF-8"):
        await session.edit("a", "one", "two", replace_all=False)


async def test_reading_is_capped(sandbox: NativeSandbox, places: Any) -> None:
    """Of a large file its beginning is given, not cutting through a character, and its lines are counted."""
    session = await sandbox.open(places.workspace, places.private, Limits(read_bytes=KIB))
    (places.workspace / "a").write_text("ä\n" * 1000)
    found = await session.read("a")
    assert (found.cut, found.lines, len(found.text.encode())) == (True, 1000, 1023)
    (places.workspace / "b").write_text("xx" + "ä" * 1000)
    assert (await session.read("b")).text == "xx" + "ä" * 511
    await session.close()


async def test_forbidden_files_are_told(session: NativeSession, places: Any, as_nobody: Any) -> None:
    """What may not be read or written is an error that the caller can mend."""
    places.workspace.chmod(0o777)
    for name, mode in (("read-only", 0o444), ("forbidden", 0)):
        (places.workspace / name).write_text("x")
        (places.workspace / name).chmod(mode)
    (places.workspace / "folder").mkdir(mode=0o555)
    with as_nobody():
        with pytest.raises(errors.InvalidInput, match="is read-only"):
            await session.write("read-only", "y")
        for use in (session.read("forbidden"), session.write("folder/a", "y")):
            with pytest.raises(errors.InvalidInput, match="may not be accessed"):
                await use


async def test_reading_gives_the_text(session: NativeSession, places: Any) -> None:
    """A small file comes whole, with its lines counted, and undecodable bytes replaced."""
    (places.workspace / "a").write_bytes(b"one\ntw\xff")
    assert await session.read("a") == FileText(text="one\ntw\ufffd", lines=2, cut=False)


def test_the_root_descriptor_outlives_a_closing_session(tmp_path: Path) -> None:
    """A thread that still works in the workspace while the session closes works in that folder, not in another."""
    from baara_engine.sandboxes.workspace import Workspace

    held = Workspace(tmp_path)
    with held.root() as root:
        held.close()
        assert os.fstat(root).st_ino == tmp_path.stat().st_ino
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(root)
    with pytest.raises(errors.SandboxFailure), held.root():
        pass
