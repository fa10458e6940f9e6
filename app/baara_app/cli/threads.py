"""`baara threads`: what the inbox shows."""

from typing import Annotated

import typer

from baara_app.cli import common, documents, options, output, words
from baara_app.cli.common import Shell
from baara_engine import clock

app = typer.Typer(help="The inbox: prompts, results, reports and questions.")

MOST = 10_000  # rows of a list: more than anybody reads


@app.command("list")
@common.command
def list_(
    shell: Shell, limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many, newest first.")] = 50
) -> None:
    """List threads, newest first."""
    with shell.engine() as engine:
        found = engine.threads(limit)
    if shell.json:
        output.document([documents.thread(thread) for thread in found])
        return
    ids = output.ids([thread.id for thread in found])
    rows = [(id_, "new" if thread.unread else "", words.local(thread.updated_at) or "", thread.source, thread.title)
            for id_, thread in zip(ids, found, strict=True)]  # fmt: skip
    output.table(("ID", "UNREAD", "CHANGED", "FROM", "TITLE"), rows)


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
