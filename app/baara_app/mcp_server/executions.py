"""Tools for executions: what ran, runs and is to run."""

from dataclasses import asdict
from typing import Annotated, Any

import pydantic

from baara_app import documents, loglines
from baara_app.mcp_server.tasks import How, Nothing
from baara_app.mcp_server.tool import SOURCE, Arguments, Effect, tool
from baara_engine import errors, requests
from baara_engine.clock import iso
from baara_engine.engine import Engine
from baara_engine.records import Execution, Json
from baara_engine.schedules import parsing
from baara_engine.states import Status

MOST = 1000  # rows of an answer: more would fill the window of whoever reads it
Limit = Annotated[int, pydantic.Field(ge=1, le=MOST)]
Id = Annotated[str, pydantic.Field(description="The beginning of its id.")]


class OneExecution(Arguments):
    """Which execution."""

    execution_id: Id


class Listing(Arguments):
    """Which executions."""

    task_name_or_id: str | None = None
    status: Status | None = None
    limit: Limit = 50


class Events(OneExecution):
    """Which events of an execution."""

    after_seq: Annotated[int, pydantic.Field(ge=0, description="Only events after this number.")] = 0
    limit: Limit = 200


class Logs(OneExecution):
    """Which lines of an execution's log."""

    level: loglines.Level = loglines.Level.INFO
    search: str = ""
    limit: Limit = 100
    offset: Annotated[int, pydantic.Field(ge=0, description="Lines to leave out, from the newest back.")] = 0


class Prompt(How):
    """One prompt, and how it is to be run."""

    prompt: str
    name: str | None = None
    at: Annotated[str | None, pydantic.Field(description="Not before: ISO 8601, or +10m.")] = None
    idempotency_key: Annotated[
        str | None, pydantic.Field(description="The same key gives the same execution again.")
    ] = None


class Fork(OneExecution):
    """From which turn another execution goes on, and what is different about it."""

    turn: Annotated[int, pydantic.Field(ge=0, description="The last one that it has; 0 for the request alone.")]
    prompt: str | None = None
    model: str | None = None


class Resume(OneExecution):
    """A dead letter, and what is different when it goes on."""

    say: Annotated[str | None, pydantic.Field(description="Tell the agent this first.")] = None
    command: str | None = None
    model: str | None = None


class Say(OneExecution):
    """What to say to an agent at work."""

    text: str


@tool(Effect.READS)
def list_executions(engine: Engine, given: Listing) -> Json:
    """List executions, newest first; of one task or in one state, if that is named."""
    found = engine.executions(status=given.status, task=given.task_name_or_id, limit=given.limit)
    return {"executions": [_told(engine, one) for one in found]}


@tool(Effect.READS)
def get_execution(engine: Engine, given: OneExecution) -> Json:
    """Show one execution: its state and outcome, output, checks, cost, what it waits for, what failed."""
    return _told(engine, engine.execution(given.execution_id))


@tool(Effect.READS)
def get_execution_events(engine: Engine, given: Events) -> Json:
    """Give what happened to an execution, oldest first, after a number. Ask again from the last number on."""
    found = engine.events(given.after_seq, execution=given.execution_id, limit=given.limit)
    return {"events": [documents.event(one) for one in found], "last_seq": found[-1].seq if found else given.after_seq}


@tool(Effect.READS)
def get_execution_logs(engine: Engine, given: Logs) -> Json:
    """Give what happened to an execution as log lines, the newest `limit` of them, oldest first."""
    wanted = loglines.select(engine, given.execution_id, given.level, given.search, given.limit + given.offset)
    page = wanted[: len(wanted) - given.offset][-given.limit :]
    return {"lines": [asdict(line) | {"at": iso(line.at)} for line in page]}


@tool(Effect.READS)
def get_execution_files(engine: Engine, given: OneExecution) -> Json:
    """List the files of its workspace that were changed while it worked: path, size, type, SHA-256."""
    return {"files": [documents.artifact(one) for one in engine.artifacts(given.execution_id)]}


@tool(Effect.SETS)
def cancel_execution(engine: Engine, given: OneExecution) -> Json:
    """Call an execution off: at once if nobody works on it, else after its current step."""
    return _told(engine, engine.cancel(given.execution_id))


@tool(Effect.ADDS)
def retry_execution(engine: Engine, given: OneExecution) -> Json:
    """Try again what has failed for good, at its last turn, or at once what waits for its time."""
    return _told(engine, engine.retry(given.execution_id))


@tool(Effect.ADDS)
def resume_execution(engine: Engine, given: Resume) -> Json:
    """Go on with a dead letter at its last turn and with a fresh allowance, changed if that is wanted."""
    edits = requests.parse(requests.Edits, {"command": given.command, "model": given.model})
    return _told(engine, engine.resume(given.execution_id, given.say, edits))


@tool(Effect.ADDS)
def fork_execution(engine: Engine, given: Fork) -> Json:
    """Go on from a turn of an execution as another one, in the same thread."""
    return _told(engine, engine.fork(given.execution_id, given.turn, prompt=given.prompt, model=given.model))


@tool(Effect.ADDS)
def say_to_execution(engine: Engine, given: Say) -> Json:
    """Say something to an agent at work: it hears it after its current step."""
    return documents.said(engine.say(given.execution_id, given.text, by=SOURCE))


@tool(Effect.ADDS)
def submit_prompt(engine: Engine, given: Prompt) -> Json:
    """Queue one prompt (or shell command) and return at once. Its result lands in the inbox; get_execution shows it."""
    return _told(engine, _submitted(engine, given))


@tool(Effect.ADDS, waits=True)
def run_prompt(engine: Engine, given: Prompt) -> Json:
    """Queue one prompt (or shell command), and wait until it has ended or needs a person; five minutes at most."""
    return _told(engine, _submitted(engine, given))


@tool(Effect.READS)
def get_system_status(engine: Engine, _given: Nothing) -> Json:
    """Say how it stands: the queues, what needs a person, what failed, what is due next, what is not well."""
    return documents.status(engine)


def _submitted(engine: Engine, given: Prompt) -> Execution:
    if given.cron_expression is not None or given.missed_policy is not None:
        raise errors.InvalidInput("What is to run again and again is a task: use create_task.")
    said: dict[str, Any] = {"prompt": given.prompt, "name": given.name, "idempotency_key": given.idempotency_key}
    if given.at is not None:
        said["not_before"] = parsing.parse_at(given.at, engine.store.clock.now(), given.time_zone).at
    own = {name: value for name, value in given.said().items() if name != "description"}
    return engine.submit(requests.parse(requests.Submission, own | said | {"source": SOURCE}))


def _told(engine: Engine, execution: Execution) -> Json:
    return documents.execution(execution, engine.store.clock.now())
