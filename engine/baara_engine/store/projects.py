"""Projects, and which of them is the active one."""

from dataclasses import astuple

import orjson

from baara_engine import errors, events
from baara_engine.patterns_of_work import Project
from baara_engine.store import lookup
from baara_engine.store.transaction import Row, Tx, View

COLUMNS = "id, name, instructions, folder, defaults, created_at, updated_at"
SELECT = f"SELECT {COLUMNS} FROM project"
PUT = f"INSERT OR REPLACE INTO project ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
ACTIVE = "active_project"  #: key of the setting


def put(tx: Tx, project: Project, what: str) -> Project:
    """Store a project, or a changed one in the place of that of its id. Raises `errors.Refused` for a taken name."""
    if tx.sql("SELECT 1 FROM project WHERE name = ? AND id <> ?", (project.name, project.id)):
        raise errors.Refused(f"There is a project named “{project.name}” already. Choose another name.")
    row = astuple(project)
    tx.sql(PUT, (*row[:4], orjson.dumps(row[4]).decode(), *row[5:]))
    return _told(tx, project, what)


def delete(tx: Tx, project: Project) -> Project:
    """Delete a project; its tasks, executions and threads stay."""
    tx.sql("DELETE FROM project WHERE id = ?", (project.id,))
    if active_id(tx) == project.id:
        set_active(tx, None)
    return _told(tx, project, "deleted")


def find(view: View, name_or_id: str) -> Project:
    """Give the project of this name, or the one whose id begins like this. Raises `errors.NotFound`."""
    rows = view.sql(f"{SELECT} WHERE name = ?", (name_or_id,))
    if not rows:
        rows = view.sql(f"{SELECT} WHERE id = ?", (lookup.by_prefix(view, "project", name_or_id),))
    return _project(rows[0])


def known(view: View, project_id: str | None) -> Project | None:
    """Give the project of this full id; None if there is none any more."""
    rows = view.sql(f"{SELECT} WHERE id = ?", (project_id,))
    return _project(rows[0]) if rows else None


def listing(view: View) -> list[Project]:
    """Give all of them by name."""
    return [_project(row) for row in view.sql(f"{SELECT} ORDER BY name")]


def active_id(view: View) -> str | None:
    """Give the id of the active project."""
    rows = view.sql("SELECT value FROM setting WHERE key = ?", (ACTIVE,))
    return None if not rows else orjson.loads(rows[0][0])


def set_active(tx: Tx, project: Project | None) -> None:
    """Make a project the active one, or none."""
    chosen = None if project is None else project.id
    tx.sql("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (ACTIVE, orjson.dumps(chosen).decode()))
    tx.emit(events.Kind.PROJECT, data={"project_id": chosen, "change": "active"})


def _project(row: Row) -> Project:
    return Project(*(*row[:4], orjson.loads(row[4]), *row[5:]))


def _told(tx: Tx, project: Project, what: str) -> Project:
    tx.emit(events.Kind.PROJECT, data={"project_id": project.id, "change": what})
    return project
