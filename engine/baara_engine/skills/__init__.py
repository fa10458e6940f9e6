"""Skills: instructions with files that a person keeps for certain jobs, and where they are found.

A skill is a folder with a `SKILL.md`; a command is a single Markdown file. They come from the home's `skills`, from
Claude's folder (`skills`, `commands`, and the plugins that are enabled there), and from the `.claude` folder of a
workspace that the person has said to trust. Finding them reads files and runs nothing; what does not do is told as a
problem and left out. A skill is material for an agent: it changes nothing about what its execution may do.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What a skill consists of."""

    SKILL = "skill"  #: A folder: instructions in `SKILL.md`, and the files that they speak of.
    COMMAND = "command"  #: A prompt with a place for arguments.


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill as it was found. Its instructions are read when it is used."""

    name: str  #: how it is called; those of a plugin begin with the plugin's name and a colon
    kind: Kind
    description: str  #: what it does and when it is of use, in one line
    source: str  #: where it is from, in words
    root: Path  #: the folder that its files must lie in
    file: str  #: path of the instructions in `root`
    plugin_root: Path | None = None  #: the folder of its plugin
    hint: str = ""  #: what arguments it expects, in its author's words
    offered: bool = True  #: false where only a person may call for it


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was found and left out."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin that is installed for Claude."""

    name: str
    marketplace: str
    version: str
    description: str
    path: Path
    enabled: bool  #: as Claude's settings have it; only then are its skills found
    skills: tuple[str, ...] = ()  #: names of its skills and commands


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that was found."""

    skills: tuple[Skill, ...]  #: by name; of two of one name the one that is nearer to the person
    plugins: tuple[Plugin, ...] = ()
    problems: tuple[Problem, ...] = ()
