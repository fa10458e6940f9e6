"""Tasks, and when they are due."""

from typing import Annotated

import pydantic
from fastapi import APIRouter, Depends, Query

from baara_app import documents
from baara_app.api import asking
from baara_app.api.asking import Body, Limit, TheEngine
from baara_engine import requests
from baara_engine.engine import Engine
from baara_engine.records import Json
from baara_engine.schedules import rules, saying
from baara_engine.schedules.records import Schedule

router = APIRouter(tags=["tasks"])

Zone = Annotated[requests.Text | None, pydantic.Field(description="Whose clocks count, such as Europe/Paris.")]


class TaskChanges(requests.Options):
    """What is to be different about a task. What is left out stays."""

    name: requests.Name | None = None
    prompt: requests.Prompt | None = None
    description: requests.Text | None = None
    enabled: bool | None = None
    budget_usd: asking.Amount = None


class Due(requests.Timing):
    """When a task is due, and what happens when it is not as planned."""

    due: requests.Text = pydantic.Field(description=f"For example: {saying.EXAMPLES}.")
    zone: Zone = None


class DueChanges(requests.Timing):
    """What is to be different about a schedule. What is left out stays."""

    due: requests.Text | None = None
    zone: Zone = None


@router.get("/tasks")
def listing(engine: TheEngine) -> list[Json]:
    """List all tasks by name."""
    return [documents.task(one) for one in engine.tasks()]


@router.post("/tasks", status_code=201, **asking.takes(asking.TaskDraft))
def create(engine: TheEngine, body: Annotated[asking.TaskDraft, Depends(Body(asking.TaskDraft))]) -> Json:
    """Store a task. No two tasks have one name."""
    draft = requests.parse(requests.TaskDraft, asking.plain(body, engine))
    return documents.task(engine.create_task(draft))


@router.get("/tasks/{task}")
def show(engine: TheEngine, task: str) -> Json:
    """Show one task, by its name or the beginning of its id, with its schedules."""
    found = engine.task(task)
    return documents.task(found) | {"schedules": [_told(engine, one) for one in engine.schedules(found.id)]}


@router.patch("/tasks/{task}", **asking.takes(TaskChanges))
def update(engine: TheEngine, task: str, body: Annotated[TaskChanges, Depends(Body(TaskChanges))]) -> Json:
    """Change what is said, and leave the rest as it is."""
    return documents.task(engine.update_task(task, asking.plain(body, engine)))


@router.delete("/tasks/{task}")
def delete(engine: TheEngine, task: str) -> Json:
    """Delete a task. What it has run stays."""
    return documents.task(engine.delete_task(task))


@router.post("/tasks/{task}/submit", status_code=201)
def submit(engine: TheEngine, task: str) -> Json:
    """Queue a task's next execution."""
    return asking.told(engine, engine.submit_task(task, source=asking.SOURCE))


@router.get("/tasks/{task}/schedules")
def of_task(engine: TheEngine, task: str) -> list[Json]:
    """List when a task is due."""
    return [_told(engine, one) for one in engine.schedules(task)]


@router.post("/tasks/{task}/schedules", status_code=201, **asking.takes(Due))
def create_schedule(engine: TheEngine, task: str, body: Annotated[Due, Depends(Body(Due))]) -> Json:
    """Let a task be due by a rule from now on: a cron expression, an interval, a moment, or words."""
    rule = saying.parse(body.due, body.zone, engine.store.clock.now())
    return _told(engine, engine.create_schedule(task, rule, _timing(body)))


@router.get("/schedules", tags=["schedules"])
def schedules(engine: TheEngine) -> list[Json]:
    """List all schedules with their next due time."""
    return [_told(engine, one) for one in engine.schedules()]


@router.get("/schedules/{schedule}", tags=["schedules"])
def schedule(engine: TheEngine, schedule: str) -> Json:
    """Show one schedule."""
    return _told(engine, engine.schedule(schedule))


@router.patch("/schedules/{schedule}", tags=["schedules"], **asking.takes(DueChanges))
def update_schedule(engine: TheEngine, schedule: str, body: Annotated[DueChanges, Depends(Body(DueChanges))]) -> Json:
    """Change a schedule. What is due by now is dealt with as it was."""
    rule = None if body.due is None else saying.parse(body.due, body.zone, engine.store.clock.now())
    return _told(engine, engine.update_schedule(schedule, rule, _timing(body)))


@router.post("/schedules/{schedule}/pause", tags=["schedules"])
def pause_schedule(engine: TheEngine, schedule: str) -> Json:
    """Let a schedule rest."""
    return _told(engine, engine.pause_schedule(schedule))


@router.post("/schedules/{schedule}/resume", tags=["schedules"])
def resume_schedule(engine: TheEngine, schedule: str) -> Json:
    """Let a schedule that rests go on. What was due meanwhile is skipped."""
    return _told(engine, engine.resume_schedule(schedule))


@router.delete("/schedules/{schedule}", tags=["schedules"])
def delete_schedule(engine: TheEngine, schedule: str) -> Json:
    """Delete a schedule with its ledger. What it has run stays."""
    return _told(engine, engine.delete_schedule(schedule))


@router.get("/slots", tags=["schedules"])
def slots(
    engine: TheEngine, schedule: Annotated[str | None, Query(description="Only of this one.")] = None, limit: Limit = 50
) -> list[Json]:
    """List what became of each due time, latest first."""
    return [documents.slot(one) for one in engine.slots(schedule, limit)]


def _timing(body: requests.Timing) -> requests.Timing:
    return requests.parse(requests.Timing, body.model_dump(exclude={"due", "zone"}))


def _told(engine: Engine, one: Schedule) -> Json:
    told = {"task": engine.task(one.task_id).name, "due": rules.describe(rules.decode(one.rule))}
    return documents.schedule(one) | told
