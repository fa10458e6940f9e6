"""Queueing from the command line: what submit and the tasks share."""

from typing import Any

from baara_app import documents
from baara_app.cli import options, output, waiting
from baara_app.cli.common import Shell
from baara_engine import clock, errors, requests
from baara_engine.engine import Engine
from baara_engine.records import Execution


def of_task(engine: Engine, name_or_id: str, said: dict[str, Any]) -> requests.Submission:
    """Give the submission of a task's next execution, changed by what was said.

    Raises `errors.NotFound`, `errors.InvalidInput`, or `errors.Refused` if the task is switched off.
    """
    task = engine.task(name_or_id)
    if not task.enabled:
        raise errors.Refused(f"The task “{task.name}” is switched off. Switch it on first: baara tasks toggle.")
    known = {name: getattr(task, name) for name in requests.Options.model_fields}
    known |= {"prompt": task.prompt, "name": task.name, "task_id": task.id, "source": options.SOURCE}
    with options.as_typed():
        return requests.parse(requests.Submission, known | said)


def show(shell: Shell, engine: Engine, execution: Execution, *, wait: bool) -> int | None:
    """Show what was queued, and follow it if that is wanted; give the exit status."""
    if not shell.json:
        output.text(execution.id)
    if wait:
        return waiting.follow(shell, engine, execution)
    if shell.json:
        output.document(documents.execution(execution, clock.SystemClock().now()))
    if not engine.is_working():
        output.tell("It is queued, and no engine is running: start one by `baara serve`, or add --wait.")
    return None
