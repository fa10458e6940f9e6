"""`baara questions`: what waits for a person."""

from typing import Annotated

import typer

from baara_app.cli import common, documents, options, output, words
from baara_app.cli.common import Shell

app = typer.Typer(help="What waits for your answer.")

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


@app.command("answer")
@common.command
def answer(
    shell: Shell,
    question: Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id.")],
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
