"""Using a skill: its instructions for the agent, its files in the workspace, and the prompt that calls for it.

The files are copied into the workspace, where the sandbox can run them and the file tools can read them; the person's
own copies are out of reach. Copying them again changes nothing, so a call that a crash has hidden is simply repeated.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from baara_engine import errors
from baara_engine.sandboxes import files
from baara_engine.sandboxes.hands import confined
from baara_engine.sandboxes.workspace import Workspace
from baara_engine.skills import Catalogue, Kind, Skill, reading

PLACE = ".baara/skills"  #: folder of the workspace that skills are copied to
MAX_FILES = 500
MAX_FILE = 32 * 1024 * 1024  # bytes
MAX_ALL = 64 * 1024 * 1024  # bytes of all files of a skill
MAX_LISTED = 50  # files that are named to the agent
MAX_OFFERED = 100  # skills that are described to the agent: each costs tokens in every request
SKILL_DIR = "${CLAUDE_SKILL_DIR}"
PLUGIN_ROOT = "${CLAUDE_PLUGIN_ROOT}"
PLACEHOLDER = re.compile(r"\$(ARGUMENTS|[1-9])(?![A-Za-z0-9_])")

OFFER = (
    "Skills are instructions that this person keeps for certain jobs. If the description of one fits what you are "
    "about to do, load it with the tool `skill` before you begin. There are:"
)


def find(catalogue: Catalogue, name: str) -> Skill:
    """Give the skill of this name. Raises `errors.NotFound`, naming those that exist."""
    wanted = name.strip().removeprefix("/")
    for skill in catalogue.skills:
        if skill.name == wanted:
            return skill
    known = ", ".join(skill.name for skill in catalogue.skills[:MAX_LISTED]) or "none"
    raise errors.NotFound(f"There is no skill “{reading.line(name, 100)}”. There are: {known}.")


def offer(catalogue: Catalogue) -> str:
    """Describe to an agent the skills that it may load, for its system prompt; empty where there are none."""
    offered = [skill for skill in catalogue.skills if skill.offered][:MAX_OFFERED]
    lines = [f"- {skill.name}: {skill.description}" for skill in offered]
    return "\n".join([OFFER, "", *lines]) if lines else ""


def load(skill: Skill, workspace: Path) -> str:
    """Put a skill's files into a workspace, and give its instructions with where they lie.

    Raises `errors.InvalidInput` for a skill that cannot be read any more or is too large, `errors.SandboxFailure`.
    """
    body = instructions(skill)
    if skill.kind is Kind.COMMAND:
        return body
    place = f"{PLACE}/{_folder(skill.name)}"
    copied = _copy(skill.root, workspace, place)
    if PLUGIN_ROOT in body and skill.plugin_root is not None:
        plugin = f"{PLACE}/{_folder(skill.name.partition(':')[0])}.plugin"
        _copy(skill.plugin_root, workspace, plugin)
        body = body.replace(PLUGIN_ROOT, plugin)
    return f"{_where(skill, place, copied)}\n\n{body.replace(SKILL_DIR, place)}"


def instructions(skill: Skill) -> str:
    """Read what a skill says, without its head. Raises `errors.InvalidInput`."""
    try:
        return reading.document(skill.root, skill.file).body
    except errors.InvalidInput as error:
        raise errors.InvalidInput(f"The skill “{skill.name}” cannot be used: {error.message}.") from error


def prompt(skill: Skill, arguments: str) -> str:
    """Give the prompt of an execution that uses a skill. The arguments stay text, whatever they hold."""
    if skill.kind is Kind.SKILL:
        told = f"Load the skill “{skill.name}” with the tool `skill`, and do what it says."
        return f"{told}\n\nWhat it is wanted for: {arguments}" if arguments.strip() else told
    body = instructions(skill)
    words = arguments.split()
    if PLACEHOLDER.search(body) is None:
        return f"{body}\n\n{arguments}".strip()
    return PLACEHOLDER.sub(lambda found: _argument(found[1], words, arguments), body)


def _argument(which: str, words: Sequence[str], arguments: str) -> str:
    if which == "ARGUMENTS":
        return arguments
    number = int(which)
    return words[number - 1] if number <= len(words) else ""


def _where(skill: Skill, place: str, copied: Sequence[str]) -> str:
    more = f" and {len(copied) - MAX_LISTED} more" if len(copied) > MAX_LISTED else ""
    names = ", ".join(copied[:MAX_LISTED])
    return (
        f"Skill “{skill.name}”. Its folder is {place} in the workspace, and its paths are relative to that folder. "
        f"It holds: {names}{more}."
    )


def _folder(name: str) -> str:
    """Give a name as a folder: a plugin's colon is no part of paths everywhere."""
    return name.replace(":", ".")


def _copy(root: Path, workspace: Path, place: str) -> list[str]:
    """Copy the regular files of a folder, and give their paths in it. Links that lead out of it are left out."""
    target = Workspace(workspace)
    copied: list[str] = []
    size = 0
    try:
        files.put(target, f"{PLACE}/.gitignore", b"*\n", executable=False)  # nobody's repository should take them in
        for path in _files(root):
            data, executable = _read(root, path)
            if data is None:
                continue
            size += len(data)
            if size > MAX_ALL or len(copied) >= MAX_FILES:
                raise errors.InvalidInput(
                    f"This skill has more than {MAX_FILES} files or {MAX_ALL // 2**20} MiB, which is too much to copy."
                )
            _put(target, f"{place}/{path}", data, executable=executable)
            copied.append(path)
    finally:
        target.close()
    return copied


def _put(target: Workspace, path: str, data: bytes, *, executable: bool) -> None:
    """Write a file, unless it is there as it should be already."""
    if files.digest(target, path) != hashlib.sha256(data).hexdigest():
        files.put(target, path, data, executable=executable)


def _files(root: Path) -> Iterator[str]:
    """Give the paths of the files of a folder, sorted; links to folders are not followed, so nothing is a circle."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(one for one in folders if one != ".git")
        for name in sorted(names):
            yield os.path.relpath(Path(folder, name), root)


def _read(root: Path, path: str) -> tuple[bytes | None, bool]:
    """Read one file and say whether it may be run; None for what is no regular file within the folder."""
    try:
        folder = os.open(root, confined.FOLDER | os.O_CLOEXEC)
    except OSError as error:
        raise errors.InvalidInput(f"The folder {root} cannot be read: {error.strerror}.") from error
    try:
        opened = confined.open_beneath(folder, path, confined.FILE)
    except OSError:
        return None, False
    finally:
        os.close(folder)
    with os.fdopen(opened, "rb") as file:
        about = os.fstat(opened)
        if not stat.S_ISREG(about.st_mode):
            return None, False
        if about.st_size > MAX_FILE:
            raise errors.InvalidInput(f"“{path}” of this skill is larger than {MAX_FILE // 2**20} MiB.")
        return file.read(MAX_FILE + 1), bool(about.st_mode & stat.S_IXUSR)
