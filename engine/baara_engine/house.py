"""What the engine does for an agent at work beyond its sandbox: sub-tasks, skills, and what its project says."""

from dataclasses import dataclass

from baara_engine import families, operations, states, subtasks, tools
from baara_engine.records import Execution, Json
from baara_engine.store import executions
from baara_engine.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class House:
    """The engine as one execution sees it (see `tools.House`)."""

    place: operations.Place
    execution: Execution

    async def submit(self, key: str, wanted: Json) -> tools.ToolOutcome:
        """Submit a sub-task for a call, or give what has become of it."""
        parent = self.execution

        def work(tx: Tx) -> Execution:
            executions.require_owner(tx, parent.id, parent.epoch)
            return subtasks.submit(tx, self.place, parent, key, wanted)

        child = await self.place.store.awrite(work)
        if wanted.get("wait") is False:
            return tools.Done(f"Submitted as execution {child.id}; its result goes to the person's inbox.")
        return families.told(child) if child.status in states.ENDED else tools.Awaited()
