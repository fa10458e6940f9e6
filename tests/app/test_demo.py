import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LONG = 120.0


def shown(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the demo as a person does: no key, no display, no network."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "ANTHROPIC_API_KEY"}}
    return subprocess.run(
        [sys.executable, "-m", "baara_app", "--home", str(home), "demo", *arguments],
        env=environment, capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip


def test_the_demo_holds(home: Path) -> None:
    """Without a folder it makes one, kills its engine, resumes, and finds everything held."""
    done = shown(home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIGKILL" in done.stdout
    assert "resumed at turn" in done.stdout
    assert "nothing was done twice" in done.stdout
    assert "── inbox:" in done.stdout
    assert "✗" not in done.stdout


def empty(folder: Path) -> None:
    folder.mkdir()


def crowded(folder: Path) -> None:
    for branch in range(50):
        below = folder / f"branch-{branch}"
        below.mkdir(parents=True)
        for leaf in range(1000):
            (below / f"leaf-{leaf}.txt").touch()


def awkward(folder: Path) -> None:
    folder.mkdir()
    (folder / "README.md").write_bytes(b"\x00\xff binary in disguise")
    (folder / "picture.png").write_bytes(bytes(range(256)) * 100)
    (folder / "broken").symlink_to("/nowhere/at/all")
    (folder / "circle").symlink_to(folder)
    (folder / "secret.txt").write_text("no")
    (folder / "secret.txt").chmod(0)
    (folder / "closed").mkdir(mode=0)
    (folder / os.fsdecode(b"not-utf8-\xff.txt")).write_text("x")
    (folder / "quote'and\"newline\n.txt").write_text("TODO: x")
    os.mkfifo(folder / "pipe")


def test_a_folder_with_an_awkward_name_will_do(home: Path, tmp_path: Path) -> None:
    """The name of the folder may be anything that the file system takes."""
    folder = tmp_path / ("tab\there, line\nthere " + "n" * 200)
    folder.mkdir()
    done = shown(home, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("fill", [empty, crowded, awkward])
def test_the_demo_holds_on_any_folder(home: Path, tmp_path: Path, fill: Callable[[Path], None]) -> None:
    """Empty, with 50,000 files, or full of what cannot be read: it holds, and the folder is left as it was."""
    folder = tmp_path / "folder"
    fill(folder)
    before = sorted(folder.iterdir())
    done = shown(home, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(folder.iterdir()) == before


def test_a_folder_that_is_not_there_is_said(home: Path, tmp_path: Path) -> None:
    """A wrong folder is one clear line, and nothing is made."""
    done = shown(home, str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (3, "")
    assert "is not a folder" in done.stderr
    assert not home.exists()
