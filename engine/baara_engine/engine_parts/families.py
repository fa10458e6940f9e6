"""Sub-tasks: what an execution has submitted, and what all of it has cost."""

from baara_engine import operations
from baara_engine.records import Execution
from baara_engine.store import executions, families
from baara_engine.store.store import Store


class Families(operations.Place):
    """The operations on executions that belong together. Cancelling one cancels what it has submitted."""

    store: Store

    def sub_tasks(self, prefix: str) -> list[Execution]:
        """Give what an execution has submitted, oldest first. Raises `errors.NotFound`."""
        return self.store.read(lambda view: families.children(view, executions.find(view, prefix).id))

    def family_cost(self, prefix: str) -> int:
        """Give what an execution and all below it have cost so far, in millionths of a dollar.

        Raises `errors.NotFound`.
        """
        return self.store.read(lambda view: families.cost(view, executions.find(view, prefix).id))
