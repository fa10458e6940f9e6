"""Finding files and lines, and being stopped where that takes too long."""

import asyncio
import json
import os
import time
from typing import Any

import pytest

from baara_engine import errors
from baara_engine.sandboxes.hands import globbing, search, walking
from baara_engine.sandboxes.native import NativeSession


@pytest.fixture
def tree(places: Any) -> None:
    """Fill the workspace."""
    for path in ("b.py", "a.txt", "a/c.py", "a/b/d.py", ".hidden/e.py", ".git/config", "sub/.git/hook.py", "a-b/f.md"):
        file = places.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"path = {path}\nneedle here\n")


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ("a.txt", "b.py")),
        ("*.py", ("b.py",)),
        ("**/*.py", (".hidden/e.py", "a/b/d.py", "a/c.py", "b.py")),
        ("**", (".hidden/e.py", "a-b/f.md", "a.txt", "a/b/d.py", "a/c.py", "b.py")),
        ("a/**", ("a/b/d.py", "a/c.py")),
        ("./a//*.py", ("a/c.py",)),
        ("a/**/d.py", ("a/b/d.py",)),
        ("**/b/**/*", ("a/b/d.py",)),
        ("?.py", ("b.py",)),
        ("[!b]*", ("a.txt",)),
        ("*/*.py", (".hidden/e.py", "a/c.py")),
        (".git/*", (".git/config",)),
        ("sub/.git/**", ("sub/.git/hook.py",)),
        ("A.TXT", ()),
        ("a", ()),
    ],
)
async def test_globs(session: NativeSession, pattern: str, found: tuple[str, ...]) -> None:
    """Patterns find files, sorted by their paths, and `**` does not look into `.git`."""
    assert (await session.glob(pattern)).lines == found


@pytest.mark.usefixtures("tree")
async def test_a_search_may_start_below(session: NativeSession) -> None:
    """Patterns are relative to the folder searched, results to the workspace."""
    assert (await session.glob("*.py", "a")).lines == ("a/c.py",)
    assert (await session.glob("*.py", "./a/b/../b/")).lines == ("a/b/d.py",)
    assert (await session.grep("needle", "a/b")).lines == ("a/b/d.py:2:needle here",)
    assert (await session.grep("needle", "a/c.py")).lines == ("a/c.py:2:needle here",)


@pytest.mark.usefixtures("tree")
async def test_grep_gives_lines(session: NativeSession) -> None:
    """Matching lines come with path and number, sorted, and `.git` is left out."""
    found = await session.grep(r"^path = a/.*\.py$")
    assert found.lines == ("a/b/d.py:1:path = a/b/d.py", "a/c.py:1:path = a/c.py")
    assert not found.cut


@pytest.mark.parametrize("pattern", ["..", "../*", "", "/", "a/../b"])
async def test_patterns_stay_below(session: NativeSession, pattern: str) -> None:
    """A pattern that climbs, or names nothing, is refused."""
    with pytest.raises(errors.InvalidInput):
        await session.glob(pattern)


@pytest.mark.parametrize("pattern", ["(", "*a", "a{99999999999}", "(?P<x", "[" * 3])
async def test_an_expression_that_makes_no_sense_is_told(session: NativeSession, pattern: str) -> None:
    """What is wrong with a regular expression comes back as a message."""
    with pytest.raises(errors.InvalidInput, match=r"The pattern cannot be used: .+"):
        await session.grep(pattern)


async def test_a_doubtful_expression_still_works(session: NativeSession, places: Any) -> None:
    """A warning about an expression does not spoil the result."""
    (places.workspace / "a").write_text("[x]\n")
    assert (await session.grep("[[x]+")).lines == ("a:1:[x]",)


async def test_a_catastrophic_expression_is_stopped(session: NativeSession, places: Any) -> None:
    """An expression that would run for years ends at the limit, and the engine goes on meanwhile."""
    (places.workspace / "a").write_text("a" * 60 + "!\n")
    beats = 0
    async with asyncio.TaskGroup() as group:
        hopeless = group.create_task(_refusal(session))
        began = time.monotonic()
        while not hopeless.done():
            await asyncio.sleep(0.05)
            beats += 1
    assert "more than 1.5 s" in hopeless.result()
    assert time.monotonic() - began < 4
    assert beats > 10
    assert places.processes() == []


async def _refusal(session: NativeSession) -> str:
    with pytest.raises(errors.InvalidInput) as caught:
        await session.grep("(a+)+$")
    return caught.value.message


async def test_links_are_shown_but_not_followed(session: NativeSession, places: Any) -> None:
    """Searches list links, broken ones too, and never go through them."""
    secret = places.workspace.parent / "secret"
    secret.mkdir()
    (secret / "key").write_text("needle")
    (places.workspace / "out").symlink_to(secret)
    (places.workspace / "out-file").symlink_to(secret / "key")
    (places.workspace / "broken").symlink_to("nowhere")
    (places.workspace / "circle").symlink_to(".")
    assert (await session.glob("**")).lines == ("broken", "circle", "out", "out-file")
    found = await session.grep("needle")
    assert (found.lines, found.skipped) == ((), 0)


