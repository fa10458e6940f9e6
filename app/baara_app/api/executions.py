"""Executions: submitting, looking, waiting, and what can be done with them."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from baara_app import documents, loglines
from baara_app.api import asking, streaming
from baara_app.api.asking import Body, Limit, TheEngine, TheHub
from baara_engine import requests
from baara_engine.clock import iso
from baara_engine.records import Json
from baara_engine.states import Status

router = APIRouter(tags=["executions"])

MAX_WAIT_S = 60.0  # of one request: whoever wants to wait longer asks again, or listens to the events


class Resumption(requests.Edits):
    """What is changed before a dead letter goes on, and what its agent is told first."""

    say: requests.Prompt | None = None


@router.get("/executions")
def listing(engine: TheEngine, status: Status | None = None, task: str | None = None, limit: Limit = 50) -> list[Json]:
    """List executions, newest first."""
    return [asking.told(engine, one) for one in engine.executions(status=status, task=task, limit=limit)]


@router.post("/executions", status_code=201, **asking.takes(asking.Submission))
def submit(engine: TheEngine, body: Annotated[asking.Submission, Depends(Body(asking.Submission))]) -> Json:
    """Queue one prompt or command. It is on the disk when this answers; the same idempotency_key gives it again."""
    submission = requests.parse(requests.Submission, {"source": asking.SOURCE, **asking.plain(body, engine)})
    return asking.told(engine, engine.submit(submission))


@router.get("/executions/{execution}")
async def show(
    engine: TheEngine, hub: TheHub, execution: str,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_S, description="Seconds to wait for its end.")] = 0.0,
) -> Json:  # fmt: skip
    """Show one execution; with `wait`, as soon as it has ended, or after so many seconds as it is then."""
    return asking.told(engine, await streaming.ended(engine, hub, execution, wait))


@router.get("/executions/{execution}/events", response_class=streaming.Events, responses={204: {}})
async def events(
    engine: TheEngine, hub: TheHub, execution: str, follower: streaming.TheFollower,
    after: Annotated[int, Query(ge=0, description="Only events after this number.")] = 0,
) -> Response:  # fmt: skip
    """Send the events of an execution as they happen (server-sent events), until it has ended.

    The id of each is its number; a client that comes back with Last-Event-ID goes on behind it. 204: there are no more.
    """
    return await streaming.answer(engine, hub, execution, follower, after)


@router.get("/executions/{execution}/logs")
def logs(
    engine: TheEngine, execution: str, level: loglines.Level = loglines.Level.INFO, search: str = "",
    limit: Limit = 200,
) -> list[Json]:  # fmt: skip
    """Give what happened to an execution as log lines, oldest first."""
    found = loglines.select(engine, execution, level, search, limit)
    return [asdict(line) | {"at": iso(line.at)} for line in found]


@router.get("/executions/{execution}/journal")
def journal(engine: TheEngine, execution: str) -> Json:
    """Give the messages and tool calls of an execution, whole."""
    messages, calls = engine.journal(execution)
    return {
        "messages": [documents.message(one) for one in messages],
        "tool_calls": [documents.tool_call(one) for one in calls],
    }


@router.get("/executions/{execution}/attempts")
def attempts(engine: TheEngine, execution: str) -> list[Json]:
    """Give the leases that an execution has had."""
    return [documents.attempt(one) for one in engine.attempts(execution)]


@router.get("/executions/{execution}/sub-tasks")
def sub_tasks(engine: TheEngine, execution: str) -> list[Json]:
    """List what an agent has submitted itself."""
    return [asking.told(engine, one) for one in engine.sub_tasks(execution)]


@router.get("/executions/{execution}/files")
def files(engine: TheEngine, execution: str) -> list[Json]:
    """List the files of its workspace that were changed while it worked; each is at /files/ID/PATH."""
    return [documents.artifact(one) for one in engine.artifacts(execution)]


@router.post("/executions/{execution}/cancel")
def cancel(engine: TheEngine, execution: str) -> Json:
    """Call an execution off."""
    return asking.told(engine, engine.cancel(execution))


@router.post("/executions/{execution}/retry")
def retry(engine: TheEngine, execution: str) -> Json:
    """Try again what has failed, or at once what waits for its time."""
    return asking.told(engine, engine.retry(execution))


@router.post("/executions/{execution}/resume", **asking.takes(Resumption))
def resume(engine: TheEngine, execution: str, body: Annotated[Resumption, Depends(Body(Resumption))]) -> Json:
    """Go on with a dead letter at its last turn, changed and after a word to the agent if that is wanted."""
    edits = requests.parse(requests.Edits, body.model_dump(exclude={"say"}))
    return asking.told(engine, engine.resume(execution, body.say, edits))


@router.post("/executions/{execution}/restart", status_code=201)
def restart(engine: TheEngine, execution: str) -> Json:
    """Begin a dead letter anew, as another execution in the same thread."""
    return asking.told(engine, engine.restart(execution))


@router.post("/executions/{execution}/dismiss")
def dismiss(engine: TheEngine, execution: str) -> Json:
    """Put a dead letter aside; it stays in the store."""
    return asking.told(engine, engine.dismiss(execution))


@router.post("/executions/{execution}/fork", status_code=201, **asking.takes(requests.Fork))
def fork(engine: TheEngine, execution: str, body: Annotated[requests.Fork, Depends(Body(requests.Fork))]) -> Json:
    """Go on from a turn of an execution as another one. Turn 0 is the request alone."""
    return asking.told(engine, engine.fork(execution, **body.model_dump()))


@router.post("/executions/{execution}/say", **asking.takes(requests.Said))
def say(engine: TheEngine, execution: str, body: Annotated[requests.Said, Depends(Body(requests.Said))]) -> Json:
    """Say something to an agent at work: it hears it after its current step."""
    return documents.said(engine.say(execution, body.text, by=asking.SOURCE))


@router.post("/executions/{execution}/answer", **asking.takes(requests.Said))
def answer(engine: TheEngine, execution: str, body: Annotated[requests.Said, Depends(Body(requests.Said))]) -> Json:
    """Answer the oldest open question of an execution. The first answer stands."""
    return documents.question(engine.answer_execution(execution, body.text, by=asking.SOURCE))


@router.get("/dead-letters", tags=["dead letters"])
def dead_letters(engine: TheEngine, cause: str | None = None) -> list[Json]:
    """List what has failed for good, newest first, with what to try; of one cause, if it is named."""
    return [documents.dead_letter(one, engine.store.clock.now()) for one in engine.dead_letters(cause)]


@router.get("/dead-letters/{execution}", tags=["dead letters"])
def dead_letter(engine: TheEngine, execution: str) -> Json:
    """Show one with its attempts, and what to try."""
    return documents.dead_letter(engine.dead_letter(execution), engine.store.clock.now())
