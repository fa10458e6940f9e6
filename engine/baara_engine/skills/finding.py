"""Finding skills: in the home, in Claude's folder, in its plugins, and in a folder that the person trusts."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from baara_engine import errors
from baara_engine.skills import Catalogue, Kind, Plugin, Problem, Skill, plugins, reading

FOLDER = "skills"  #: of the home, of Claude's folder, and of a plugin
COMMANDS = "commands"
DOCUMENT = "SKILL.md"
MAX_ENTRIES = 500  # of one folder: what has more is no folder of skills


def catalogue(home: Path, claude: Path | None, trusted: Path | None) -> Catalogue:
    """Find all skills. `claude` is Claude's own folder, `trusted` a workspace whose skills may be used."""
    found = _Found()
    found.folders(home / FOLDER, "yours")
    if claude is not None:
        found.folders(claude / FOLDER, "Claude's folder")
        found.commands(claude / COMMANDS, "Claude's folder")
    if trusted is not None:
        found.folders(trusted / ".claude" / FOLDER, "this workspace", within=trusted)
        found.commands(trusted / ".claude" / COMMANDS, "this workspace", within=trusted)
    if claude is not None:
        installed, problems = plugins.installed(claude)
        found.problems += problems
        found.installed += [found.of_plugin(plugin) for plugin in installed]
    by_name = dict(sorted(found.skills.items()))
    return Catalogue(tuple(by_name.values()), tuple(found.installed), tuple(found.problems))


@dataclass(slots=True)
class _Found:
    skills: dict[str, Skill] = field(default_factory=dict)
    installed: list[Plugin] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def folders(self, root: Path, source: str, *, within: Path | None = None) -> None:
        """Take the skills whose folders lie in this one."""
        for folder in self._entries(root):
            if reading.is_folder(folder) and reading.is_there(folder / DOCUMENT):
                self.folder(folder, source, within=within)

    def folder(
        self, folder: Path, source: str, *, within: Path | None = None, plugin: plugins.Installed | None = None
    ) -> None:
        """Take the skill of one folder; `within` is a folder that it must really lie in."""
        try:
            _require_within(folder, within)
            document = reading.document(folder, DOCUMENT)
            name = reading.name(document.head.get("name"), folder.name)
            description = reading.line(document.head.get("description")) or reading.line(document.body)
            _require_text(document)
            self._take(Skill(
                _called(name, plugin), Kind.SKILL, description, source, folder, DOCUMENT,
                plugin.path if plugin else None, _hint(document),
                document.head.get("disable-model-invocation") is not True,
            ))  # fmt: skip
        except errors.InvalidInput as error:
            self.problems.append(Problem(folder / DOCUMENT, error.message))

    def commands(
        self, root: Path, source: str, *, within: Path | None = None, plugin: plugins.Installed | None = None
    ) -> None:
        """Take the commands that lie in this folder."""
        for file in self._entries(root):
            if file.suffix == ".md" and not reading.is_folder(file):
                self.command(file, source, within=within, plugin=plugin)

    def command(
        self, file: Path, source: str, *, within: Path | None = None, plugin: plugins.Installed | None = None
    ) -> None:
        """Take one command."""
        try:
            _require_within(file, within)
            document = reading.document(file.parent, file.name)
            name = reading.name(None, file.stem)
            _require_text(document)
            description = reading.line(document.head.get("description")) or reading.line(document.body, 100)
            self._take(Skill(
                _called(name, plugin), Kind.COMMAND, description, source, file.parent, file.name,
                plugin.path if plugin else None, _hint(document), offered=False,
            ))  # fmt: skip
        except errors.InvalidInput as error:
            self.problems.append(Problem(file, error.message))

    def of_plugin(self, plugin: plugins.Installed) -> Plugin:
        """Take what a plugin has, if it is enabled."""
        before = set(self.skills)
        if plugin.enabled:
            source = f"plugin {plugin.name}"
            for folder in plugin.skills:
                self.folder(folder, source, within=plugin.path, plugin=plugin)
            for file in plugin.commands:
                self.command(file, source, within=plugin.path, plugin=plugin)
        new = tuple(sorted(set(self.skills) - before))
        return Plugin(
            plugin.name, plugin.marketplace, plugin.version, plugin.description, plugin.path, plugin.enabled, new
        )

    def _take(self, skill: Skill) -> None:
        self.skills.setdefault(skill.name, skill)

    def _entries(self, root: Path) -> Iterator[Path]:
        entries, problem = plugins.entries(root)
        if problem is not None:
            self.problems.append(problem)
        yield from entries


def _require_text(document: reading.Document) -> None:
    if not document.body:
        raise errors.InvalidInput("it has no instructions")


def _hint(document: reading.Document) -> str:
    """Give what arguments are expected. Authors write [file], which is a list to YAML."""
    hint = document.head.get("argument-hint")
    return reading.line(f"[{', '.join(map(str, hint))}]" if isinstance(hint, list) else hint, 200)


def _called(name: str, plugin: plugins.Installed | None) -> str:
    return name if plugin is None else f"{plugin.name}:{name}"


def _require_within(path: Path, root: Path | None) -> None:
    """Raise `errors.InvalidInput` if links lead from a folder that others have made to somewhere else."""
    if root is None:
        return
    try:
        real, allowed = path.resolve(strict=True), root.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise errors.InvalidInput("it is a link that leads nowhere") from error
    if os.path.commonpath([real, allowed]) != str(allowed):
        raise errors.InvalidInput("it is a link that leads out of its folder")
