"""Skills and plugins."""

import asyncio
from typing import Any

from nicegui import ui

from baara_ui.house import House
from baara_ui.page import BY, Fields, Page


class Skills(Page):
    """What the person keeps for certain jobs."""

    title = "Plugins and skills"
    here = "skills"

    def __init__(self, house: House) -> None:
        """Look once: it reads many files."""
        self.catalogue = house.engine.skills()
        super().__init__(house)

    def build(self) -> None:
        """Show them."""
        self.part("skills.html", self._values)
        self.on("run", self._run)

    def touches(self, _event: object) -> bool:
        """No event tells of files."""
        return False

    async def _run(self, fields: Fields) -> None:
        made = await asyncio.to_thread(self.engine.run_skill, fields["id"], fields.get("arguments", ""), {"source": BY})
        ui.navigate.to(f"/thread/{made.thread_id}")

    def _values(self) -> dict[str, Any]:
        problems = [{"where": str(one.path), "why": one.why} for one in self.catalogue.problems]
        return {
            "skills": self.catalogue.skills, "plugins": self.catalogue.plugins, "problems": problems,
            "home": str(self.engine.home / "skills"),
        }  # fmt: skip
