"""`baara projects`: what executions and tasks have in common."""

from typing import Annotated, Any

import typer

from baara_app import documents
from baara_app.cli import common, options, output
from baara_app.cli.common import Shell
from baara_app.cli.options import How
from baara_engine import errors, projects, requests
from baara_engine.patterns_of_work import Project

app = typer.Typer(help="What executions and tasks have in common: instructions, a folder, defaults.")

Named = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name, or the beginning of its id.")]
Instructions = Annotated[
    str | None, typer.Option(metavar="TEXT", help="What holds for all its work; `-` reads standard input.")
]
Folder = Annotated[str | None, typer.Option(metavar="DIR", help="Where its work is done.")]
NOT_HERE = frozenset({"project_id", "workspace", "thread_id"})  #: options that a project does not give


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List all projects by name."""
    with shell.engine() as engine:
        found, active = engine.projects(), engine.active_project()
    if shell.json:
        output.document([documents.project(one, active) for one in found])
        return
    ids = output.ids([one.id for one in found])
    rows = [(id_, "active" if one == active else "", one.name, one.folder or "")
            for id_, one in zip(ids, found, strict=True)]  # fmt: skip
    output.table(("ID", "", "NAME", "FOLDER"), rows)


@app.command("show")
@common.command
def show(shell: Shell, project: Named) -> None:
    """Show one project."""
    with shell.engine() as engine:
        _show(shell, engine.project(project), engine.active_project())


@app.command("create")
@common.command
def create(
    shell: Shell,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called; no two projects have one name.")],
    *,
    instructions: Instructions = None,
    folder: Folder = None,
    how: How,
) -> None:
    """Store a project. The options become the defaults of its work."""
    said = _said(name, instructions, folder) | {"defaults": _defaults(how)}
    with options.as_typed(name="NAME", defaults="the defaults"):
        draft = requests.parse(projects.ProjectDraft, said)
    with shell.engine() as engine:
        _show(shell, engine.create_project(draft), engine.active_project())


@app.command("update")
@common.command
def update(
    shell: Shell,
    named: Named,
    *,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    instructions: Instructions = None,
    folder: Folder = None,
    how: How,
) -> None:
    """Change what is given, and leave the rest as it is."""
    said, defaults = _said(name, instructions, folder), _defaults(how)
    if not said and not defaults:
        raise errors.InvalidInput("Say what is to be changed; see: baara projects update --help")
    with shell.engine() as engine, options.as_typed(defaults="the defaults"):
        before = engine.project(named)
        changed = engine.update_project(before.id, said | {"defaults": before.defaults | defaults})
        _show(shell, changed, engine.active_project())


@app.command("delete")
@common.command
def delete(shell: Shell, project: Named) -> None:
    """Delete a project. Its tasks, executions and threads stay."""
    with shell.engine() as engine:
        deleted = engine.delete_project(project)
    if shell.json:
        output.document(documents.project(deleted, None))
    else:
        output.text(f"Deleted the project “{deleted.name}”. What was done in it stays.")


@app.command("use")
@common.command
def use(shell: Shell, project: Named) -> None:
    """Make a project the active one: new work belongs to it unless it says otherwise. `none` for no project."""
    with shell.engine() as engine:
        active = engine.set_active_project(project)
    if shell.json:
        output.document(None if active is None else documents.project(active, active))
    elif active is None:
        output.text("No project is active.")
    else:
        output.text(f"The project “{active.name}” is active: new work belongs to it unless it says otherwise.")


def _said(name: str | None, instructions: str | None, folder: str | None) -> dict[str, Any]:
    told = None if instructions is None else options.text(instructions)
    said = {"name": name, "instructions": told, "folder": folder}
    return {field: value for field, value in said.items() if value is not None}


def _defaults(how: How) -> dict[str, Any]:
    defaults = how.values()
    if NOT_HERE & set(defaults):
        raise errors.InvalidInput("A project has no --project, --workspace or --thread; its folder is --folder DIR.")
    return defaults


def _show(shell: Shell, project: Project, active: Project | None) -> None:
    if shell.json:
        output.document(documents.project(project, active))
        return
    output.fields(
        [
            ("Project", project.name),
            ("Id", project.id),
            ("Active", "yes" if active is not None and active.id == project.id else "no"),
            ("Folder", project.folder),
            ("Defaults", "\n".join(f"{name}: {value}" for name, value in project.defaults.items()) or None),
            ("Instructions", project.instructions or None),
        ]
    )
