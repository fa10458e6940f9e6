"""`baara schedule`: when tasks are due, and what became of each due time."""

from typing import Annotated

import typer

from baara_app import documents
from baara_app.cli import common, output, timing
from baara_app.cli.common import Shell
from baara_app.cli.timing import When
from baara_engine import errors, words
from baara_engine.schedules import rules
from baara_engine.schedules.records import Slot

app = typer.Typer(help="When tasks are due, and what became of each due time.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The beginning of the schedule's id.")]
OfTask = Annotated[str | None, typer.Option("--task", metavar="TASK", help="Only those of this task.")]
MOST = 10_000  # rows of a list: more than anybody reads


@app.command("list")
@common.command
def list_(shell: Shell, task: OfTask = None) -> None:
    """List schedules with their next due time."""
    with shell.engine() as engine:
        found = engine.schedules(task)
        names = {one.id: one.name for one in engine.tasks()}
    if shell.json:
        output.document([timing.document(one, names[one.task_id]) for one in found])
        return
    ids = output.ids([one.id for one in found])
    rows = [
        (id_, "on" if one.enabled else "paused", words.local(one.next_due) or "–", one.missed, one.overlap,
         names[one.task_id], rules.describe(rules.decode(one.rule)))
        for id_, one in zip(ids, found, strict=True)
    ]  # fmt: skip
    output.table(("ID", "STATE", "NEXT", "MISSED", "OVERLAP", "TASK", "DUE"), rows)


@app.command("slots")
@common.command
def slots(
    shell: Shell,
    schedule: Annotated[str | None, typer.Argument(metavar="ID", help="Only of this schedule.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many, latest first.")] = 50,
) -> None:
    """List what became of each due time, latest first."""
    with shell.engine() as engine:
        found = engine.slots(schedule, limit)
    if shell.json:
        output.document([documents.slot(one) for one in found])
        return
    rows = [(_due(one), one.state.replace("_", " "), one.execution_id or "–", one.why) for one in found]
    output.table(("DUE", "STATE", "EXECUTION", "WHY"), rows)


@app.command("create")
@common.command
def create(
    shell: Shell,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Its name, or the beginning of its id.")],
    *,
    when: When,
) -> None:
    """Let a task be due at times; it may have several schedules."""
    rule = when.rule()
    if when.dry_run or rule is None:
        timing.dry_run(shell, rule)
        return
    said = when.timing()
    with shell.engine() as engine:
        found = engine.task(task)
        timing.preview(shell, rule)
        timing.show(shell, engine, engine.create_schedule(found.id, rule, said))


@app.command("update")
@common.command
def update(shell: Shell, schedule: Id, *, when: When) -> None:
    """Change what is given, and leave the rest as it is. It holds at once."""
    rule, said = when.rule(), when.timing()
    if when.dry_run:
        timing.dry_run(shell, rule)
        return
    if rule is None and not said.model_dump(exclude_none=True):
        raise errors.InvalidInput("Say what is to be changed; see: baara schedule update --help")
    with shell.engine() as engine:
        found = engine.schedule(schedule)
        if rule is not None:
            timing.preview(shell, rule)
        timing.show(shell, engine, engine.update_schedule(found.id, rule, said))


@app.command("pause")
@common.command
def pause(shell: Shell, schedule: Id) -> None:
    """Let a schedule rest: what is due meanwhile is skipped."""
    with shell.engine() as engine:
        timing.show(shell, engine, engine.pause_schedule(schedule))


@app.command("resume")
@common.command
def resume(shell: Shell, schedule: Id) -> None:
    """Let a paused schedule go on."""
    with shell.engine() as engine:
        timing.show(shell, engine, engine.resume_schedule(schedule))


@app.command("delete")
@common.command
def delete(shell: Shell, schedule: Id) -> None:
    """Delete a schedule and its ledger. What it has run stays."""
    with shell.engine() as engine:
        task = engine.task(engine.schedule(schedule).task_id)
        deleted = engine.delete_schedule(schedule)
    if shell.json:
        output.document(timing.document(deleted, task.name))
    else:
        output.text(f"Deleted a schedule of the task “{task.name}”. What it has run stays.")


def _due(slot: Slot) -> str:
    if slot.last_due == slot.due:
        return words.local(slot.due) or ""
    count = "many" if slot.count is None else str(slot.count)
    return f"{words.local(slot.due)} – {words.local(slot.last_due)} ({count})"
