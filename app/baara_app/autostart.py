"""Starting Baara when its person logs in: only if they ask for it, one entry, and gone when they say so.

Where each system keeps such entries: the XDG autostart specification, `launchd.plist(5)`, and the registry's key `Run`
of Windows. The last two are written by their documentation and have not been run.
"""

import importlib
import os
import plistlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from baara_app import paths
from baara_engine import errors

NAME = "baara"
LABEL = "org.baara.desktop"
RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"

RESERVED = '"`$\\'  # must be escaped within quotes in the field Exec (Desktop Entry Specification)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is started, and where that is written."""

    place: str  #: a file, or a value of the registry
    command: tuple[str, ...] | None  #: None if there is no such entry


class Keeper(Protocol):
    """Where one system keeps its entries. All of it raises OSError."""

    place: str

    def write(self, command: list[str]) -> None:
        """Put the entry there, in the place of an earlier one."""
        ...

    def read(self) -> list[str] | None:
        """Give the command of the entry, None if there is none."""
        ...

    def remove(self) -> None:
        """Take it away, if it is there."""
        ...


def entry(keeper: Keeper) -> Entry:
    """Say whether Baara is started at login. Raises `errors.Unavailable` if that cannot be read."""
    try:
        command = keeper.read()
    except (OSError, ValueError) as error:
        raise errors.Unavailable(f"{keeper.place} cannot be read: {error}.") from error
    return Entry(keeper.place, None if command is None else tuple(command))


def turn_on(keeper: Keeper, home: Path) -> Entry:
    """Start Baara at login from now on, and see that it is so. Raises `errors.Unavailable`."""
    command = command_of(home)
    try:
        keeper.write(command)
    except OSError as error:
        raise errors.Unavailable(f"{keeper.place} cannot be written: {error}.") from error
    made = entry(keeper)
    if made.command != tuple(command):
        raise errors.Unavailable(
            f"{keeper.place} was written and does not say what it should. It is not to be relied on."
        )
    return made


def turn_off(keeper: Keeper) -> Entry:
    """Start it no more, and see that it is so. Raises `errors.Unavailable`."""
    try:
        keeper.remove()
    except OSError as error:
        raise errors.Unavailable(f"{keeper.place} cannot be removed: {error}. Remove it yourself.") from error
    left = entry(keeper)
    if left.command is not None:
        raise errors.Unavailable(f"{keeper.place} is still there after it was removed. Remove it yourself.")
    return left


def keeper_here() -> Keeper:
    """Give where this system keeps such entries."""
    if sys.platform == "darwin":
        return Agent(Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist")
    if sys.platform == "win32":
        return Registry()
    return Desktop(autostart_folder(os.environ) / f"{NAME}.desktop")


def autostart_folder(environment: Mapping[str, str]) -> Path:
    """Give the folder of XDG entries; a relative one in the environment is no folder, as the specification says."""
    named = Path(environment.get("XDG_CONFIG_HOME") or "")
    return (named if named.is_absolute() else Path.home() / ".config") / "autostart"


def command_of(home: Path) -> list[str]:
    """Give the command that opens Baara on this home, the same program that runs now."""
    usual = home == paths.usual()
    return [sys.executable, "-m", "baara_app", *([] if usual else ["--home", str(home)])]


class Desktop:
    """A file that Linux desktops read at login."""

    def __init__(self, path: Path) -> None:
        """Take where it is to be."""
        self.path = path
        self.place = str(path)

    def write(self, command: list[str]) -> None:
        """Put it there, whole or not at all."""
        lines = [
            "[Desktop Entry]", "Type=Application", "Version=1.5", "Name=Baara",
            "Comment=Work that survives your absence",
            f"Exec={' '.join(map(_quoted, command))}", "Terminal=false", "X-GNOME-Autostart-enabled=true", "",
        ]  # fmt: skip
        _put(self.path, "\n".join(lines).encode())

    def read(self) -> list[str] | None:
        """Give what stands behind Exec, unless the entry is switched off. Raises ValueError."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return None
        said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        is_off = said.get("Hidden") == "true" or said.get("X-GNOME-Autostart-enabled") == "false"
        return None if is_off or "Exec" not in said else _unquoted(said["Exec"])

    def remove(self) -> None:
        """Delete it."""
        self.path.unlink(missing_ok=True)


class Agent:
    """A launch agent of macOS, read at login."""

    def __init__(self, path: Path) -> None:
        """Take where it is to be."""
        self.path = path
        self.place = str(path)

    def write(self, command: list[str]) -> None:
        """Put it there, whole or not at all."""
        said = {"Label": LABEL, "ProgramArguments": command, "RunAtLoad": True, "ProcessType": "Interactive"}
        _put(self.path, plistlib.dumps(said))

    def read(self) -> list[str] | None:
        """Give its arguments. Raises ValueError for a file that is no property list."""
        try:
            said: Any = plistlib.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (plistlib.InvalidFileException, AttributeError, TypeError) as error:
            raise ValueError(f"it is no property list ({error})") from error
        return [str(part) for part in said.get("ProgramArguments", [])] if isinstance(said, dict) else None

    def remove(self) -> None:
        """Delete it."""
        self.path.unlink(missing_ok=True)


class Registry:
    """A value below the key `Run` of this user."""

    place = rf"HKEY_CURRENT_USER\{RUN_KEY}\{NAME}"

    def __init__(self) -> None:
        """Use the registry of Windows."""
        self._winreg: Any = importlib.import_module("winreg")

    def write(self, command: list[str]) -> None:
        """Put it there."""
        with self._key(self._winreg.KEY_SET_VALUE) as key:
            self._winreg.SetValueEx(key, NAME, 0, self._winreg.REG_SZ, _windows_line(command))

    def read(self) -> list[str] | None:
        """Give its command line, as one string."""
        try:
            with self._key(self._winreg.KEY_QUERY_VALUE) as key:
                line = str(self._winreg.QueryValueEx(key, NAME)[0])
        except FileNotFoundError:
            return None
        return [part for part in line.strip('"').split('" "') if part]

    def remove(self) -> None:
        """Delete it."""
        try:
            with self._key(self._winreg.KEY_SET_VALUE) as key:
                self._winreg.DeleteValue(key, NAME)
        except FileNotFoundError:
            return

    def _key(self, access: int) -> Any:
        return self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, RUN_KEY, 0, access)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def _windows_line(command: list[str]) -> str:
    """Quote each part: paths of Windows hold no quotation marks."""
    return " ".join(f'"{part}"' for part in command)


def _quoted(part: str) -> str:
    """Write an argument for the field Exec: quoted, with what is reserved escaped, and `%` doubled."""
    escaped = "".join(f"\\{char}" if char in RESERVED else char for char in part).replace("%", "%%")
    # The value of a key is a string, in which a backslash stands for itself only when there are two.
    return '"' + escaped.replace("\\", "\\\\") + '"'


def _unquoted(value: str) -> list[str]:
    """Read the arguments of the field Exec. Raises ValueError if they are not written as we write them."""
    text = value.replace("\\\\", "\\").replace("%%", "%")
    parts: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != '"':
            raise ValueError("its Exec is not written as Baara writes it")
        part, at = "", at + 1
        while at < len(text) and text[at] != '"':
            at += text[at] == "\\"
            part, at = part + text[at : at + 1], at + 1
        parts.append(part)
        at += 2  # the closing quotation mark and the space
    return parts
