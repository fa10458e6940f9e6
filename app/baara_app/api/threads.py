"""Threads and questions: what the inbox shows, and what a person says to it."""

from collections.abc import Callable, Sequence
from typing import Annotated

import pydantic
from fastapi import APIRouter, Depends, Query

from baara_app import documents
from baara_app.api import asking
from baara_app.api.asking import Body, Limit, TheEngine
from baara_engine import requests
from baara_engine.engine import Engine
from baara_engine.engine_parts.inbox import Arranged
from baara_engine.records import Json, Lane
from baara_engine.schedules import parsing

router = APIRouter(tags=["threads"])

MOST_FOUND = 200  # threads of one search


class Snooze(pydantic.BaseModel):
    """Until when a thread is to be away."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    until: requests.Text = pydantic.Field(description="ISO 8601, or +2h.")


@router.get("/threads")
def listing(engine: TheEngine, lane: Lane | None = None, limit: Limit = 50) -> list[Json]:
    """List threads, newest first; of one lane of the inbox, if it is named."""
    if lane is not None:
        return [documents.row(row) for row in engine.lane(lane, limit=limit)]
    return [documents.thread(one) for one in engine.threads(limit)]


@router.get("/lanes")
def lanes(engine: TheEngine) -> Json:
    """Say how many threads are in each lane of the inbox."""
    return {str(lane): count for lane, count in engine.lanes().items()}


@router.get("/search")
def search(
    engine: TheEngine, q: Annotated[str, Query(description="Words, or beginnings of words.")],
    limit: Annotated[int, Query(ge=1, le=MOST_FOUND)] = 50,
) -> list[Json]:  # fmt: skip
    """Find threads by words in their titles, prompts, results, reports and questions; archived ones too."""
    return [documents.row(row) for row in engine.search(q, limit=limit)]


@router.get("/threads/{thread}")
def show(engine: TheEngine, thread: str) -> Json:
    """Show a thread and what stands in it."""
    found, messages = engine.thread(thread)
    return documents.thread(found) | {"messages": [documents.thread_message(one) for one in messages]}


@router.post("/threads/{thread}/reply", status_code=201, **asking.takes(requests.Said))
def reply(engine: TheEngine, thread: str, body: Annotated[requests.Said, Depends(Body(requests.Said))]) -> Json:
    """Go on in a thread. Gives the execution that hears it: one at work, or another that goes on."""
    return asking.told(engine, engine.reply(thread, body.text, by=asking.SOURCE))


@router.post("/threads/{thread}/done")
def done(engine: TheEngine, thread: str) -> Json:
    """Call a thread done."""
    return _arranged(engine, thread, engine.settle)


@router.post("/threads/{thread}/archive")
def archive(engine: TheEngine, thread: str) -> Json:
    """Take a thread out of the list. Search finds it, and something new in it brings it back."""
    return _arranged(engine, thread, engine.archive)


@router.post("/threads/{thread}/reopen")
def reopen(engine: TheEngine, thread: str) -> Json:
    """Put a thread back, from done, archived or snoozed."""
    return _arranged(engine, thread, engine.reopen)


@router.post("/threads/{thread}/read")
def read(engine: TheEngine, thread: str) -> Json:
    """Call a thread read."""
    return _arranged(engine, thread, engine.mark_read)


@router.post("/threads/{thread}/snooze", **asking.takes(Snooze))
def snooze(engine: TheEngine, thread: str, body: Annotated[Snooze, Depends(Body(Snooze))]) -> Json:
    """Take a thread away for a while."""
    until = parsing.parse_at(body.until, engine.store.clock.now()).at
    return _arranged(engine, thread, lambda ids: engine.snooze(ids, until))


@router.get("/questions", tags=["questions"])
def questions(engine: TheEngine, *, every: bool = False, limit: Limit = 50) -> list[Json]:
    """List what waits for an answer, oldest first; with `every`, what is answered or withdrawn as well."""
    return [documents.question(one) for one in engine.questions(open_only=not every, limit=limit)]


@router.get("/questions/{question}", tags=["questions"])
def question(engine: TheEngine, question: str) -> Json:
    """Show one question with its choices."""
    return documents.question(engine.question(question))


@router.post("/questions/{question}/answer", tags=["questions"], **asking.takes(requests.Said))
def answer(engine: TheEngine, question: str, body: Annotated[requests.Said, Depends(Body(requests.Said))]) -> Json:
    """Answer a question. The first answer stands."""
    return documents.question(engine.answer(question, body.text, by=asking.SOURCE))


@router.get("/grants", tags=["questions"])
def grants(engine: TheEngine, *, every: bool = False, limit: Limit = 50) -> list[Json]:
    """List what a person has allowed for more than one call, newest first."""
    return [documents.grant(one) for one in engine.grants(every=every, limit=limit)]


@router.delete("/grants/{grant}", tags=["questions"])
def revoke(engine: TheEngine, grant: str) -> Json:
    """Take back what was allowed. What has run has run."""
    return documents.grant(engine.revoke(grant, by=asking.SOURCE))


def _arranged(engine: Engine, prefix: str, how: Callable[[Sequence[str]], Arranged]) -> Json:
    [row] = engine.rows(how([engine.find_thread(prefix)]).ids)
    return documents.row(row)
