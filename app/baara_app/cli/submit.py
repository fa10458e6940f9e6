"""`baara submit`: queue one prompt or command, and wait for it if that is wanted."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from baara_app.cli import common, options, output, queueing, templates
from baara_app.cli.common import Shell
from baara_app.cli.options import How
from baara_engine import clock, errors, redaction, requests
from baara_engine.schedules import parsing


@dataclass(frozen=True, slots=True)
class Once:
    """What can be said of one execution."""

    name: Annotated[str | None, typer.Option(help="What lists call it; else the first line of the prompt.")] = None
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not before: ISO 8601 (local unless it names a zone), +90, +10m.")
    ] = None
    key: Annotated[
        str | None, typer.Option(help="The same key gives the same execution again instead of a second one.")
    ] = None

    def values(self) -> dict[str, Any]:
        """Give what was said, as the fields of `requests.Submission`. Raises `errors.InvalidInput`."""
        not_before = None if self.at is None else _time(self.at)
        said = {"name": self.name, "not_before": not_before, "idempotency_key": self.key}
        return {name: value for name, value in said.items() if value is not None}


KEPT_AS_TYPED = "This prompt holds what looks like a key or a password. It is kept as you typed it, for all time."


@common.command
def submit(
    shell: Shell,
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="What is to be done; `-` reads standard input.")
    ] = None,
    *,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Run this task once instead of a prompt.")] = None,
    template: Annotated[str | None, typer.Option(metavar="NAME", help="Use this template instead of a prompt.")] = None,
    param: templates.Params = None,
    once: Once,
    how: How,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
) -> int | None:
    """Queue one prompt or command, with or without a running engine. Prints the execution's id."""
    said = how.values() | once.values()
    if prompt is not None:
        said["prompt"] = options.text(prompt)
    if param and template is None:
        raise errors.InvalidInput("--param belongs to a template: name it by --template NAME.")
    if template is not None:
        if prompt is not None or task is not None:
            raise errors.InvalidInput("Give one of them: a PROMPT, --task or --template.")
        with shell.engine() as engine, options.as_typed():
            said |= {"source": options.SOURCE}
            execution = engine.submit_template(template, templates.values(param), said)
            return queueing.show(shell, engine, execution, wait=wait)
    if task is None:
        submission = _one_off(said)
        if redaction.known.holds(submission.prompt):
            output.tell(KEPT_AS_TYPED)
        with shell.engine() as engine:
            return queueing.show(shell, engine, engine.submit(submission), wait=wait)
    with shell.engine() as engine:
        return queueing.show(shell, engine, engine.submit(queueing.of_task(engine, task, said)), wait=wait)


def _one_off(said: dict[str, Any]) -> requests.Submission:
    if "prompt" not in said:
        raise errors.InvalidInput("Say what is to be done: baara submit PROMPT, or baara submit --task NAME.")
    with options.as_typed():
        return requests.parse(requests.Submission, said | {"source": options.SOURCE})


def _time(text: str) -> clock.Millis:
    try:
        return parsing.parse_at(text, clock.SystemClock().now()).at
    except errors.InvalidInput as error:
        raise errors.InvalidInput(f"--at: {error.message}") from None
