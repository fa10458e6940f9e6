"""Templates: prompts with parameters."""

from collections.abc import Mapping
from typing import Any

from baara_engine import operations, projects
from baara_engine.patterns_of_work import Template
from baara_engine.records import Execution, Task
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx
from baara_engine.templates import filling, making


class Templates(operations.Place):
    """The operations on templates."""

    store: Store

    def templates(self) -> list[Template]:
        """Give all templates by name, those that come with the program among them."""
        return self.store.read(making.listing)

    def template(self, name_or_id: str) -> Template:
        """Give a template by its name or the beginning of its id. Raises `errors.NotFound`."""
        return self.store.read(lambda view: making.find(view, name_or_id))

    def create_template(self, draft: filling.TemplateDraft) -> Template:
        """Store a template. Raises `errors.Refused` if there is one of that name."""
        return self.store.write(lambda tx: making.create(tx, self, draft))

    def update_template(self, name_or_id: str, changes: dict[str, Any]) -> Template:
        """Change some fields of a template.

        Raises `errors.NotFound`, `errors.InvalidInput`, or `errors.Refused` for one that comes with the program.
        """
        return self.store.write(lambda tx: making.update(tx, name_or_id, changes))

    def delete_template(self, name_or_id: str) -> Template:
        """Delete a template; what was made of it stays. Raises `errors.NotFound` or `errors.Refused`."""
        return self.store.write(lambda tx: making.delete(tx, name_or_id))

    def submit_template(self, name_or_id: str, params: Mapping[str, Any], said: dict[str, Any]) -> Execution:
        """Submit a template with values; `said` are fields of `requests.Submission` that count before its own.

        Raises `errors.NotFound`, or `errors.InvalidInput` for what is missing or does not fit.
        """

        def work(tx: Tx) -> Execution:
            submission = making.submission(making.find(tx, name_or_id), params, said)
            return operations.submit(tx, self, projects.placed(tx, submission))

        return self.store.write(work)

    def create_task_from_template(self, name_or_id: str, params: Mapping[str, Any], said: dict[str, Any]) -> Task:
        """Store a task made of a template with values; `said` are fields of `requests.TaskDraft`, its name first.

        Raises `errors.NotFound`, `errors.InvalidInput`, or `errors.Refused` for a name that is taken.
        """

        def work(tx: Tx) -> Task:
            draft = making.task(making.find(tx, name_or_id), params, said)
            return operations.create_task(tx, self, projects.placed(tx, draft))

        return self.store.write(work)
