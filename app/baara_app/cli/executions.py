"""`baara executions`: the runs, and what can be done with them."""

from dataclasses import asdict
from typing import Annotated

import typer

from baara_app import documents, loglines
from baara_app.cli import common, journal, options, output, waiting
from baara_app.cli.common import Shell
from baara_app.loglines import Level
from baara_engine import clock, states, words
from baara_engine.clock import iso
from baara_engine.engine import Engine
from baara_engine.records import Attempt, Compaction, Execution, Json, Kind, Permission, Progress
from baara_engine.states import Status

app = typer.Typer(help="What ran, runs and is to run.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id.")]
MOST = 10_000  # rows of a list: more than anybody reads, and little enough for memory
LOG_LINES = 200  #: lines of a log unless more are asked for
Limit = Annotated[int, typer.Option(min=1, max=MOST, help="How many, the newest first to count.")]


@app.command("list")
@common.command
def list_(
    shell: Shell,
    status: Annotated[Status | None, typer.Option(help="Only those in this state.")] = None,
    task: Annotated[str | None, typer.Option(help="Only those of this task.")] = None,
    limit: Limit = 50,
) -> None:
    """List executions, newest first."""
    with shell.engine() as engine:
        found = engine.executions(status=status, task=task, limit=limit)
    if shell.json:
        now = clock.SystemClock().now()
        output.document([documents.execution(execution, now) for execution in found])
        return
    ids = output.ids([execution.id for execution in found])
    rows = [
        (id_, words.state(execution), words.local(execution.created_at) or "", words.cost(execution), execution.name)
        for id_, execution in zip(ids, found, strict=True)
    ]
    output.table(("ID", "STATE", "SUBMITTED", "COST", "NAME"), rows)


@app.command("show")
@common.command
def show(shell: Shell, execution: Id) -> None:
    """Show one execution with all that is known of it."""
    with shell.engine() as engine:
        below, known = engine.sub_tasks(execution), engine.progress(execution)
        _show(shell, engine.execution(execution), engine.attempts(execution), below, *known)


@app.command("events")
@common.command
def events_(
    shell: Shell,
    execution: Id,
    *,
    after: Annotated[int, typer.Option(metavar="N", min=0, help="Only events after number N.")] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until it has ended; with --json, one document a line.")
    ] = False,
) -> None:
    """Print the events of an execution, oldest first."""
    with shell.engine() as engine:
        if follow:
            _follow(shell, engine, engine.execution(execution).id, after)
            return
        found = list(loglines.after(engine, after, execution))
    if shell.json:
        output.document([documents.event(event) for event in found])
    else:
        rows = [(str(event.seq), iso(event.at) or "", event.kind, loglines.sentence(event)) for event in found]
        output.table(("SEQ", "AT", "KIND", "WHAT"), rows)


@app.command("files")
@common.command
def files(shell: Shell, execution: Id) -> None:
    """List the files of its workspace that were changed while it worked: size, type and SHA-256."""
    with shell.engine() as engine:
        found = engine.artifacts(execution)
    if shell.json:
        output.document([documents.artifact(one) for one in found])
        return
    rows = [(one.path, f"{one.size:,}", one.media_type, (one.sha256 or "–")[:12]) for one in found]
    output.table(("FILE", "BYTES", "TYPE", "SHA-256"), rows)


@app.command("logs")
@common.command
def logs(
    shell: Shell,
    execution: Id,
    level: Annotated[Level, typer.Option(help="The least that a line must matter.")] = Level.INFO,
    search: Annotated[str | None, typer.Option(help="Only lines with this text, in any case.")] = None,
    limit: Limit = LOG_LINES,
) -> None:
    """Print what happened to an execution as log lines, oldest first."""
    with shell.engine() as engine:
        wanted = loglines.select(engine, execution, level, search or "", limit)
    if shell.json:
        output.document([asdict(line) | {"at": iso(line.at)} for line in wanted])
        return
    for line in wanted:
        output.text(f"{words.local(line.at)}  {line.level:<7}  {line.text}")


