"""Tools for queues, dead letters, questions, threads and the ledger of due times."""

from collections.abc import Sequence
from typing import Annotated

import pydantic

from baara_app import documents
from baara_app.mcp_server.executions import Id, Limit, OneExecution
from baara_app.mcp_server.tasks import Nothing
from baara_app.mcp_server.tool import SOURCE, Arguments, Effect, tool
from baara_engine.engine import Engine
from baara_engine.records import Json, Lane
from baara_engine.schedules import parsing


class OneQueue(Arguments):
    """Which queue."""

    name: str


class Response(OneExecution):
    """What to answer, and to which execution."""

    response: str


class Answer(Arguments):
    """What to answer, and to which question."""

    question_id: Id
    response: str


class OneThread(Arguments):
    """Which thread."""

    thread_id: Id


class Threads(Arguments):
    """Which threads."""

    lane: Lane | None = None
    limit: Limit = 50


class Search(Arguments):
    """What to look for."""

    query: Annotated[str, pydantic.Field(description="Words, or beginnings of words.")]
    limit: Annotated[int, pydantic.Field(ge=1, le=200)] = 50


class Snooze(OneThread):
    """Which thread, and until when."""

    until: Annotated[str, pydantic.Field(description="ISO 8601, or +2h.")]


class Slots(Arguments):
    """Which due times."""

    schedule_id: str | None = None
    limit: Limit = 50


@tool(Effect.READS)
def list_queues(engine: Engine, _given: Nothing) -> Json:
    """List the four queues with what is in them now."""
    return {"queues": [documents.queue(one) for one in engine.queues()]}


@tool(Effect.READS)
def get_queue_info(engine: Engine, given: OneQueue) -> Json:
    """Show one queue: how many wait and run in it, and how many may run at once."""
    return documents.queue(engine.queue(given.name))


@tool(Effect.READS)
def dlq_list(engine: Engine, _given: Nothing) -> Json:
    """List what has failed for good, newest first, with its cause and what to try."""
    now = engine.store.clock.now()
    return {"dead_letters": [documents.dead_letter(one, now) for one in engine.dead_letters()]}


@tool(Effect.ADDS)
def dlq_retry(engine: Engine, given: OneExecution) -> Json:
    """Go on with a dead letter at its last turn, with a fresh allowance."""
    return documents.execution(engine.resume(given.execution_id), engine.store.clock.now())


@tool(Effect.READS)
def list_pending_input(engine: Engine, _given: Nothing) -> Json:
    """List the questions that wait for a person, oldest first, with their choices and exact arguments."""
    return {"questions": [documents.question(one) for one in engine.questions()]}


@tool(Effect.ADDS)
def provide_input(engine: Engine, given: Response) -> Json:
    """Answer the oldest open question of an execution, in the words of its person. The first answer stands."""
    return documents.question(engine.answer_execution(given.execution_id, given.response, by=SOURCE))


@tool(Effect.ADDS)
def answer_question(engine: Engine, given: Answer) -> Json:
    """Answer one question by its id, in the words of its person. The first answer stands."""
    return documents.question(engine.answer(given.question_id, given.response, by=SOURCE))


@tool(Effect.READS)
def list_threads(engine: Engine, given: Threads) -> Json:
    """List threads of the inbox, newest first; of one lane, if it is named."""
    if given.lane is not None:
        return {"threads": [documents.row(row) for row in engine.lane(given.lane, limit=given.limit)]}
    return {"threads": [documents.thread(one) for one in engine.threads(given.limit)]}


@tool(Effect.READS)
def get_thread(engine: Engine, given: OneThread) -> Json:
    """Show a thread and what stands in it: prompts, results, reports, questions."""
    found, messages = engine.thread(given.thread_id)
    return documents.thread(found) | {"messages": [documents.thread_message(one) for one in messages]}


@tool(Effect.READS)
def search_threads(engine: Engine, given: Search) -> Json:
    """Find threads by words in their titles, prompts, results, reports and questions; archived ones too."""
    return {"threads": [documents.row(row) for row in engine.search(given.query, limit=given.limit)]}


@tool(Effect.SETS)
def mark_thread_done(engine: Engine, given: OneThread) -> Json:
    """Call a thread done. Something new in it brings it back."""
    return _row(engine, engine.settle([engine.find_thread(given.thread_id)]).ids)


@tool(Effect.SETS)
def archive_thread(engine: Engine, given: OneThread) -> Json:
    """Take a thread out of the list. Search finds it, and something new in it brings it back."""
    return _row(engine, engine.archive([engine.find_thread(given.thread_id)]).ids)


@tool(Effect.SETS)
def snooze_thread(engine: Engine, given: Snooze) -> Json:
    """Take a thread away for a while. Refused for work that waits for the person."""
    until = parsing.parse_at(given.until, engine.store.clock.now()).at
    return _row(engine, engine.snooze([engine.find_thread(given.thread_id)], until).ids)


@tool(Effect.READS)
def list_slots(engine: Engine, given: Slots) -> Json:
    """List what became of each due time of the schedules, latest first: ran, late, caught up, missed, skipped."""
    return {"slots": [documents.slot(one) for one in engine.slots(given.schedule_id, given.limit)]}


def _row(engine: Engine, ids: Sequence[str]) -> Json:
    [row] = engine.rows(ids)
    return documents.row(row)
