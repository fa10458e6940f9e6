from pathlib import Path

import pytest

from baara_app import paths


def test_the_home_is_the_chosen_one_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is chosen goes before BAARA_HOME, and that before the user's own data folder; empty means not said."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BAARA_HOME", "~/theirs")
    assert paths.home("ours") == tmp_path / "ours"
    assert paths.home() == paths.home("") == tmp_path / "theirs"
    monkeypatch.setenv("BAARA_HOME", "")
    assert paths.home() == tmp_path / "data" / "baara"
    assert list(tmp_path.iterdir()) == []
