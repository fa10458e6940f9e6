"""`baara questions`: what waits for a person."""

from typing import Annotated

import typer

from baara_app import documents
from baara_app.cli import common, options, output
from baara_app.cli.common import Shell
from baara_engine import requests, tools, words
from baara_engine.permission import showing
from baara_engine.records import Grant, Question

app = typer.Typer(help="What waits for your answer.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id.")]
MOST = 10_000  # rows of a list: more than anybody reads


@app.command("list")
@common.command
def list_(
    shell: Shell,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that are answered or withdrawn as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many, oldest first.")] = 50,
) -> None:
    """List questions, oldest first."""
    with shell.engine() as engine:
        found = engine.questions(open_only=not every, limit=limit)
    if shell.json:
        output.document([documents.question(question) for question in found])
        return
    ids = output.ids([question.id for question in found])
    rows = [
        (id_, question.status, words.local(question.created_at) or "", " · ".join(question.options), question.text)
        for id_, question in zip(ids, found, strict=True)
    ]
    output.table(("ID", "STATE", "ASKED", "CHOICES", "QUESTION"), rows)


@app.command("show")
@common.command
def show(shell: Shell, question: Id) -> None:
    """Show one question with its choices and what each of them does."""
    with shell.engine() as engine:
        found = engine.question(question)
    if shell.json:
        output.document(documents.question(found))
        return
    choices = found.detail.get("choices") or dict.fromkeys(found.options, "")
    output.fields([
        ("Question", found.text),
        ("Call", _call(found)),
        ("Id", found.id),
        ("Execution", found.execution_id),
        ("State", found.status),
        ("Asked", words.local(found.created_at)),
        *[("Choice", f"{choice}: {meaning}" if meaning else choice) for choice, meaning in choices.items()],
        ("Answer", found.answer),
        ("By", found.answered_by),
        ("At", words.local(found.answered_at)),
    ])  # fmt: skip


@app.command("answer")
@common.command
def answer(
    shell: Shell,
    question: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer; `-` reads standard input.")],
) -> None:
    """Answer a question. The first answer stands."""
    with shell.engine() as engine, options.as_typed():
        answered = engine.answer(question, options.text(text), by=options.SOURCE)
        after = engine.execution(answered.execution_id)
    if shell.json:
        output.document(documents.question(answered))
    else:
        output.text(f"Answered. Execution {after.id}: {words.state(after)}.")


@app.command("grants")
@common.command
def grants(
    shell: Shell,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those for one call, revoked or run out as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many, newest first.")] = 50,
) -> None:
    """List what you have allowed for more than one call, newest first."""
    with shell.engine() as engine:
        found = engine.grants(every=every, limit=limit)
    if shell.json:
        output.document([documents.grant(grant) for grant in found])
        return
    ids = output.ids([grant.id for grant in found])
    rows = [
        (id_, grant.scope, _covered(grant), grant.task_id or f"execution {grant.execution_id}",
         words.local(grant.expires_at) or "–", "revoked" if grant.revoked_at else "holds")
        for id_, grant in zip(ids, found, strict=True)
    ]  # fmt: skip
    output.table(("ID", "SCOPE", "WHAT", "TASK", "UNTIL", "STATE"), rows)


@app.command("allow")
@common.command
def allow(
    shell: Shell,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Its name, or the beginning of its id.")],
    tool: Annotated[str, typer.Argument(metavar="TOOL", help=f"One of: {', '.join(tools.TABLE)}.")],
    *,
    command: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Of bash and the like: just this command, or code.")
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(metavar="WORDS", help="Of bash: commands of plain words that begin with these.")
    ] = None,
) -> None:
    """Let a tool run unasked in all executions of a task whose permission is `ask`, until you revoke it."""
    with options.as_typed(tool="TOOL"):
        allowance = requests.parse(requests.Allowance, {"tool": tool, "command": command, "prefix": prefix})
    with shell.engine() as engine:
        grant = engine.allow(task, allowance, by=options.SOURCE)
    if shell.json:
        output.document(documents.grant(grant))
    else:
        output.text(f"Allowed: {_covered(grant)}. To take it back: baara questions revoke {grant.id}")


@app.command("revoke")
@common.command
def revoke(
    shell: Shell, grant: Annotated[str, typer.Argument(metavar="GRANT", help="The beginning of its id.")]
) -> None:
    """Take back what you have allowed. What has run has run; further calls are asked about again."""
    with shell.engine() as engine:
        revoked = engine.revoke(grant, by=options.SOURCE)
    if shell.json:
        output.document(documents.grant(revoked))
    else:
        output.text(f"Revoked: {_covered(revoked)}.")


def _call(question: Question) -> str | None:
    """Give the whole of a call that was too long for the question about it."""
    whole = showing.whole(question.detail["input"]) if question.kind == "approval" else ""
    return None if whole in question.text else whole


def _covered(grant: Grant) -> str:
    if grant.command is None:
        return grant.tool
    return f"{grant.tool}: {grant.command}{' …' if grant.is_prefix else ''}"
