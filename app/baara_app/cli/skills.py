"""`baara skills` and `baara plugins`: what the person keeps for certain jobs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from baara_app import documents
from baara_app.cli import common, options, output, queueing
from baara_app.cli.common import Shell
from baara_app.cli.options import How
from baara_engine.skills import Problem

app = typer.Typer(help="Skills: instructions with files, for certain jobs.")
plugins = typer.Typer(help="The plugins that are installed for Claude.")

Named = Annotated[str, typer.Argument(metavar="SKILL", help="As it is listed; that of a plugin is PLUGIN:SKILL.")]
Workspace = Annotated[
    Path | None, typer.Option(metavar="DIR", help="With the skills of this folder, if it is trusted.")
]


@app.command("list")
@common.command
def list_(shell: Shell, workspace: Workspace = None) -> None:
    """List all skills, and what was found and cannot be used."""
    with shell.engine() as engine:
        found = engine.skills(workspace)
    if shell.json:
        output.document([documents.skill(one) for one in found.skills])
    else:
        output.table(
            ("NAME", "FROM", "WHAT IT DOES"), [(one.name, one.source, one.description) for one in found.skills]
        )
    _tell(found.problems)


@app.command("show")
@common.command
def show(shell: Shell, skill: Named, workspace: Workspace = None) -> None:
    """Show one skill with its instructions."""
    with shell.engine() as engine:
        found, instructions = engine.skill(skill, workspace)
    if shell.json:
        output.document(documents.skill(found) | {"instructions": instructions})
        return
    output.fields(
        [
            ("Skill", found.name),
            ("Kind", found.kind),
            ("From", found.source),
            ("Folder", str(found.root)),
            ("Description", found.description),
            ("Arguments", found.hint or None),
            ("Instructions", instructions),
        ]
    )


@app.command("run")
@common.command
def run(
    shell: Shell,
    skill: Named,
    arguments: Annotated[
        str, typer.Argument(metavar="[ARGUMENTS]", help="What it is wanted for; `-` reads standard input.")
    ] = "",
    *,
    how: How,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
) -> int | None:
    """Queue an execution that uses a skill."""
    said = how.values() | {"source": options.SOURCE}
    with shell.engine() as engine, options.as_typed():
        execution = engine.run_skill(skill, options.text(arguments), said)
        return queueing.show(shell, engine, execution, wait=wait)


@app.command("trust")
@common.command
def trust(
    shell: Shell,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The folder; without one, the trusted ones are listed.")
    ] = None,
    *,
    no_longer: Annotated[bool, typer.Option("--no-longer", help="Trust it no longer.")] = False,
) -> None:
    """Let work in a folder use the skills and commands that lie in its .claude."""
    with shell.engine() as engine:
        path = None if folder is None else engine.trust_folder(folder, trusted=not no_longer)
        folders = engine.trusted_folders()
    if shell.json:
        output.document(folders)
    elif path is None:
        output.text("\n".join(folders) or "No folder is trusted.")
    elif no_longer:
        output.text(f"{path} is not trusted any more.")
    else:
        output.text(f"Work in {path} may use the skills that lie in its .claude, also those that come there later.")


@plugins.command("list")
@common.command
def plugins_list(shell: Shell) -> None:
    """List the plugins that are installed for Claude, and what they have for Baara."""
    with shell.engine() as engine:
        found = engine.skills()
    if shell.json:
        output.document([documents.plugin(one) for one in found.plugins])
    else:
        rows = [(one.name, one.version, one.marketplace, "on" if one.enabled else "off", ", ".join(one.skills))
                for one in found.plugins]  # fmt: skip
        output.table(("NAME", "VERSION", "MARKETPLACE", "STATE", "SKILLS"), rows)
    _tell(found.problems)


def _tell(problems: Sequence[Problem]) -> None:
    """Say on stderr what was left out."""
    for problem in problems:
        output.tell(f"Left out {problem.path}: {problem.why}.")