@app.command("journal")
@common.command
def journal_(shell: Shell, execution: Id) -> None:
    """Print the messages and tool calls of an execution; with --json, all of each."""
    with shell.engine() as engine:
        messages, calls = engine.journal(execution)
    if shell.json:
        told = [documents.message(message) for message in messages]
        output.document({"messages": told, "tool_calls": [documents.tool_call(call) for call in calls]})
    else:
        output.text(journal.text(messages, calls))


@app.command("wait")
@common.command
def wait(
    shell: Shell,
    execution: Id,
    timeout: Annotated[float | None, typer.Option(metavar="S", min=0, help="Wait no longer than this.")] = None,
) -> int | None:
    """Wait until an execution has ended. The exit status is 0 if it ran, and 1 if it failed."""
    with shell.engine() as engine:
        return waiting.follow(shell, engine, engine.execution(execution), timeout_s=timeout)


@app.command("cancel")
@common.command
def cancel(shell: Shell, execution: Id) -> None:
    """Call an execution off."""
    with shell.engine() as engine:
        _tell(shell, engine.cancel(execution))


@app.command("say")
@common.command
def say(shell: Shell, execution: Id, text: Annotated[str, typer.Argument(metavar="TEXT")]) -> None:
    """Say something to an agent at work: it hears it after its current step. `-` reads standard input."""
    with shell.engine() as engine, options.as_typed():
        said = engine.say(execution, options.text(text), by=options.SOURCE)
    if shell.json:
        output.document(documents.said(said))
    else:
        output.text("It is kept, and the agent hears it after its current step.")


@app.command("retry")
@common.command
def retry(shell: Shell, execution: Id) -> None:
    """Try again what has failed, or at once what waits for its time."""
    with shell.engine() as engine:
        _tell(shell, engine.retry(execution))


@app.command("resume")
@common.command
def resume(shell: Shell, execution: Id, edits: options.Edits) -> None:
    """Go on with what has failed for good, at its last turn and with a fresh allowance, changed if that is wanted."""
    act = edits.verb()
    with shell.engine() as engine, options.as_typed():
        _tell(shell, act(engine, execution))


@app.command("fork")
@common.command
def fork(
    shell: Shell,
    execution: Id,
    *,
    turn: Annotated[int, typer.Option(metavar="N", help="The last turn that it takes over; 0 for the request alone.")],
    how: options.Fork,
) -> None:
    """Go on from a turn of an execution as another one; the first stays as it is.

    It works in a copy of the folder as that is now, where Baara had made it.
    """
    with shell.engine() as engine, options.as_typed(turn="--turn", prompt="--prompt"):
        _tell(shell, engine.fork(execution, turn, **how.changes()))


@app.command("answer")
@common.command
def answer(shell: Shell, execution: Id, text: Annotated[str, typer.Argument(metavar="TEXT")]) -> None:
    """Answer the question that an execution waits for."""
    with shell.engine() as engine, options.as_typed():
        question = engine.answer_execution(execution, options.text(text), by=options.SOURCE)
        after = engine.execution(question.execution_id)
    if shell.json:
        output.document(documents.question(question))
    else:
        output.text(f"Answered. Execution {after.id}: {words.state(after)}.")


def _follow(shell: Shell, engine: Engine, execution_id: str, seq: int) -> None:
    """Print events as they come, until the execution has ended."""
    with engine.news() as news:
        while True:
            ended = engine.execution(execution_id).status in states.ENDED
            for event in loglines.after(engine, seq, execution_id):
                seq = event.seq
                if shell.json:
                    output.record(documents.event(event))
                else:
                    output.text(f"{seq}  {iso(event.at)}  {event.kind}  {loglines.sentence(event)}")
            if ended:
                return
            news.wait(waiting.LOOK_S)


