"""What routes are given: the engine, the news, and the body of a request as the engine takes it."""

from typing import Annotated, Any, Generic, TypeVar

import pydantic
from fastapi import Depends, Query, Request

from baara_app import documents
from baara_engine import errors, money, requests
from baara_engine.engine import Engine
from baara_engine.records import Execution, Json
from baara_engine.schedules import parsing
from baara_ui.hub import Hub

SOURCE = "api"  #: where something came from, unless it says so itself
JSON_TYPE = "application/json"
MOST = 10_000  # rows of a list, as on the command line

Model = TypeVar("Model", bound=pydantic.BaseModel)
Dollars = Annotated[str | float, pydantic.Field(union_mode="left_to_right", description="US dollars, as in 0.50.")]
Amount = Annotated[Dollars | None, pydantic.Field(description="The most that it may cost, in US dollars.")]
SCHEMAS: dict[str, type[pydantic.BaseModel]] = {}  #: of all bodies, for the description of the interface


class Submission(requests.Submission):
    """One prompt (or command) to be run once."""

    at: requests.Text | None = pydantic.Field(None, description="Not before: ISO 8601, or +10m.")
    budget_usd: Amount = None


class TaskDraft(requests.TaskDraft):
    """A definition that can run many times."""

    budget_usd: Amount = None


class Body(Generic[Model]):
    """Reads the body of a request. Raises `errors.InvalidInput` in the route's place."""

    def __init__(self, model: type[Model]) -> None:
        """Take what it must be."""
        self._model = model

    async def __call__(self, request: Request) -> Model:
        """Read it."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON_TYPE:
            raise errors.InvalidInput(f"The body must be JSON, sent with Content-Type: {JSON_TYPE}.")
        return requests.parse_json(self._model, await request.body())


async def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


async def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


TheEngine = Annotated[Engine, Depends(_engine)]
TheHub = Annotated[Hub, Depends(_hub)]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many, the newest first to count.")]


def takes(model: type[pydantic.BaseModel]) -> dict[str, Any]:
    """Give what the description of a route says of its body."""
    SCHEMAS[model.__name__] = model
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"openapi_extra": {"requestBody": {"required": True, "content": {JSON_TYPE: {"schema": schema}}}}}


def plain(body: requests.Options, engine: Engine) -> dict[str, Any]:
    """Give what was said in a body as the engine's own fields: a time and an amount are read. Raises as they do."""
    said = body.model_dump(exclude_unset=True)
    if said.get("at") is not None:
        said["not_before"] = parsing.parse_at(said["at"], engine.store.clock.now()).at
    if said.get("budget_usd") is not None:
        said["budget_microusd"] = money.parse(str(said["budget_usd"]))
    return {name: value for name, value in said.items() if name not in {"at", "budget_usd"}}


def told(engine: Engine, execution: Execution) -> Json:
    """Give an execution as it is answered."""
    return documents.execution(execution, engine.store.clock.now())
