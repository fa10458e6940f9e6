"""Tools for templates, projects, plugins and skills: what work is made of again and again."""

from typing import Annotated, Any

import pydantic

from baara_app import documents
from baara_app.mcp_server import tasks
from baara_app.mcp_server.tasks import How, Nothing
from baara_app.mcp_server.tool import SOURCE, Arguments, Effect, tool
from baara_engine import projects, requests
from baara_engine.engine import Engine
from baara_engine.records import Json
from baara_engine.scheduling import definitions
from baara_engine.templates import filling


class OfTemplate(How):
    """A template, the values of its parameters, and what is different about this task."""

    template_id: Annotated[str, pydantic.Field(description="Its name, or the beginning of its id.")]
    name: Annotated[str, pydantic.Field(description="What the task is called.")]
    prompt: Annotated[str | None, pydantic.Field(description="Instead of the template's own.")] = None
    params: dict[str, Any] = pydantic.Field(default_factory=dict)


class NewTemplate(Arguments):
    """A template. A parameter stands in its prompt as {{name}}."""

    name: str
    prompt: str
    description: str = ""
    parameters: tuple[dict[str, Any], ...] = ()
    options: dict[str, Any] = pydantic.Field(default_factory=dict)


class NewProject(Arguments):
    """A project."""

    name: str
    instructions: Annotated[str, pydantic.Field(description="What holds for all its work.")] = ""
    folder: str | None = None


class OneProject(Arguments):
    """Which project."""

    name_or_id: Annotated[str | None, pydantic.Field(description="Its name or id; without it, none is active.")] = None


class OneSkill(Arguments):
    """Which skill, and what it is wanted for."""

    name: Annotated[str, pydantic.Field(description="As it is listed; that of a plugin is PLUGIN:SKILL.")]
    arguments: str = ""


@tool(Effect.READS)
def list_templates(engine: Engine, _given: Nothing) -> Json:
    """List the templates (prompts with parameters), by name."""
    return {"templates": [documents.template(one) for one in engine.templates()]}


@tool(Effect.ADDS)
def create_template(engine: Engine, given: NewTemplate) -> Json:
    """Store a template: a prompt with parameters, which stand in it as {{name}}."""
    draft = requests.parse(filling.TemplateDraft, given.model_dump())
    return documents.template(engine.create_template(draft))


@tool(Effect.ADDS)
def create_task_from_template(engine: Engine, given: OfTemplate) -> Json:
    """Store a task made of a template, with a schedule if a cron expression is given."""
    said = given.said() | {"name": given.name} | ({} if given.prompt is None else {"prompt": given.prompt})
    rule = given.rule()
    if rule is not None:
        definitions.require_due(rule, engine.store.clock.now())  # before there is a task that nobody runs
    task = engine.create_task_from_template(given.template_id, given.params, said)
    if rule is not None:
        engine.create_schedule(task.id, rule, given.timing())
    return tasks.told(engine, task)


@tool(Effect.READS)
def list_projects(engine: Engine, _given: Nothing) -> Json:
    """List the projects (what executions and tasks have in common), by name, and which of them is active."""
    active = engine.active_project()
    return {"projects": [documents.project(one, active) for one in engine.projects()]}


@tool(Effect.ADDS)
def create_project(engine: Engine, given: NewProject) -> Json:
    """Store a project: instructions, a folder and defaults that its work has in common."""
    draft = requests.parse(projects.ProjectDraft, given.model_dump())
    return documents.project(engine.create_project(draft), engine.active_project())


@tool(Effect.SETS)
def set_active_project(engine: Engine, given: OneProject) -> Json:
    """Say which project what is submitted from now on belongs to."""
    found = engine.set_active_project(given.name_or_id)
    return {"active": None if found is None else documents.project(found, found)}


@tool(Effect.READS)
def discover_plugins(engine: Engine, _given: Nothing) -> Json:
    """List the plugins that are installed for Claude, and all skills: theirs, the person's own, the project's."""
    found = engine.skills()
    return {
        "plugins": [documents.plugin(one) for one in found.plugins],
        "skills": [documents.skill(one) for one in found.skills],
    }


@tool(Effect.ADDS)
def run_skill(engine: Engine, given: OneSkill) -> Json:
    """Queue an execution that uses a skill, and return at once."""
    execution = engine.run_skill(given.name, given.arguments, {"source": SOURCE})
    return documents.execution(execution, engine.store.clock.now())