async def test_odd_names_are_shown_as_text(session: NativeSession, places: Any) -> None:
    """Names that are no UTF-8, or would break or colour a line, are written out."""
    for name in (b"bad\xff", b"new\nline", b"\x1b[31mred", "grün".encode()):
        (places.workspace / os.fsdecode(name)).write_text("needle")
    shown = (r"\x1b[31mred", r"bad\xff", "grün", r"new\nline")
    assert (await session.glob("*")).lines == shown
    assert (await session.grep("needle")).lines == tuple(f"{name}:1:needle" for name in shown)


async def test_binary_and_large_files_are_not_searched(session: NativeSession, places: Any) -> None:
    """Binary files are passed over; files that are too large count as skipped; special files are not opened."""
    (places.workspace / "binary").write_bytes(b"needle\0")
    with (places.workspace / "large").open("wb") as file:
        file.write(b"needle\n")
        file.truncate(11 * 1024 * 1024)
    os.mkfifo(places.workspace / "pipe")
    (places.workspace / "empty").touch()
    found = await session.grep("needle|^$")
    assert (found.lines, found.skipped) == ((), 1)


async def test_long_lines_show_their_match(session: NativeSession, places: Any) -> None:
    """Of a line of a megabyte the part around the match is shown."""
    (places.workspace / "a").write_text("x" * 500_000 + "needle" + "y" * 500_000 + "\r\nneedle\r\n")
    first, second = (await session.grep("needle")).lines
    assert len(first) <= len("a:1:") + search.MAX_LINE
    assert "xneedley" in first
    assert second == "a:2:needle"


async def test_results_are_capped(session: NativeSession, places: Any) -> None:
    """Too many results are cut, in a stable order."""
    for number in range(search.MAX_PATHS + 5):
        (places.workspace / f"{number:05}").write_text("needle\n")
    found = await session.glob("*")
    assert (len(found.lines), found.cut, found.lines[-1]) == (search.MAX_PATHS, True, f"{search.MAX_PATHS - 1:05}")
    found = await session.grep("needle")
    assert (len(found.lines), found.cut) == (search.MAX_LINES, True)
    for number in range(search.MAX_PATHS, search.MAX_PATHS + 5):
        (places.workspace / f"{number:05}").unlink()
    assert not (await session.glob("*")).cut


async def test_deep_folders_are_walked(session: NativeSession, places: Any) -> None:
    """Folders nested beyond what a path can name are searched as far as descriptors reach, and the rest is counted."""
    made = "d=$PWD; for i in $(seq 300); do mkdir dddddddddddddddddddd; cd dddddddddddddddddddd; done; touch needle"
    await session.run(made, key="a")
    found = await session.glob("**/needle")
    assert len(found.lines) + found.skipped == 1
    await session.run("rm -r ddd*", key="b")


async def test_a_search_below_a_file_or_nothing_is_told(session: NativeSession, places: Any) -> None:
    """The place to search must exist, and must be a folder for a glob."""
    (places.workspace / "file").touch()
    with pytest.raises(errors.InvalidInput, match="a file, not a folder"):
        await session.glob("*", "file")
    with pytest.raises(errors.InvalidInput, match="There is no “none”"):
        await session.grep("x", "none")


def test_forbidden_places_are_counted(places: Any, as_nobody: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders and files that may not be read are skipped and counted."""
    places.workspace.chmod(0o777)
    monkeypatch.chdir(places.workspace)
    (places.workspace / "folder").mkdir(mode=0)
    (places.workspace / "file").touch(mode=0)
    with as_nobody():
        walk = walking.Walk()
        top = os.dup(walk.root)
        texts = [walk.text(entry) for entry in walk.below(top, ".", lambda _trail: True)]
    os.close(walk.root)
    assert (texts, walk.skipped) == ([""], 2)


async def test_a_search_leaves_no_marks(session: NativeSession, places: Any) -> None:
    """Searches change nothing, so they need no receipts."""
    await session.glob("*")
    assert list((places.private / "receipts").iterdir()) == []


def test_many_stars_do_not_explode() -> None:
    """A pattern of many stars is matched in an instant."""
    pattern = globbing.Pattern("/".join(["**"] * 30) + "/" + "*a" * 30 + "b")
    began = time.monotonic()
    for _ in range(10):
        assert not pattern.fits(("a" * 50,) * 50, "a" * 200)
    assert time.monotonic() - began < 2


def test_a_job_survives_odd_text() -> None:
    """Whatever a pattern holds arrives as it was."""
    odd = 'quote " newline \n lone \udcff NUL'
    assert json.loads(json.dumps(search.Job(kind="grep", pattern=odd, path=".")))["pattern"] == odd
