"""Task definitions."""

from dataclasses import asdict, fields, replace
from typing import Any

import orjson

from baara_engine import errors, events
from baara_engine.records import Json, Kind, Permission, Task, UnknownEffect
from baara_engine.store import lookup, models
from baara_engine.store.transaction import Row, Tx, View

TABLE: Any = models.Task  # as Any, because the stubs disagree with themselves about deleting
SELECT = models.select(TABLE, Task)
GET = f"SELECT {', '.join(field.name for field in fields(Task))} FROM task WHERE id = ?"  # asked at each due time


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
    rows = view.sql(GET, (task_id,))
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


LISTS = ("allowed_tools", "checks", "mcp_servers")  # columns that hold lists as JSON


def _row(task: Task) -> Json:
    lists = {name: getattr(task, name) for name in LISTS}
    lists["sandbox_limits"] = task.sandbox_limits
    return asdict(task) | {
        name: None if value is None else orjson.dumps(value).decode() for name, value in lists.items()
    }


def _task(row: Row) -> Task:
    raw = Task(*row)
    stored = {name: getattr(raw, name) for name in LISTS}
    lists: Json = {name: None if text is None else tuple(orjson.loads(text)) for name, text in stored.items()}
    return replace(
        raw,
        enabled=bool(raw.enabled),
        announce=bool(raw.announce),
        kind=Kind(raw.kind),
        unknown_effect=UnknownEffect(raw.unknown_effect),
        permission=Permission(raw.permission),
        sandbox_limits=None if raw.sandbox_limits is None else orjson.loads(str(raw.sandbox_limits)),
        **lists,
    )


def _told(tx: Tx, task: Task, what: str) -> Task:
    tx.emit(events.Kind.TASK, data={"task_id": task.id, "change": what})
    return task
