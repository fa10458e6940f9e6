"""Projects: what executions and tasks have in common."""

from typing import Any

from baara_engine import operations, projects
from baara_engine.patterns_of_work import Project
from baara_engine.projects import ProjectDraft  # by name, because an operation is called as the module is
from baara_engine.store import projects as rows
from baara_engine.store.store import Store
from baara_engine.store.transaction import View


class Projects(operations.Place):
    """The operations on projects."""

    store: Store

    def projects(self) -> list[Project]:
        """Give all projects by name."""
        return self.store.read(rows.listing)

    def project(self, name_or_id: str) -> Project:
        """Give a project by its name or the beginning of its id. Raises `errors.NotFound`."""
        return self.store.read(lambda view: rows.find(view, name_or_id))

    def create_project(self, draft: ProjectDraft) -> Project:
        """Store a project. Raises `errors.Refused` if there is one of that name."""
        return self.store.write(lambda tx: projects.create(tx, self, draft))

    def update_project(self, name_or_id: str, changes: dict[str, Any]) -> Project:
        """Change some fields of a project. Raises `errors.NotFound`, `errors.InvalidInput` or `errors.Refused`."""
        return self.store.write(lambda tx: projects.update(tx, name_or_id, changes))

    def delete_project(self, name_or_id: str) -> Project:
        """Delete a project; its tasks, executions and threads stay. Raises `errors.NotFound`."""
        return self.store.write(lambda tx: projects.delete(tx, name_or_id))

    def active_project(self) -> Project | None:
        """Give the project that new work belongs to unless it says otherwise."""

        def work(view: View) -> Project | None:
            return rows.known(view, rows.active_id(view))

        return self.store.read(work)

    def set_active_project(self, name_or_id: str | None) -> Project | None:
        """Make a project the active one; None or `none` for no project. Raises `errors.NotFound`."""
        return self.store.write(lambda tx: projects.activate(tx, name_or_id))
