"""Skills and plugins: what the person keeps for certain jobs."""

import os
from pathlib import Path
from typing import Any

from baara_engine import errors, operations, projects, requests
from baara_engine.engine_parts.settings import Setting
from baara_engine.records import Execution
from baara_engine.skills import Catalogue, Skill, finding, reading, using
from baara_engine.store import trust
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

MAX_ARGUMENTS = 100_000  # characters: longer texts belong into files


class Skills(Setting, operations.Place):
    """The operations on skills and plugins. Finding them runs nothing."""

    home: Path
    store: Store

    def skills(self, workspace: Path | None = None) -> Catalogue:
        """Find all skills and plugins, with those of a workspace if its folder is trusted."""
        trusted = self.store.read(trust.listing)
        real = None if workspace is None else _real(workspace)
        return finding.catalogue(self.home, self.config.claude, real if str(real) in trusted else None)

    def skill(self, name: str, workspace: Path | None = None) -> tuple[Skill, str]:
        """Give a skill and its instructions. Raises `errors.NotFound` or `errors.InvalidInput`."""
        found = using.find(self.skills(workspace), name)
        return found, using.instructions(found)

    def run_skill(self, name: str, arguments: str, said: dict[str, Any]) -> Execution:
        """Submit an execution that uses a skill; `said` are fields of `requests.Submission`.

        Raises `errors.NotFound`, or `errors.InvalidInput` for what does not fit.
        """
        if len(arguments) > MAX_ARGUMENTS:
            raise errors.InvalidInput(
                f"The arguments have more than {MAX_ARGUMENTS:,} characters; use a file for them."
            )
        workspace = said.get("workspace")
        skill = using.find(self.skills(None if workspace is None else Path(workspace)), name)
        values = {"prompt": using.prompt(skill, arguments), "name": reading.line(f"/{skill.name} {arguments}", 200)}
        submission = requests.parse(requests.Submission, values | said)

        def work(tx: Tx) -> Execution:
            return operations.submit(tx, self, projects.placed(tx, submission))

        return self.store.write(work)

    def trusted_folders(self) -> list[str]:
        """Give the folders whose own skills may be used."""
        return self.store.read(trust.listing)

    def trust_folder(self, folder: Path, *, trusted: bool = True) -> str:
        """Say that the skills in a folder's `.claude` may be used, or not any more. Gives the folder's real path.

        Raises `errors.InvalidInput` for what is no folder, `errors.NotFound` for one that was not trusted.
        """
        real = _real(folder.expanduser())
        if not trusted:
            if not self.store.write(lambda tx: trust.remove(tx, str(real))):
                raise errors.NotFound(f"The folder {real} is not trusted.")
        elif not real.is_dir():
            raise errors.InvalidInput(f"{real} is no folder that exists.")
        else:
            self.store.write(lambda tx: trust.add(tx, str(real)))
        return str(real)


def _real(folder: Path) -> Path:
    """Give where a folder really lies, links followed; unlike Path.resolve also where they go round in circles."""
    return Path(os.path.realpath(folder))
