import stat
from pathlib import Path

import pytest

from baara_engine import errors, homes
from baara_engine.engine import Engine

MOUNTS = r"""
/dev/sda1 / ext4 rw,relatime 0 0
server:/export /mnt/nfs nfs4 rw 0 0
//server/share /mnt/smb cifs rw 0 0
host /mnt/host 9p rw 0 0
me@server: /mnt/with\040space fuse.sshfs rw 0 0
AFS /afs afs rw 0 0
/dev/sdb1 /mnt/nfs/local ext4 rw 0 0
/dev/sdc1 /mnt/stick fuseblk rw 0 0
/dev/sdd1 /mnt/twice ext4 rw 0 0
server:/over /mnt/twice nfs rw 0 0
server:/below /mnt/covered nfs rw 0 0
/dev/sde1 /mnt/covered xfs rw 0 0
half a line
"""

PLACES = [
    ("/home/me/.local/share/baara", None),
    ("/mnt/nfs/baara", "network file system (nfs4)"),
    ("/mnt/smb/baara", "network file system (cifs)"),
    ("/mnt/host", "network file system (9p)"),
    ("/mnt/with space/baara", "network file system (fuse.sshfs)"),
    ("/afs/cell/me", "network file system (afs)"),
    ("/mnt/nfs/local/baara", None),
    ("/mnt/nfs-of-old/baara", None),
    ("/mnt/stick/baara", None),
    ("/mnt/twice/baara", "network file system (nfs)"),
    ("/mnt/covered/baara", None),
    ("/home/me/Dropbox/baara", "(Dropbox)"),
    ("/home/me/Dropbox (Personal)/x", "(Dropbox (Personal))"),
    ("/Users/me/OneDrive - Contoso/x", "(OneDrive - Contoso)"),
    ("/home/me/onedrive", "(onedrive)"),
    ("/home/me/Google Drive/My Drive/x", "(Google Drive)"),
    ("/home/me/GoogleDrive/x", "(GoogleDrive)"),
    ("/Users/me/Library/Mobile Documents/x", "(iCloud)"),
    ("/Users/me/iCloud Drive/x", "(iCloud Drive)"),
    ("/Users/me/Library/CloudStorage/Box-Box/x", "(a cloud service)"),
    ("/home/me/dropbox-exporter/baara", None),
    ("/home/me/my Dropbox notes/baara", None),
]


@pytest.mark.parametrize(("place", "reason"), PLACES)
def test_places_that_are_not_fit_are_known(place: str, reason: str | None) -> None:
    """The type of the nearest file system and the names of the folders decide, and the reason names which."""
    found = homes.problem(Path(place), MOUNTS)
    assert (found is None) if reason is None else (found is not None and reason in found)


def test_without_a_list_of_mounts_only_names_count() -> None:
    """Where the system has no such list, synced folders are still refused."""
    assert homes.problem(Path("/Users/me/data"), "") is None
    assert homes.problem(Path("/Users/me/Dropbox/data"), "") is not None


def test_a_synced_home_is_refused_and_not_even_made(tmp_path: Path) -> None:
    """The engine names the reason, another place, and the way to insist."""
    with pytest.raises(errors.Refused, match=r"Dropbox.*BAARA_HOME.*BAARA_ALLOW_SHARED_HOME=1"):
        Engine(tmp_path / "Dropbox" / "baara")
    assert list(tmp_path.iterdir()) == []


def test_a_link_into_a_synced_folder_is_seen_through(tmp_path: Path) -> None:
    """What counts is where the folder really is."""
    (tmp_path / "OneDrive" / "baara").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "OneDrive" / "baara")
    with pytest.raises(errors.Refused, match="OneDrive"):
        Engine(tmp_path / "home")


def test_whoever_insists_may_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable set to 1, and to nothing else, the home is used."""
    home = tmp_path / "iCloud Drive" / "baara"
    monkeypatch.setenv(homes.VARIABLE, "yes")
    with pytest.raises(errors.Refused):
        Engine(home)
    monkeypatch.setenv(homes.VARIABLE, "1")
    Engine(home).close()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
