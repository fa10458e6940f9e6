import logging
import os
from pathlib import Path

import pytest

from baara_engine import ballast, errors
from baara_engine.ballast import FULL, MIB, ROOM, SIZE, Ballast


class Disk:
    """A disk whose free room is set."""

    def __init__(self, free: int) -> None:
        self.free = free

    def __call__(self, _folder: Path) -> int:
        return self.free


@pytest.fixture
def disk() -> Disk:
    """Give a disk with room enough."""
    return Disk(ROOM + SIZE + 1)


def test_it_takes_up_real_room(tmp_path: Path, disk: Disk) -> None:
    """The file has its size in blocks, so that deleting it gives that much back, and nobody else may read it."""
    Ballast(tmp_path, disk).look()
    found = (tmp_path / "ballast").stat()
    assert (found.st_size, found.st_mode & 0o777) == (16 * MIB, 0o600)
    assert found.st_blocks * 512 >= 16 * MIB
    assert [path.name for path in tmp_path.iterdir()] == ["ballast"]


def test_it_is_made_by_writing_where_the_system_cannot_reserve(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without that call of the system, the same room is taken up by bytes."""
    monkeypatch.delattr(os, "posix_fallocate")
    Ballast(tmp_path, disk).look()
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= 16 * MIB


def test_it_must_not_be_what_fills_the_disk(tmp_path: Path) -> None:
    """Where less than 200 MiB would be left, there is none."""
    Ballast(tmp_path, Disk(ROOM + SIZE)).look()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.expects_log("gave back the 16 MiB")
def test_it_is_given_back_when_the_disk_is_full_and_made_again_later(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """Below 8 MiB it goes, with one line; it stays away until there is room, and then it is back."""
    caplog.set_level(logging.INFO, "baara_engine")
    file, kept = tmp_path / "ballast", Ballast(tmp_path, disk)
    there = []
    for free in (disk.free, FULL, FULL - 1, FULL + SIZE, ROOM + SIZE, ROOM + SIZE + 1, ROOM + SIZE + 1):
        disk.free = free
        kept.look()
        there.append(file.exists())
    assert there == [True, True, False, False, False, True, True]
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO"]


@pytest.mark.expects_log("gave back the 16 MiB")
def test_a_write_that_found_the_disk_full_gives_it_back(tmp_path: Path, disk: Disk) -> None:
    """An error that says so is enough; any other trouble is not."""
    kept = Ballast(tmp_path, disk)
    kept.look()
    kept.on_trouble(errors.StoreError("an I/O error"))
    assert kept.is_there()
    kept.on_trouble(errors.DiskFull())
    kept.on_trouble(errors.DiskFull())
    assert not kept.is_there()


def test_the_free_room_is_that_of_the_disk(tmp_path: Path) -> None:
    """It is what a program without special rights may still use."""
    found = os.statvfs(tmp_path)
    assert ballast.free_bytes(tmp_path) == pytest.approx(found.f_bavail * found.f_frsize, rel=0.05)
