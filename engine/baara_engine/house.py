"""What the engine does for an agent at work beyond its sandbox: sub-tasks, skills, and what its project says."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from baara_engine import errors, families, fetching, operations, projects, sandboxes, states, subtasks, tools
from baara_engine.records import Execution, Json
from baara_engine.skills import Catalogue, finding, using
from baara_engine.store import executions, fetch_hosts, trust
from baara_engine.store.transaction import Tx

SKILL = "skill"  #: name of the tool that loads skills


@dataclass(frozen=True, slots=True)
class House:
    """The engine as one execution sees it (see `tools.House`)."""

    place: operations.Place
    execution: Execution
    reach: fetching.Reach = fetching.PUBLIC

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

    async def skill(self, name: str) -> tools.Done:
        """Put a skill's files into the workspace, and give its instructions."""
        try:
            skill = using.find(await asyncio.to_thread(self._catalogue), name)
        except errors.NotFound as error:
            raise errors.InvalidInput(error.message) from error  # the agent can mend it: it names another
        return tools.Done(await asyncio.to_thread(using.load, skill, Path(self.execution.workspace)))

    async def fetch(self, address: str) -> str:
        """Read a page, of the hosts that the work itself is kept to, or else of those on the person's list."""
        limits = sandboxes.limits_of(self.execution.sandbox_limits)
        if limits.network is sandboxes.Network.NONE:
            raise errors.Refused("This work was given no network, so no page can be read.")
        allowed = list(limits.hosts) or self.place.store.read(fetch_hosts.listing)
        return await fetching.fetch(address, allowed, self.reach)

    async def instructions(self) -> str:
        """Give what the person says for the project, and which skills there are."""
        said = [self.place.store.read(lambda view: projects.instructions(view, self.execution.project_id))]
        allowed = self.execution.allowed_tools
        if allowed is None or SKILL in allowed:
            said.append(using.offer(await asyncio.to_thread(self._catalogue)))
        return "\n\n".join(filter(None, said))

    def _catalogue(self) -> Catalogue:
        workspace = Path(self.execution.workspace).resolve()
        trusted = str(workspace) in self.place.store.read(trust.listing)
        return finding.catalogue(self.place.home, self.place.config.claude, workspace if trusted else None)
