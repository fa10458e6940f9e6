"""How it stands: queues, pauses, health, settings, and what is spent."""

from dataclasses import asdict
from typing import Annotated, Literal

import pydantic
from fastapi import APIRouter, Depends, Query

import baara_engine
from baara_app import documents
from baara_app.api import asking
from baara_app.api.asking import Body, TheEngine
from baara_engine import clock, money, requests, settings
from baara_engine.records import Json
from baara_engine.schedules import parsing

router = APIRouter(tags=["standing"])

MOST_DAYS = 3660  # ten years


class Queue(pydantic.BaseModel):
    """How many of a queue may run at once."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    concurrency: int


class Pause(pydantic.BaseModel):
    """Until when nothing is to begin; without it, until it is resumed."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    until: requests.Text | None = pydantic.Field(None, description="ISO 8601, or +1h.")


class Limit(pydantic.BaseModel):
    """What may be spent."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    scope: money.Scope
    name: requests.Text = ""
    usd: asking.Dollars


@router.get("/status")
def status(engine: TheEngine) -> Json:
    """Say how it stands: the queues, what needs a person, what failed, what is due next, what is not well."""
    return documents.status(engine) | {"version": baara_engine.__version__, "home": str(engine.home)}


@router.get("/health")
def health(engine: TheEngine) -> list[Json]:
    """List what is not as it should be, with the work and with the engine itself."""
    return [documents.finding(one) for one in engine.health()]


@router.get("/queues")
def queues(engine: TheEngine) -> list[Json]:
    """List the queues with what is in them now."""
    return [documents.queue(one) for one in engine.queues()]


@router.get("/queues/{queue}")
def queue(engine: TheEngine, queue: str) -> Json:
    """Show one queue."""
    return documents.queue(engine.queue(queue))


@router.patch("/queues/{queue}", **asking.takes(Queue))
def set_concurrency(engine: TheEngine, queue: str, body: Annotated[Queue, Depends(Body(Queue))]) -> Json:
    """Say how many of a queue may run at once; it holds from the next that begins."""
    return documents.queue(engine.set_concurrency(queue, body.concurrency))


@router.get("/pause")
def paused(engine: TheEngine) -> Json:
    """Say whether all work is paused."""
    return {"paused": documents.pause(engine.paused())}


@router.post("/pause", **asking.takes(Pause))
def pause(engine: TheEngine, body: Annotated[Pause, Depends(Body(Pause))]) -> Json:
    """Pause all work: what runs keeps its last step, and nothing begins."""
    until = None if body.until is None else parsing.parse_at(body.until, engine.store.clock.now()).at
    return {"paused": documents.pause(engine.pause(until, by=asking.SOURCE))}


@router.delete("/pause")
def unpause(engine: TheEngine) -> Json:
    """Let work go on that is paused."""
    return {"paused": None, "was_paused": engine.unpause(by=asking.SOURCE)}


@router.get("/settings")
def get_settings(engine: TheEngine) -> Json:
    """Give what holds for the whole of Baara. The key is no part of it."""
    return engine.settings().model_dump()


@router.patch("/settings", **asking.takes(settings.Settings))
def change_settings(engine: TheEngine, body: Annotated[settings.Settings, Depends(Body(settings.Settings))]) -> Json:
    """Change what is said, in force at once."""
    return engine.change_settings(body.model_dump(exclude_unset=True), by=asking.SOURCE).model_dump()


@router.get("/usage")
def usage(
    engine: TheEngine, by: Literal["day", "task", "project", "model"] = "day",
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 30,
) -> list[Json]:  # fmt: skip
    """Tell what was spent, by day, task, project or model."""
    return [asdict(one) | {"usd": one.microusd / money.MICRO} for one in engine.usage(by, days)]


@router.get("/limits")
def limits(engine: TheEngine) -> list[Json]:
    """List what may be spent."""
    return [documents.limit(one) for one in engine.limits()]


@router.put("/limits", **asking.takes(Limit))
def set_limit(engine: TheEngine, body: Annotated[Limit, Depends(Body(Limit))]) -> Json:
    """Set a limit. What waits for money goes on if it is enough."""
    microusd = money.parse(str(body.usd))
    return documents.limit(engine.set_limit(body.scope, body.name, microusd, by=asking.SOURCE))


@router.delete("/limits/{scope}")
def remove_limit(engine: TheEngine, scope: money.Scope, name: str = "") -> Json:
    """Take a limit away."""
    engine.remove_limit(scope, name)
    return {"deleted": True}


@router.post("/backups", status_code=201)
def back_up(engine: TheEngine) -> Json:
    """Make a verified copy of everything now."""
    made = engine.back_up()
    return {"path": str(made.path), "at": clock.iso(made.at)}
