"""Starting at login: one entry that says what it should, and nothing of it left when it is turned off."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baara_app import autostart, paths
from baara_engine import errors

Baara = Callable[..., subprocess.CompletedProcess[str]]
WORD = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)


@pytest.fixture(params=[autostart.Desktop, autostart.Agent])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> autostart.Keeper:
    made: autostart.Keeper = request.param(tmp_path / "new folder" / "entry")
    return made


def test_it_is_off_until_somebody_turns_it_on(keeper: autostart.Keeper, tmp_path: Path) -> None:
    """Nothing is there before, one entry while it is on, and nothing after; turning it off twice is fine."""
    home = tmp_path / "my home"
    assert autostart.entry(keeper).command is None
    on = autostart.turn_on(keeper, home)
    assert on.command == (sys.executable, "-m", "baara_app", "--home", str(home))
    assert autostart.turn_on(keeper, home) == autostart.entry(keeper) == on
    assert autostart.turn_off(keeper).command is None
    assert autostart.turn_off(keeper).command is None
    assert not Path(keeper.place).exists()
    assert not list(Path(keeper.place).parent.iterdir())


def test_the_usual_home_is_not_named(keeper: autostart.Keeper) -> None:
    """So that it still starts on the right one when that moves."""
    on = autostart.turn_on(keeper, paths.usual())
    assert on.command == (sys.executable, "-m", "baara_app")


@given(st.lists(WORD, min_size=1, max_size=5))
def test_whatever_a_path_holds_is_read_as_it_was_written(parts: list[str]) -> None:
    """Quotation marks, dollars, percent signs and backslashes come back as they were."""
    line = " ".join(map(autostart._quoted, parts))
    assert autostart._unquoted(line) == parts


def test_a_desktop_reads_what_was_meant(tmp_path: Path) -> None:
    """The quoting is that of the specification: a general one, then that of a shell's double quotes."""
    made = autostart.Desktop(tmp_path / "baara.desktop")
    made.write(["/opt/a b/python", "-m", "x", "--home", '/h/5% "of" $HOME `id`'])
    [line] = [line for line in made.path.read_text().splitlines() if line.startswith("Exec=")]
    as_string = line.removeprefix("Exec=").replace("\\\\", "\\")  # the general escape of a value of type string
    told = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {as_string.replace('%%', '%')}"], capture_output=True, check=True
    )
    assert told.stdout.decode().splitlines() == made.read()


def test_an_entry_that_was_switched_off_elsewhere_is_off(tmp_path: Path) -> None:
    """Desktops switch an entry off by a line in it."""
    made = autostart.Desktop(tmp_path / "baara.desktop")
    made.write(["x"])
    made.path.write_text(made.path.read_text() + "Hidden=true\n")
    assert made.read() is None


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    """With the place, so that a person can look there."""
    blocked = autostart.Desktop(tmp_path / "file" / "baara.desktop")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(errors.Unavailable, match=r"baara\.desktop cannot be written"):
        autostart.turn_on(blocked, tmp_path)
    damaged = autostart.Agent(tmp_path / "file")
    with pytest.raises(errors.Unavailable, match="cannot be read"):
        autostart.entry(damaged)


def test_the_command_line_turns_it_on_and_off(baara: Baara, tmp_path: Path) -> None:
    """It says what is so, and where that stands."""
    where = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert baara("login", "status", **where).stdout == "Baara does not start when you log in.\n"
    told = json.loads(baara("login", "on", "--json", **where).stdout)
    assert told["on"]
    assert Path(told["place"]) == tmp_path / "config" / "autostart" / "baara.desktop"
    assert "baara login off" in baara("login", "status", **where).stdout
    assert not json.loads(baara("login", "off", "--json", **where).stdout)["on"]
    assert not Path(told["place"]).exists()
