"""The plugins that are installed for Claude, as its own files list them. Nothing of a plugin is run.

`plugins/installed_plugins.json` says where each was put (the second version of that file has a list for each, the first
a single entry), `settings.json` which are enabled. A plugin's manifest is `.claude-plugin/plugin.json`. Its skills lie
in `skills`, its commands in `commands`; the manifest may name others, and so may the plugin's entry in its marketplace
(`.claude-plugin/marketplace.json`), which alone counts for a plugin that is not strict.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from baara_engine import errors
from baara_engine.skills import Problem, reading

LIST = "plugins/installed_plugins.json"
MARKETPLACES = "plugins/known_marketplaces.json"
SETTINGS = ("settings.json", "settings.local.json")  # the later says more than the earlier
MANIFEST = ".claude-plugin/plugin.json"
MARKETPLACE = ".claude-plugin/marketplace.json"
FOR_EVERYTHING = frozenset({"user", "managed"})  #: scopes that are not of one project only
MAX_ENTRIES = 500  # of one folder or list


@dataclass(frozen=True, slots=True)
class Installed:
    """One plugin, with the places where its skills and commands lie."""

    name: str
    marketplace: str
    version: str
    description: str
    path: Path
    enabled: bool
    skills: tuple[Path, ...]  #: folders of skills
    commands: tuple[Path, ...]  #: files


def installed(claude: Path) -> tuple[list[Installed], list[Problem]]:
    """Give the installed plugins by name, and what could not be read."""
    problems: list[Problem] = []
    listed = _optional(claude, LIST, problems).get("plugins")
    enabled = _enabled(claude, problems)
    found: list[Installed] = []
    for full_name, entry in _listed(listed):
        try:
            found.append(_plugin(claude, full_name, entry, enabled.get(full_name) is True, problems))
        except errors.InvalidInput as error:
            problems.append(Problem(claude / LIST, f"plugin “{reading.line(full_name, 100)}”: {error.message}"))
    return sorted(found, key=lambda plugin: (plugin.name, plugin.marketplace)), problems


def entries(root: Path) -> tuple[list[Path], Problem | None]:
    """Give what lies in a folder, by name; nothing where there is no such folder."""
    found: list[Path] = []
    try:
        for number, path in enumerate(root.iterdir()):
            if number >= MAX_ENTRIES:
                return sorted(found), Problem(root, f"it holds more than {MAX_ENTRIES} entries; the rest is left out")
            found.append(path)
    except FileNotFoundError:
        return [], None
    except OSError as error:
        return [], Problem(root, f"it cannot be read: {error.strerror}")
    return sorted(found), None


def _listed(listed: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give name and entry of each plugin: of several entries, the one that holds for everything."""
    for full_name, value in list(listed.items())[:MAX_ENTRIES] if isinstance(listed, dict) else ():
        given = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
        given.sort(key=lambda one: one.get("scope", "user") not in FOR_EVERYTHING)
        if given:
            yield str(full_name), given[0]


def _plugin(claude: Path, full_name: str, entry: dict[str, Any], on: bool, problems: list[Problem]) -> Installed:  # noqa: FBT001
    short, _, marketplace = full_name.partition("@")
    name = reading.name(short, short)
    path = Path(str(entry.get("installPath", "")))
    if not path.is_absolute() or not reading.is_folder(path):
        raise errors.InvalidInput("its folder is not there")
    offer = _offer(claude, name, marketplace, problems)
    about = _optional(path, MANIFEST, problems)
    parts = offer if offer.get("strict") is False and not about else about
    extra = _strings(parts.get("skills"))
    return Installed(
        name, reading.line(marketplace, 100), reading.line(about.get("version") or entry.get("version"), 100),
        reading.line(about.get("description") or offer.get("description")), path,
        on and entry.get("scope", "user") in FOR_EVERYTHING,
        tuple(_skill_folders(path, extra)), tuple(_command_files(path, _strings(parts.get("commands")))),
    )  # fmt: skip


def _skill_folders(path: Path, named: list[str]) -> Iterator[Path]:
    """Give the folders of skills: those that are named, else those in `skills`, or the plugin itself."""
    if named:
        for one in named:
            folder = _inside(path, one)
            yield from [folder] if reading.is_there(folder / "SKILL.md") else _with_document(folder)
        return
    usual = list(_with_document(path / "skills"))
    yield from usual or ([path] if reading.is_there(path / "SKILL.md") else _with_document(path))


def _with_document(folder: Path) -> list[Path]:
    return [one for one in entries(folder)[0] if reading.is_there(one / "SKILL.md")]


def _command_files(path: Path, named: list[str]) -> Iterator[Path]:
    for place in [_inside(path, one) for one in named] or [path / "commands"]:
        if reading.is_there(place) and not reading.is_folder(place):
            yield place
        else:
            yield from (one for one in entries(place)[0] if one.suffix == ".md")


def _inside(path: Path, relative: str) -> Path:
    """Give a path in a plugin; links are looked at when it is read. Raises `errors.InvalidInput` for one outside."""
    pure = PurePosixPath(relative)
    if pure.is_absolute() or ".." in pure.parts or "\0" in relative:
        raise errors.InvalidInput("its manifest names a path outside its folder")
    return path / pure


def _offer(claude: Path, name: str, marketplace: str, problems: list[Problem]) -> dict[str, Any]:
    """Give what the marketplace says of a plugin; nothing where it is not known."""
    known = _optional(claude, MARKETPLACES, problems).get(marketplace)
    place = known.get("installLocation") if isinstance(known, dict) else None
    if not isinstance(place, str) or not Path(place).is_absolute():
        return {}
    offers = _optional(Path(place), MARKETPLACE, problems).get("plugins")
    found = [one for one in (offers if isinstance(offers, list) else ()) if isinstance(one, dict)]
    return next((one for one in found if one.get("name") == name), {})


def _enabled(claude: Path, problems: list[Problem]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for file in SETTINGS:
        value = _optional(claude, file, problems).get("enabledPlugins")
        said |= value if isinstance(value, dict) else {}
    return said


def _optional(root: Path, path: str, problems: list[Problem]) -> dict[str, Any]:
    """Read a JSON object, if there is one; what cannot be read is a problem."""
    if not reading.is_there(root / path):
        return {}
    try:
        return reading.manifest(root, path)
    except errors.InvalidInput as error:
        problem = Problem(root / path, error.message)
        if problem not in problems:
            problems.append(problem)
        return {}


def _strings(value: object) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return [one for one in given if isinstance(one, str)][:MAX_ENTRIES]