def _tell(shell: Shell, execution: Execution) -> None:
    if shell.json:
        output.document(documents.execution(execution, clock.SystemClock().now()))
    else:
        output.text(f"Execution {execution.id}: {words.state(execution)}.")


def _show(
    shell: Shell, execution: Execution, attempts: list[Attempt], below: list[Execution], progress: Progress,
    made: list[Compaction],
) -> None:  # fmt: skip
    now = clock.SystemClock().now()
    if shell.json:
        leases = [documents.attempt(attempt) for attempt in attempts]
        more = {"attempts": leases, "sub_tasks": [one.id for one in below]}
        output.document(documents.execution(execution, now) | more | documents.intent(progress, made))
        return
    sub_tasks = [("Sub-task", f"{one.id}  {words.state(one)}  {one.name}") for one in below]
    how_far = [*_how_far(execution, now), *_intent(progress, made), *sub_tasks]
    output.fields([*_what(execution), *how_far, *_outcome(execution)])


def _what(execution: Execution) -> list[tuple[str, str | None]]:
    return [
        ("Execution", execution.name),
        ("Id", execution.id),
        ("State", words.state(execution)),
        ("Until", words.local(execution.waiting_until)),
        ("Question", execution.waiting_question),
        ("Kind", execution.kind),
        ("Prompt", execution.prompt if execution.prompt != execution.name else None),
        ("Task", execution.task_id),
        ("Project", execution.project_id),
        ("Part of", execution.parent_id),
        ("Thread", execution.thread_id),
        ("From", execution.source),
        ("Queue", f"{execution.queue}, priority {execution.priority}"),
        ("Sandbox", execution.sandbox),
        ("Permission", execution.permission if execution.permission is not Permission.AUTO else None),
        ("Workspace", execution.workspace),
        ("Model", execution.model if execution.kind is Kind.AGENT else None),
    ]


def _how_far(execution: Execution, now: int) -> list[tuple[str, str | None]]:
    tokens = f"{execution.input_tokens:,} in, {execution.output_tokens:,} out"
    return [
        ("Attempt", f"{execution.attempt} of {execution.max_retries + 1 + execution.allowance_from}"),
        ("Turns", f"{execution.turn} of {execution.max_turns}" if execution.kind is Kind.AGENT else None),
        ("Tokens", tokens if execution.turn else None),
        ("Cost", words.cost(execution) if execution.turn else None),
        ("Submitted", words.local(execution.created_at)),
        ("Started", words.local(execution.started_at)),
        ("Ended", words.local(execution.completed_at)),
        ("Took", words.duration(execution, now)),
        ("Last sign", _last_sign(execution)),
        *[("Resumed", f"at turn {entry['turn']}, {words.local(entry['at'])}") for entry in execution.resumed],
    ]


def _intent(progress: Progress, made: list[Compaction]) -> list[tuple[str, str | None]]:
    """Say what the agent has noted, and from which turn on its conversation is still sent."""
    return [
        *[("Constraint", item) for item in progress.constraints],
        *[("Done", item) for item in progress.done],
        ("Next step", progress.next or None),
        ("Compacted", f"{len(made)} times; sent from turn {made[-1].turn + 1} on" if made else None),
    ]


def _last_sign(execution: Execution) -> str | None:
    """Say when something that is at work was last heard of."""
    if execution.status not in states.LEASED or execution.beat_at is None:
        return None
    return f"{words.local(execution.beat_at)}, {execution.beat}"


def _outcome(execution: Execution) -> list[tuple[str, str | None]]:
    cause = f"{execution.error_cause}: {execution.error_message}" if execution.error_cause else None
    results = [("Check", _check(result)) for result in execution.check_results]
    pending = [("Check", f"not run yet: {spec}") for spec in execution.checks if not results]
    return [("Error", cause), *results, *pending, ("Output", execution.output or None)]


def _check(result: Json) -> str:
    told = f"{'passed' if result['passed'] else 'failed'}: {result['spec']}"
    return told if result["passed"] else f"{told}\n{result['detail']}"
