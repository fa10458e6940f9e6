"""Putting the HTTP interface together: its routes, its errors, and the description of itself (OpenAPI)."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

import baara_engine
from baara_app.api import asking, executions, patterns, standing, tasks, threads
from baara_engine import errors
from baara_engine.engine import Engine
from baara_ui.hub import Hub

log = logging.getLogger(__name__)

PREFIX = "/api/v1"
ROUTERS = (executions.router, tasks.router, threads.router, standing.router, patterns.router)
# The first that fits; whatever else the engine raises, it refused (RFC 9110, 15.5 and 15.6).
STATUS: tuple[tuple[type[errors.BaaraError], int], ...] = (
    (errors.InvalidInput, 400),
    (errors.NotFound, 404),
    (errors.DiskFull, 507),
    (errors.StoreError, 503),
    (errors.Unavailable, 503),
    (errors.BaaraError, 409),
)
NO_SUCH_WAY = {404: "There is nothing at this address.", 405: "This address does not answer to that method."}


def make(engine: Engine, hub: Hub) -> FastAPI:
    """Make what is mounted at `PREFIX`; its description is at `PREFIX`/openapi.json."""
    app = FastAPI(title="Baara", version=baara_engine.__version__, docs_url=None, redoc_url=None)
    app.state.engine, app.state.hub = engine, hub
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(errors.BaaraError, _refused)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_exception_handler(HTTPException, _no_such_way)
    app.add_exception_handler(Exception, _fell_over)
    described: dict[str, Any] = {}
    app.openapi = lambda: described or described.update(_described(app)) or described  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """Describe the interface, with the bodies as the engine takes them."""
    made = get_openapi(title=app.title, version=app.version, description=__doc__, routes=app.routes)
    _, schemas = models_json_schema(
        [(model, "validation") for model in asking.SCHEMAS.values()], ref_template="#/components/schemas/{model}"
    )
    components = made.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas["$defs"])
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": "In runtime.json."}}
    return made | {"security": [{"token": []}], "servers": [{"url": PREFIX}]}


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    found = error if isinstance(error, errors.BaaraError) else errors.BaaraError(str(error))
    status = next(status for kind, status in STATUS if isinstance(found, kind))
    return _told(status, found.code, found.title, found.message)


async def _misasked(_request: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with the address or its query; bodies are the engine's own matter."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    told = "; ".join(f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in problems)
    wrong = errors.InvalidInput
    return _told(400, wrong.code, wrong.title, f"{told}.")


async def _no_such_way(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 404
    headers = error.headers if isinstance(error, HTTPException) else None
    message = NO_SUCH_WAY.get(status, str(getattr(error, "detail", "")))
    return _told(status, "not_found" if status == 404 else "bad_request", "Not here", message, headers)  # noqa: PLR2004


async def _fell_over(_request: Request, error: Exception) -> JSONResponse:
    log.error("the HTTP interface could not do what was asked", exc_info=error)
    return _told(500, "fault", "Baara made a mistake", "Baara made a mistake; `baara log --crashes` has the details.")


def _told(status: int, code: str, title: str, message: str, headers: Any = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "title": title, "message": message}}, status, headers)
