"""Tools for tasks: definitions that can run many times."""

from typing import Annotated, Any, Literal

import pydantic

from baara_app import documents
from baara_app.mcp_server.tool import SOURCE, Arguments, Effect, tool
from baara_engine import errors, money, queues, requests
from baara_engine.engine import Engine
from baara_engine.records import Json, Kind, Task
from baara_engine.schedules import parsing, rules
from baara_engine.schedules.records import Missed

MS_PER_S = 1000
MODES = {"queued": queues.TRANSFER, "direct": queues.VISIBILITY}  #: direct: before other work

Named = Annotated[str, pydantic.Field(description="Its name, or the beginning of its id.")]


class Nothing(Arguments):
    """No arguments."""


class OneTask(Arguments):
    """Which task."""

    name_or_id: Named


class How(Arguments):
    """How a task is to be run. What is left out is as it is by itself."""

    description: str | None = None
    cron_expression: Annotated[str | None, pydantic.Field(description="Five fields, or @daily and the like.")] = None
    time_zone: Annotated[
        str | None, pydantic.Field(description="IANA name whose clocks count; else this computer's.")
    ] = None
    missed_policy: Missed | None = None
    sandbox_type: Literal["native", "wasm", "docker"] | None = None
    sandbox_config: requests.SandboxLimits | None = None
    execution_mode: Literal["queued", "direct"] | None = None
    priority: Annotated[int | None, pydantic.Field(description="0, most urgent, to 3.")] = None
    max_retries: int | None = None
    timeout_ms: Annotated[int | None, pydantic.Field(gt=0)] = None
    allowed_tools: tuple[str, ...] | None = None
    project_id: Annotated[str | None, pydantic.Field(description="Name or id of a project.")] = None
    target_thread_id: str | None = None
    kind: Annotated[Kind | None, pydantic.Field(description="A command is a shell command: no model is asked.")] = None
    checks: Annotated[
        tuple[str, ...] | None, pydantic.Field(description="What must hold at the end, such as file:report.md.")
    ] = None
    budget_usd: Annotated[float | None, pydantic.Field(gt=0, description="The most that one execution may cost.")] = (
        None
    )
    model: str | None = None
    workspace: Annotated[str | None, pydantic.Field(description="The folder it works in.")] = None

    def said(self) -> dict[str, Any]:
        """Give what was said as the engine's own fields."""
        limits = None if self.sandbox_config is None else self.sandbox_config.model_dump(exclude_none=True)
        own = {
            "description": self.description, "sandbox": self.sandbox_type, "priority": self.priority,
            "queue": None if self.execution_mode is None else MODES[self.execution_mode],
            "sandbox_limits": limits, "max_retries": self.max_retries,
            "timeout_s": None if self.timeout_ms is None else self.timeout_ms / MS_PER_S,
            "allowed_tools": self.allowed_tools, "project_id": self.project_id, "thread_id": self.target_thread_id,
            "kind": self.kind, "checks": self.checks, "model": self.model, "workspace": self.workspace,
            "budget_microusd": None if self.budget_usd is None else money.parse(str(self.budget_usd)),
        }  # fmt: skip
        return {name: value for name, value in own.items() if value is not None}

    def rule(self) -> rules.Rule | None:
        """Give when it is due. Raises `errors.InvalidInput`."""
        if self.cron_expression is None:
            return None
        return parsing.parse_cron(self.cron_expression, self.time_zone or parsing.local_zone())

    def timing(self) -> requests.Timing:
        """Give what becomes of due times that were missed."""
        return requests.parse(requests.Timing, {"missed": self.missed_policy})


class NewTask(How):
    """A task."""

    name: str
    prompt: str


class TaskChanges(How):
    """What is to be different about a task. What is left out stays."""

    name_or_id: Named
    name: Annotated[str | None, pydantic.Field(description="A new name.")] = None
    prompt: str | None = None


class Toggle(OneTask):
    """Which task, and which way."""

    enabled: Annotated[bool | None, pydantic.Field(description="Which; without it, the other way round.")] = None


@tool(Effect.READS)
def list_tasks(engine: Engine, _given: Nothing) -> Json:
    """List all tasks (definitions that can run many times), by name."""
    return {"tasks": [documents.task(one) for one in engine.tasks()]}


@tool(Effect.READS)
def get_task(engine: Engine, given: OneTask) -> Json:
    """Show one task with its schedules."""
    return told(engine, engine.task(given.name_or_id))


@tool(Effect.ADDS)
def create_task(engine: Engine, given: NewTask) -> Json:
    """Store a task, with a schedule if a cron expression is given. No two tasks have one name."""
    draft = requests.parse(requests.TaskDraft, given.said() | {"name": given.name, "prompt": given.prompt})
    rule = given.rule()
    if rule is None:
        if given.missed_policy is not None or given.time_zone is not None:
            raise errors.InvalidInput("missed_policy and time_zone go with a cron_expression.")
        return told(engine, engine.create_task(draft))
    return told(engine, engine.create_scheduled_task(draft, rule, given.timing())[0])


@tool(Effect.SETS)
def update_task(engine: Engine, given: TaskChanges) -> Json:
    """Change what is given about a task, and leave the rest as it is."""
    changes = given.said() | {name: getattr(given, name) for name in ("name", "prompt") if getattr(given, name)}
    rule, task = given.rule(), engine.task(given.name_or_id)
    if rule is not None or given.missed_policy is not None:
        engine.reschedule(task.name, rule, given.timing())
    return told(engine, engine.update_task(task.id, changes) if changes else task)


@tool(Effect.DESTROYS)
def delete_task(engine: Engine, given: OneTask) -> Json:
    """Delete a task with its schedules. What it has run stays."""
    return documents.task(engine.delete_task(given.name_or_id))


@tool(Effect.ADDS)
def toggle_task(engine: Engine, given: Toggle) -> Json:
    """Switch a task on or off."""
    before = engine.task(given.name_or_id)
    enabled = not before.enabled if given.enabled is None else given.enabled
    return told(engine, engine.update_task(before.id, {"enabled": enabled}))


@tool(Effect.ADDS, waits=True)
def run_task(engine: Engine, given: OneTask) -> Json:
    """Run a task now, before other work, and wait until it has ended or needs a person; five minutes at most."""
    execution = engine.submit_task(given.name_or_id, source=SOURCE, first=True)
    return documents.execution(execution, engine.store.clock.now())


@tool(Effect.ADDS)
def submit_task(engine: Engine, given: OneTask) -> Json:
    """Queue a task's next execution and return at once."""
    return documents.execution(engine.submit_task(given.name_or_id, source=SOURCE), engine.store.clock.now())


def told(engine: Engine, task: Task) -> Json:
    """Give a task with its schedules."""
    schedules = [
        documents.schedule(one) | {"due": rules.describe(rules.decode(one.rule))} for one in engine.schedules(task.id)
    ]
    return documents.task(task) | {"schedules": schedules}
