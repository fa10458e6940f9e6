"""`baara threads`: what the inbox shows."""

from collections.abc import Callable
from typing import Annotated

import typer

from baara_app import documents
from baara_app.cli import common, options, output
from baara_app.cli.common import Shell
from baara_engine import clock, words
from baara_engine.engine import Engine
from baara_engine.engine_parts.inbox import Arranged
from baara_engine.records import Lane, Row
from baara_engine.schedules import parsing

app = typer.Typer(help="The inbox: prompts, results, reports and questions.")

LANES = {lane: lane.replace("_", " ") for lane in Lane}
Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="The beginnings of their ids.")]

MOST = 10_000  # rows of a list: more than anybody reads


@app.command("list")
@common.command
def list_(
    shell: Shell,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many, newest first.")] = 50,
    lane: Annotated[Lane | None, typer.Option(help="Only this lane of the inbox.")] = None,
) -> None:
    """List threads, newest first; of one lane of the inbox, if it is named."""
    with shell.engine() as engine:
        found = engine.threads(limit) if lane is None else [row.thread for row in engine.lane(lane, limit=limit)]
    if shell.json:
        output.document([documents.thread(thread) for thread in found])
        return
    ids = output.ids([thread.id for thread in found])
    rows = [
        (id_, LANES[one.lane], "new" if one.unread else "", words.local(one.updated_at) or "", one.source, one.title)
        for id_, one in zip(ids, found, strict=True)
    ]
    output.table(("ID", "LANE", "UNREAD", "CHANGED", "FROM", "TITLE"), rows)


@app.command("search")
@common.command
def search(
    shell: Shell,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words, or beginnings of words.")],
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 50,
) -> None:
    """Find threads by words in their titles, prompts, results, reports and questions; archived ones too."""
    with shell.engine() as engine, options.as_typed():
        found = engine.search(text, limit=limit)
    _show(shell, found)


@app.command("done")
@common.command
def done(shell: Shell, threads: Ids) -> None:
    """Call threads done."""
    _arrange(shell, threads, lambda engine, ids: engine.settle(ids))


@app.command("archive")
@common.command
def archive(shell: Shell, threads: Ids) -> None:
    """Take threads out of the list. Search finds them, and something new in them brings them back."""
    _arrange(shell, threads, lambda engine, ids: engine.archive(ids))


@app.command("reopen")
@common.command
def reopen(shell: Shell, threads: Ids) -> None:
    """Put threads back, from done, archived or snoozed."""
    _arrange(shell, threads, lambda engine, ids: engine.reopen(ids))


@app.command("snooze")
@common.command
def snooze(
    shell: Shell,
    threads: Ids,
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="When they come back: +2h, 2026-12-24 18:00.")],
) -> None:
    """Take threads away for a while."""
    moment = parsing.parse_at(until, clock.SystemClock().now()).at
    _arrange(shell, threads, lambda engine, ids: engine.snooze(ids, moment))


def _arrange(shell: Shell, prefixes: list[str], how: Callable[[Engine, list[str]], Arranged]) -> None:
    with shell.engine() as engine, options.as_typed():
        arranged = how(engine, [engine.find_thread(prefix) for prefix in prefixes])
        found = engine.rows(arranged.ids)
    _show(shell, found)


def _show(shell: Shell, found: list[Row]) -> None:
    if shell.json:
        output.document([documents.row(row) for row in found])
        return
    ids = output.ids([row.thread.id for row in found])
    rows = [
        (id_, LANES[row.thread.lane], words.state(row.latest) if row.latest else "", row.thread.title, row.line)
        for id_, row in zip(ids, found, strict=True)
    ]
    output.table(("ID", "LANE", "STATE", "TITLE", "LINE"), rows)


@app.command("reply")
@common.command
def reply(
    shell: Shell,
    thread: Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id.")],
    text: Annotated[str, typer.Argument(metavar="TEXT")],
) -> None:
    """Go on in a thread: an agent at work hears it, or another execution goes on with the conversation.

    Prints the id of the execution that hears it. `-` reads standard input.
    """
    with shell.engine() as engine, options.as_typed():
        heard_by = engine.reply(thread, options.text(text), by=options.SOURCE)
    if shell.json:
        output.document(documents.execution(heard_by, clock.SystemClock().now()))
    else:
        output.text(heard_by.id)


@app.command("show")
@common.command
def show(shell: Shell, thread: Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id.")]) -> None:
    """Show what stands in a thread."""
    with shell.engine() as engine:
        found, messages = engine.thread(thread)
    if shell.json:
        told = [documents.thread_message(message) for message in messages]
        output.document(documents.thread(found) | {"messages": told})
        return
    output.fields([("Thread", found.title), ("Id", found.id), ("From", found.source)])
    for message in messages:
        output.text(f"\n── {message.kind} · {words.local(message.at)} ──")
        output.text("\n".join(part for part in (message.title, message.body, *message.files) if part))
