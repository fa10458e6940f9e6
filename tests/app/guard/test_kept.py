"""Sessions that outlive a crash, for a day at most."""

import json
import time
from pathlib import Path

import pytest

from baara_app.guard import kept

PORT = 4246
FIRST, SECOND = b"1" * 32, b"2" * 32


def written(home: Path, sessions: object, port: int = PORT) -> None:
    (home / kept.FILE).write_text(json.dumps({"port": port, "sessions": sessions}))


def test_a_session_outlives_the_process_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from when it was made, however often others come."""
    now = time.time()
    keeper = kept.Kept(tmp_path, PORT)
    keeper.save([FIRST])
    for hours, sessions in ((23, [FIRST, SECOND]), (25, [SECOND])):
        monkeypatch.setattr(time, "time", lambda at=now + hours * 3600: at)
        after = kept.Kept(tmp_path, PORT)
        known = after.load()
        assert known == [one for one in sessions if one == FIRST or hours > 24]
        after.save({*known, SECOND})


def test_only_hashes_are_written(tmp_path: Path) -> None:
    """For this user alone."""
    kept.Kept(tmp_path, PORT).save([FIRST])
    path = tmp_path / kept.FILE
    assert (path.stat().st_mode & 0o777, FIRST.hex() in path.read_text()) == (0o600, True)


def test_a_cookie_belongs_to_one_port(tmp_path: Path) -> None:
    """On another port nobody has been let in yet."""
    kept.Kept(tmp_path, PORT).save([FIRST])
    assert kept.Kept(tmp_path, PORT + 1).load() == []


@pytest.mark.parametrize(
    "sessions",
    [None, [], {"zz": 1}, {FIRST.hex(): "x"}, {FIRST.hex(): None}, {FIRST.hex(): 1e400}, {FIRST.hex(): 10**400}],
)
def test_what_is_damaged_lets_nobody_in(tmp_path: Path, sessions: object) -> None:
    """A file that is not as it was written, or of the future, is as good as none."""
    written(tmp_path, sessions)
    assert kept.Kept(tmp_path, PORT).load() == []
    written(tmp_path, {FIRST.hex(): time.time() + 3600})
    assert kept.Kept(tmp_path, PORT).load() == []
