"""`baara tasks`: definitions that can run many times."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from baara_app import documents
from baara_app.cli import common, options, output, queueing, timing
from baara_app.cli.common import Shell
from baara_app.cli.options import How
from baara_app.cli.timing import When
from baara_engine import errors, money, requests, resuming, sandboxes, words
from baara_engine.engine import Engine
from baara_engine.records import Estimate, Kind, Task

app = typer.Typer(help="Definitions that can run many times.")

Named = Annotated[str, typer.Argument(metavar="TASK", help="Its name, or the beginning of its id.")]
Prompt = Annotated[str | None, typer.Option(help="What is to be done; `-` reads standard input.")]
Description = Annotated[str | None, typer.Option(help="What it is for.")]


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List all tasks by name."""
    with shell.engine() as engine:
        found = engine.tasks()
    if shell.json:
        output.document([documents.task(task) for task in found])
        return
    ids = output.ids([task.id for task in found])
    rows = [(id_, "on" if task.enabled else "off", task.kind, task.queue, task.name)
            for id_, task in zip(ids, found, strict=True)]  # fmt: skip
    output.table(("ID", "STATE", "KIND", "QUEUE", "NAME"), rows)


@app.command("show")
@common.command
def show(shell: Shell, task: Named) -> None:
    """Show one task."""
    with shell.engine() as engine:
        show_one(shell, engine, engine.task(task))


@app.command("create")
@common.command
def create(
    shell: Shell,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called; no two tasks have one name.")],
    *,
    prompt: Prompt = None,
    description: Description = None,
    how: How,
    when: When,
) -> None:
    """Store a task. With --command the prompt is a shell command."""
    if prompt is None:
        raise errors.InvalidInput("Say what is to be done: --prompt TEXT.")
    said = how.values() | {"name": name, "prompt": options.text(prompt), "description": description}
    with options.as_typed(name="NAME", prompt="--prompt"):
        draft = requests.parse(requests.TaskDraft, said)
    rule, said_of_time = when.rule(), when.timing()
    if when.dry_run:
        timing.dry_run(shell, rule)
        return
    timing.require_rule(rule, said_of_time)
    with shell.engine() as engine:
        _require_thread(engine, draft.thread_id)
        if rule is None:
            show_one(shell, engine, engine.create_task(draft))
            return
        timing.preview(shell, rule)
        show_one(shell, engine, engine.create_scheduled_task(draft, rule, said_of_time)[0])


@app.command("update")
@common.command
def update(
    shell: Shell,
    task: Named,
    *,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    prompt: Prompt = None,
    description: Description = None,
    how: How,
    when: When,
) -> None:
    """Change what is given, and leave the rest as it is."""
    said = how.values() | {"name": name, "prompt": None if prompt is None else options.text(prompt)}
    changes = {field: value for field, value in (said | {"description": description}).items() if value is not None}
    rule, said_of_time = when.rule(), when.timing()
    if when.dry_run:
        timing.dry_run(shell, rule)
        return
    is_timed = rule is not None or timing.is_said(said_of_time)
    if not changes and not is_timed:
        raise errors.InvalidInput("Say what is to be changed; see: baara tasks update --help")
    with shell.engine() as engine, options.as_typed(prompt="--prompt"):
        _require_thread(engine, changes.get("thread_id"))
        found = engine.task(task)
        if is_timed:
            timing.change(shell, engine, found, rule, said_of_time)
        show_one(shell, engine, engine.update_task(found.id, changes) if changes else found)


@app.command("delete")
@common.command
def delete(shell: Shell, task: Named) -> None:
    """Delete a task. What it has run stays."""
    with shell.engine() as engine:
        deleted = engine.delete_task(task)
    if shell.json:
        output.document(documents.task(deleted))
    else:
        output.text(f"Deleted the task “{deleted.name}”. What it has run stays.")


@app.command("toggle")
@common.command
def toggle(
    shell: Shell,
    task: Named,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Which; without it, the other way round.")] = None,
) -> None:
    """Switch a task on or off."""
    with shell.engine() as engine:
        before = engine.task(task)
        after = engine.update_task(before.id, {"enabled": not before.enabled if on is None else on})
    if shell.json:
        output.document(documents.task(after))
    else:
        output.text(f"The task “{after.name}” is {'on' if after.enabled else 'off'}.")


@app.command("run")
@common.command
def run(shell: Shell, task: Named) -> int | None:
    """Run a task now, before other work, and wait until it has ended."""
    with shell.engine() as engine:
        execution = engine.submit_task(task, source=options.SOURCE, first=True)
        return queueing.show(shell, engine, execution, wait=True)


@app.command("submit")
@common.command
def submit_(shell: Shell, task: Named) -> int | None:
    """Queue a task's next execution and return."""
    with shell.engine() as engine:
        execution = engine.submit_task(task, source=options.SOURCE)
        return queueing.show(shell, engine, execution, wait=False)


def _require_thread(engine: Engine, thread_id: str | None) -> None:
    """Raise `errors.NotFound` now rather than when the task runs."""
    if thread_id is not None:
        engine.thread(thread_id)


def show_one(shell: Shell, engine: Engine, task: Task) -> None:
    """Print one task with its schedules."""
    schedules, estimate = engine.schedules(task.id), engine.estimate(task.id)
    if shell.json:
        told = [timing.document(one, task.name) for one in schedules]
        likely = None if estimate is None else asdict(estimate)
        output.document(documents.task(task) | {"schedules": told, "estimate": likely})
        return
    limit = None if task.timeout_s is None else f"{task.timeout_s:g} s"
    output.fields(
        [
            ("Task", task.name),
            ("Id", task.id),
            ("State", "on" if task.enabled else "off"),
            ("Description", task.description or None),
            ("Kind", task.kind),
            ("Prompt", task.prompt),
            ("Sandbox", f"{task.sandbox} ({asyncio.run(sandboxes.standing(task.sandbox))})"),
            ("Workspace", task.workspace or "a new folder each time"),
            ("Model", task.model),
            ("Fallback", task.fallback_model),
            ("Announced", "on the desktop when it has ended well" if task.announce else None),
            ("Permission", task.permission if task.kind is Kind.AGENT else None),
            ("Checks", "\n".join(task.checks) or None),
            ("Budget", None if task.budget_microusd is None else f"${money.shown(task.budget_microusd)} an execution"),
            ("Likely", None if estimate is None else _likely(estimate)),
            ("Queue", f"{task.queue}, priority {task.priority}"),
            ("Retries", str(task.max_retries)),
            ("Time limit", limit),
            ("Turns", str(task.max_turns)),
            ("Thread", task.thread_id),
            ("After a crash", task.unknown_effect),
            ("Gate", task.gate),
            ("Due", "\n".join(timing.line(one) for one in schedules) or None),
            ("Made", words.local(task.created_at)),
            ("Changed", words.local(task.updated_at)),
        ]
    )


def _likely(estimate: Estimate) -> str:
    """Say what one execution will likely cost and take."""
    cost, most = money.shown(estimate.cost_microusd), money.shown(estimate.cost_most_microusd)
    time, longest = resuming.duration(estimate.duration_ms), resuming.duration(estimate.duration_most_ms)
    return f"${cost} and {time}; nine in ten up to ${most} and {longest} (by {words.count(estimate.executions, 'run')})"
