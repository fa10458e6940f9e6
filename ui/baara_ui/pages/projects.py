"""Projects: lines of work."""

import asyncio
from typing import Any

from baara_engine import requests
from baara_engine.projects import ProjectDraft
from baara_engine.records import Event
from baara_ui.page import Fields, Page


class Projects(Page):
    """All projects, each with its form."""

    title = "Projects"
    here = "projects"

    def build(self) -> None:
        """Show them."""
        self.part("projects.html", self._values)
        for name, do in {
            "save": self._save, "create": self._create, "delete": self._delete, "activate": self._activate,
        }.items():  # fmt: skip
            self.on(name, do)

    def touches(self, event: Event) -> bool:
        """Look at what changes projects."""
        return event.kind == "project"

    async def _save(self, fields: Fields) -> None:
        changes = {"instructions": fields.get("instructions", ""), "folder": fields.get("folder", "").strip() or None}
        saved = await asyncio.to_thread(self.engine.update_project, fields["id"], changes)
        self.say(f"“{saved.name}” is saved.")

    async def _create(self, fields: Fields) -> None:
        said = {
            "name": fields.get("name", "").strip(), "instructions": fields.get("instructions", ""),
            "folder": fields.get("folder", "").strip() or None,
        }  # fmt: skip
        made = await asyncio.to_thread(self.engine.create_project, requests.parse(ProjectDraft, said))
        self.say(f"“{made.name}” is there.")

    async def _delete(self, fields: Fields) -> None:
        gone = await asyncio.to_thread(self.engine.delete_project, fields["id"])
        self.say(f"“{gone.name}” is deleted. Its work stays.")

    async def _activate(self, fields: Fields) -> None:
        active = await asyncio.to_thread(self.engine.set_active_project, fields.get("id") or None)
        self.say("No project is active now." if active is None else f"New work belongs to “{active.name}” now.")

    def _values(self) -> dict[str, Any]:
        return {"projects": self.engine.projects(), "active": self.engine.active_project()}
