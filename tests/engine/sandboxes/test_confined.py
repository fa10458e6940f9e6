"""Opening files beneath a folder, by the kernel's call and by walking; both must say the same."""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_engine.sandboxes.hands import confined

Opener = Callable[[int, str, int], int]


@pytest.fixture(params=[confined.by_kernel, confined.by_walking])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Give each of the two ways to open."""
    if request.param is confined.by_kernel and not confined.kernel_confines():
        pytest.skip("this kernel has no openat2")
    chosen: Opener = request.param
    return chosen


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """Make a folder with a secret beside it."""
    folder = tmp_path / "ws"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("mine")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "ws-evil").mkdir()
    (tmp_path / "ws-evil" / "file").write_text("secret")
    return folder


@pytest.fixture
def root(inside: Path) -> Iterator[int]:
    """Hold the folder open."""
    opened = os.open(inside, confined.FOLDER)
    yield opened
    os.close(opened)


def content(opener: Opener, root: int, path: str) -> str:
    """Read what is at a path."""
    with os.fdopen(opener(root, path, confined.FILE)) as file:
        return file.read()


@pytest.mark.parametrize("path", ["a/b/file", "./a//b/./file", "a/b/../b/file", "a/../a/b/file"])
def test_files_beneath_are_opened(opener: Opener, root: int, path: str) -> None:
    """Every spelling that stays beneath the folder works."""
    assert content(opener, root, path) == "mine"


@pytest.mark.parametrize("path", [".", "a/..", "a/b/../.."])
def test_the_folder_itself_is_opened(opener: Opener, root: int, path: str) -> None:
    """The folder is beneath itself."""
    opened = opener(root, path, confined.FOLDER)
    assert os.fstat(opened).st_ino == os.fstat(root).st_ino
    os.close(opened)


@pytest.mark.parametrize(
    "path", ["..", "../secret", "a/../../secret", "../ws/a/b/file", "../ws-evil/file", "/etc/passwd", "/"]
)
def test_paths_that_lead_out_are_refused(opener: Opener, root: int, path: str) -> None:
    """A path that leaves the folder fails with EXDEV, even if it comes back."""
    with pytest.raises(OSError, match=r".*") as caught:
        opener(root, path, confined.FILE)
    assert caught.value.errno == errno.EXDEV


@pytest.mark.parametrize("target", ["../secret", "/etc/passwd", "a/../../secret", "../ws-evil", "/proc/self/root/etc"])
def test_links_that_lead_out_are_refused(opener: Opener, root: int, inside: Path, target: str) -> None:
    """A link out of the folder is not followed, at the end of a path or within it."""
    (inside / "link").symlink_to(target)
    for path in ("link", "link/file"):
        with pytest.raises(OSError, match=r".*") as caught:
            opener(root, path, confined.FILE)
        assert caught.value.errno == errno.EXDEV


def test_links_that_stay_are_followed(opener: Opener, root: int, inside: Path) -> None:
    """Links within the folder work as they do anywhere, also by way of each other."""
    (inside / "a" / "to-b").symlink_to("b")
    (inside / "first").symlink_to("a/to-b/../b/second")
    (inside / "a" / "b" / "second").symlink_to("file")
    assert content(opener, root, "first") == "mine"


@pytest.mark.parametrize(
    ("path", "code"),
    [("none", errno.ENOENT), ("a/none/x", errno.ENOENT), ("a/b/file/x", errno.ENOTDIR), ("loop", errno.ELOOP)],
)
def test_other_errors_are_the_usual_ones(opener: Opener, root: int, inside: Path, path: str, code: int) -> None:
    """What is missing, no folder, or a circle of links says so."""
    (inside / "loop").symlink_to("loop")
    with pytest.raises(OSError, match=r".*") as caught:
        opener(root, path, confined.FILE)
    assert caught.value.errno == code


def test_a_nul_is_refused(root: int) -> None:
    """A name is never cut at a NUL."""
    with pytest.raises(OSError, match="Invalid"):
        confined.open_beneath(root, "a\0/../../secret", confined.FILE)


def test_no_descriptor_is_left_open(opener: Opener, root: int, inside: Path) -> None:
    """Neither success nor failure leaves a folder open."""
    (inside / "link").symlink_to("a/b")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208  (a path object would open more)
    for path in ("link/file", "a/b/../b", "../secret", "none", "a/b/file/x"):
        try:
            os.close(opener(root, path, confined.FILE))
        except OSError:
            continue
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_swapping_links_does_not_open_a_way_out(opener: Opener, root: int, inside: Path) -> None:
    """However fast a folder is replaced by a link out and back, nothing outside is ever read."""
    (inside / "dir").mkdir()
    (inside / "dir" / "secret").write_text("mine")
    (inside / "way-out").symlink_to("..")
    stop = threading.Event()
    swapper = threading.Thread(target=_swap, args=(inside / "dir", inside / "way-out", inside / "spare", stop))
    swapper.start()
    read = {"mine": 0, "secret": 0}
    until = time.monotonic() + 0.7
    while time.monotonic() < until:
        try:
            read[content(opener, root, "dir/secret")] += 1
        except OSError:
            continue
    stop.set()
    swapper.join()
    assert read["mine"] > 0
    assert read["secret"] == 0


def _swap(one: Path, other: Path, spare: Path, stop: threading.Event) -> None:
    while not stop.is_set():
        one.rename(spare)
        other.rename(one)
        one.rename(other)
        spare.rename(one)
