"""Projects: what executions and tasks have in common, put into what is submitted.

What is said with a submission counts before the project's defaults. A new submission or task that names no project
belongs to the active one; `none` keeps it out of any. What a task or an agent submits belongs where that belongs.
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic

from baara_engine import errors, operations, requests
from baara_engine.patterns_of_work import Project
from baara_engine.records import Json
from baara_engine.store import projects as rows
from baara_engine.store.transaction import Tx, View
from baara_engine.templates import filling

NONE = "none"  #: names no project, where there is an active one
MAX_INSTRUCTIONS = 50_000  # characters: they are in every request of every execution of the project
NOT_DEFAULTS = frozenset({"project_id", "thread_id", "workspace"})  #: options that a project does not give

HEADING = "The person's instructions for all work in the project “{name}”:"

Placed = TypeVar("Placed", requests.Submission, requests.TaskDraft)


class ProjectDraft(pydantic.BaseModel):
    """A project as somebody writes it."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    name: requests.Name
    instructions: Annotated[requests.Text, pydantic.Field(max_length=MAX_INSTRUCTIONS)] = ""
    folder: requests.Workspace | None = None
    defaults: Json = pydantic.Field(default_factory=dict)  #: fields of `requests.Options`

    @pydantic.field_validator("name")
    @classmethod
    def _is_no_keyword(cls, name: str) -> str:
        if name.casefold() == NONE:
            raise ValueError(f"“{NONE}” means no project")
        return name

    @pydantic.field_validator("defaults")
    @classmethod
    def _are_options(cls, defaults: Json) -> Json:
        beyond = NOT_DEFAULTS & set(defaults)
        if beyond:
            raise ValueError(
                f"a project has no default for {', '.join(sorted(beyond))}; its folder is a field of its own"
            )
        filling.options(defaults)
        return defaults


def create(tx: Tx, place: operations.Place, draft: ProjectDraft) -> Project:
    """Store a project. Raises `errors.Refused` if its name is taken."""
    return rows.put(tx, _project(place.store.ids.new(), draft, tx.now, tx.now), "created")


def update(tx: Tx, name_or_id: str, changes: dict[str, Any]) -> Project:
    """Change some fields of a project. Raises `errors.NotFound`, `errors.InvalidInput` or `errors.Refused`."""
    project = rows.find(tx, name_or_id)
    known = {name: getattr(project, name) for name in ProjectDraft.model_fields}
    draft = requests.parse(ProjectDraft, known | changes)
    return rows.put(tx, _project(project.id, draft, project.created_at, tx.now), "updated")


def delete(tx: Tx, name_or_id: str) -> Project:
    """Delete a project; its tasks, executions and threads stay."""
    return rows.delete(tx, rows.find(tx, name_or_id))


def activate(tx: Tx, name_or_id: str | None) -> Project | None:
    """Make a project the active one, or none. Raises `errors.NotFound`."""
    project = None if name_or_id is None or name_or_id == NONE else rows.find(tx, name_or_id)
    rows.set_active(tx, project)
    return project


def placed(view: View, wanted: Placed) -> Placed:
    """Put a submission or a task into its project, with the defaults of that. Raises `errors.NotFound`."""
    if isinstance(wanted, requests.Submission) and (wanted.task_id or wanted.parent_id):
        return wanted.model_copy(update={"project_id": _kept(view, wanted.project_id)})
    project = _project_of(view, wanted.project_id)
    if project is None:
        return wanted.model_copy(update={"project_id": None})
    said = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    given = filling.options(project.defaults) | {"workspace": project.folder}
    return requests.parse(type(wanted), given | said | {"project_id": project.id})


def resolved(view: View, changes: dict[str, Any]) -> dict[str, Any]:
    """Give changes of a task with the project by its full id. Raises `errors.NotFound`."""
    if "project_id" not in changes:
        return changes
    project = _project_of(view, changes["project_id"] or NONE)
    return changes | {"project_id": None if project is None else project.id}


def instructions(view: View, project_id: str | None) -> str:
    """Give what the system prompt of an execution says for its project; empty where that is nothing."""
    project = rows.known(view, project_id)
    if project is None or not project.instructions.strip():
        return ""
    return f"{HEADING.format(name=project.name)}\n\n{project.instructions.strip()}"


def _kept(view: View, named: str | None) -> str | None:
    """Give the full id of a project that is named for what has one already; one that was deleted since is kept."""
    if named is None or named == NONE:
        return None
    return named if rows.known(view, named) else _id_or(view, named)


def _id_or(view: View, named: str) -> str:
    try:
        return rows.find(view, named).id
    except errors.NotFound:
        return named


def _project_of(view: View, named: str | None) -> Project | None:
    if named == NONE:
        return None
    return rows.known(view, rows.active_id(view)) if named is None else rows.find(view, named)


def _project(project_id: str, draft: ProjectDraft, created_at: int, now: int) -> Project:
    folder = None if draft.folder is None else str(Path(draft.folder))
    return Project(project_id, draft.name, draft.instructions, folder, draft.defaults, created_at, now)
