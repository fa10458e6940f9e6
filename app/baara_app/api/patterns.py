"""Templates, projects, skills and plugins: what work is made of again and again."""

from typing import Annotated, Any

import pydantic
from fastapi import APIRouter, Depends

from baara_app import documents
from baara_app.api import asking
from baara_app.api.asking import Body, TheEngine
from baara_engine import projects, requests
from baara_engine.records import Json
from baara_engine.templates import filling

router = APIRouter(tags=["patterns of work"])

ANY = pydantic.ConfigDict(frozen=True, extra="allow")


class Changes(pydantic.BaseModel):
    """What is to be different: fields as when it was made. What is left out stays."""

    model_config = ANY


class Filled(pydantic.BaseModel):
    """The values of a template's parameters, and what is different about this one."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    params: dict[str, Any] = pydantic.Field(default_factory=dict)
    options: requests.Options | None = None


class Named(Filled):
    """The same, and what the task is called."""

    name: requests.Name


class Active(pydantic.BaseModel):
    """Which project what is submitted from now on belongs to; without it, none."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    project: requests.Text | None = None


class Wanted(pydantic.BaseModel):
    """What a skill is wanted for."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    arguments: requests.Text = ""


@router.get("/templates")
def templates(engine: TheEngine) -> list[Json]:
    """List all templates by name."""
    return [documents.template(one) for one in engine.templates()]


@router.post("/templates", status_code=201, **asking.takes(filling.TemplateDraft))
def create_template(
    engine: TheEngine, body: Annotated[filling.TemplateDraft, Depends(Body(filling.TemplateDraft))]
) -> Json:
    """Store a template. A parameter stands in its prompt as {{name}}."""
    return documents.template(engine.create_template(body))


@router.get("/templates/{template}")
def template(engine: TheEngine, template: str) -> Json:
    """Show one template with its parameters."""
    return documents.template(engine.template(template))


@router.patch("/templates/{template}", **asking.takes(Changes))
def update_template(engine: TheEngine, template: str, body: Annotated[Changes, Depends(Body(Changes))]) -> Json:
    """Change what is said, and leave the rest as it is."""
    return documents.template(engine.update_template(template, body.model_dump()))


@router.delete("/templates/{template}")
def delete_template(engine: TheEngine, template: str) -> Json:
    """Delete a template. What was made of it stays."""
    return documents.template(engine.delete_template(template))


@router.post("/templates/{template}/submit", status_code=201, **asking.takes(Filled))
def submit_template(engine: TheEngine, template: str, body: Annotated[Filled, Depends(Body(Filled))]) -> Json:
    """Queue one execution of a template."""
    said = {"source": asking.SOURCE} | _said(body)
    return asking.told(engine, engine.submit_template(template, body.params, said))


@router.post("/templates/{template}/task", status_code=201, **asking.takes(Named))
def create_task(engine: TheEngine, template: str, body: Annotated[Named, Depends(Body(Named))]) -> Json:
    """Store a task made of a template."""
    said = {"name": body.name} | _said(body)
    return documents.task(engine.create_task_from_template(template, body.params, said))


@router.get("/projects")
def listing(engine: TheEngine) -> list[Json]:
    """List all projects by name."""
    active = engine.active_project()
    return [documents.project(one, active) for one in engine.projects()]


@router.post("/projects", status_code=201, **asking.takes(projects.ProjectDraft))
def create_project(
    engine: TheEngine, body: Annotated[projects.ProjectDraft, Depends(Body(projects.ProjectDraft))]
) -> Json:
    """Store a project."""
    return documents.project(engine.create_project(body), engine.active_project())


@router.put("/projects/active", **asking.takes(Active))
def set_active(engine: TheEngine, body: Annotated[Active, Depends(Body(Active))]) -> Json:
    """Say which project what is submitted from now on belongs to."""
    found = engine.set_active_project(body.project)
    return {"active": None if found is None else documents.project(found, found)}


@router.get("/projects/{project}")
def project(engine: TheEngine, project: str) -> Json:
    """Show one project."""
    return documents.project(engine.project(project), engine.active_project())


@router.patch("/projects/{project}", **asking.takes(Changes))
def update_project(engine: TheEngine, project: str, body: Annotated[Changes, Depends(Body(Changes))]) -> Json:
    """Change what is said, and leave the rest as it is."""
    return documents.project(engine.update_project(project, body.model_dump()), engine.active_project())


@router.delete("/projects/{project}")
def delete_project(engine: TheEngine, project: str) -> Json:
    """Delete a project. Its work stays."""
    return documents.project(engine.delete_project(project), engine.active_project())


@router.get("/skills")
def skills(engine: TheEngine) -> list[Json]:
    """List all skills."""
    return [documents.skill(one) for one in engine.skills().skills]


@router.get("/skills/{skill}")
def skill(engine: TheEngine, skill: str) -> Json:
    """Show one skill with its instructions."""
    found, instructions = engine.skill(skill)
    return documents.skill(found) | {"instructions": instructions}


@router.post("/skills/{skill}/run", status_code=201, **asking.takes(Wanted))
def run_skill(engine: TheEngine, skill: str, body: Annotated[Wanted, Depends(Body(Wanted))]) -> Json:
    """Queue an execution that uses a skill."""
    return asking.told(engine, engine.run_skill(skill, body.arguments, {"source": asking.SOURCE}))


@router.get("/plugins")
def plugins(engine: TheEngine) -> list[Json]:
    """List the plugins that are installed for Claude."""
    return [documents.plugin(one) for one in engine.skills().plugins]


def _said(body: Filled) -> Json:
    return {} if body.options is None else body.options.model_dump(exclude_unset=True)
