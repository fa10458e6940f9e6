"""Task definitions."""

from dataclasses import asdict, replace
from typing import Any

import orjson

from baara_engine import errors, events
from baara_engine.records import Json, Kind, Task, UnknownEffect
from baara_engine.store import lookup, models
from baara_engine.store.transaction import Row, Tx, View

TABLE: Any = models.Task  # as Any, because the stubs disagree with themselves about deleting
SELECT = models.select(TABLE, Task)


def make(tx: Tx, task: Task) -> Task:
    """Store a new task. Raises `errors.Refused` if its name is taken."""
    _require_free(tx, task)
    tx.change(TABLE.insert(_row(task)))
    return _told(tx, task, "created")


def change(tx: Tx, task: Task) -> Task:
    """Put a changed task in the place of the one of its id. Raises `errors.Refused` if the new name is taken."""
    _require_free(tx, task)
    tx.change(TABLE.update(_row(task)).where(TABLE.id == task.id))
    return _told(tx, task, "updated")


def delete(tx: Tx, task: Task) -> None:
    """Delete a definition; its executions and threads stay."""
    tx.change(TABLE.delete().where(TABLE.id == task.id))
    _told(tx, task, "deleted")


def get(view: View, task_id: str) -> Task:
    """Give the task of this full id. Raises `errors.NotFound`."""
    rows = view.rows(SELECT.where(TABLE.id == task_id))
    if not rows:
        raise errors.NotFound(f"There is no task {task_id}.")
    return _task(rows[0])


def find(view: View, name_or_id: str) -> Task:
    """Give the task of this name, or the one whose id begins like this. Raises `errors.NotFound`."""
    rows = view.rows(SELECT.where(TABLE.name == name_or_id))
    return _task(rows[0]) if rows else get(view, lookup.by_prefix(view, "task", name_or_id))


def listing(view: View) -> list[Task]:
    """Give all tasks by name."""
    return [_task(row) for row in view.rows(SELECT.order_by(TABLE.name))]


def _require_free(tx: Tx, task: Task) -> None:
    if tx.rows(SELECT.where((TABLE.name == task.name) & (TABLE.id != task.id))):
        raise errors.Refused(f"There is a task named “{task.name}” already. Choose another name, or update that one.")


def _row(task: Task) -> Json:
    tools = None if task.allowed_tools is None else orjson.dumps(task.allowed_tools).decode()
    return asdict(task) | {"allowed_tools": tools}


def _task(row: Row) -> Task:
    raw = Task(*row)
    tools = None if raw.allowed_tools is None else tuple(orjson.loads(str(raw.allowed_tools)))
    return replace(
        raw,
        kind=Kind(raw.kind),
        unknown_effect=UnknownEffect(raw.unknown_effect),
        allowed_tools=tools,
    )


def _told(tx: Tx, task: Task, what: str) -> Task:
    tx.emit(events.Kind.TASK, data={"task_id": task.id, "change": what})
    return task
